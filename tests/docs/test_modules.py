"""The Python of the modules' pages runs as it stands there, and their links lead somewhere."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/modules/*.md"), *ROOT.glob("modules/*/README.md")])
TEXTS = {page: page.read_text() for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
async def test_the_python_of_the_page_runs(page: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXTS[page], re.DOTALL)
    for number, block in enumerate(blocks):
        example = ModuleType(f"{page.stem}_{number}")
        exec(compile(block, f"{page.name} block {number}", "exec"), vars(example))
        for name, value in list(vars(example).items()):
            if name.startswith("test_") and inspect.iscoroutinefunction(value):
                await value()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_linked_file_exists(page: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", TEXTS[page]):
        assert (page.parent / link).exists(), link


def test_every_module_has_a_readme_and_a_page() -> None:
    for package in ROOT.glob("modules/cqrs_nest_*"):
        assert (package / "README.md").exists(), package
        assert (ROOT / "docs" / "modules" / f"{package.name.removeprefix('cqrs_nest_')}.md").exists()
