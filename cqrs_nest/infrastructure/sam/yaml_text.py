"""A template as YAML, with the short forms `!Ref`, `!Sub` and `!GetAtt`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WIDTH = 110


def yaml_text(template: Mapping[str, Any]) -> str:
    """The template as text.

    >>> print(yaml_text({"Value": {"Fn::GetAtt": ["Function", "Arn"]}, "Name": {"Ref": "Stage"}}), end="")
    Value: !GetAtt 'Function.Arn'
    Name: !Ref 'Stage'
    """
    # Imported here, as only the command needs it.
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes single functions by their tags, and no references within the file."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.Node:
        name = next(iter(data)) if len(data) == 1 else ""
        if name != "Ref" and not name.startswith("Fn::"):
            return dumper.represent_mapping("tag:yaml.org,2002:map", data.items())
        tag, value = f"!{name.removeprefix('Fn::')}", data[name]
        if tag == "!GetAtt":
            value = ".".join(value)
        return (
            yaml.ScalarNode(tag, value) if isinstance(value, str) else dumper.represent_sequence(tag, value)
        )

    def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(dict, represent)
    Dumper.add_representer(str, represent_text)
    return yaml.dump(dict(template), Dumper=Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)
