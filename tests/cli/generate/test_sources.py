"""The edits of modules: what they keep, what they leave alone, what they refuse."""

from pathlib import Path

import click
import pytest

from cqrs_nest.cli.generate.module_source import ModuleSource, TableReference
from cqrs_nest.cli.generate.names import Name

FILE = Path("shop/shop_module.py")


def module(decorator: str, before: str = "") -> ModuleSource:
    return ModuleSource(FILE, f"{before}\n\n@Module({decorator})\nclass ShopModule:\n    pass  # for now\n")


def decorator(source: ModuleSource) -> str:
    return source.text.partition("@Module(")[2].partition(")\nclass")[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "providers=[New]"),
        ("providers=[]", "providers=[New]"),
        ("providers=[A]", "providers=[A, New]"),
        ("providers=[A, New]", "providers=[A, New]"),
        ("imports=[A]", "imports=[A], providers=[New]"),
        ("providers=[\n    A,  # first\n]", "providers=[\n    A,  # first\n    New,\n]"),
        ("providers=[\n    A  # first\n]", "providers=[\n    A,  # first\n    New\n]"),
        (
            "providers=[\n    A,\n    # B comes later\n]",
            "providers=[\n    A,\n    # B comes later\n    New,\n]",
        ),
        (
            "\n    imports=[A],  # one\n    # no providers\n",
            "\n    imports=[A],  # one\n    # no providers\n    providers=[New],\n",
        ),
        ("\n    imports=[A]\n", "\n    imports=[A],\n    providers=[New]\n"),
    ],
)
def test_an_element_is_added_and_all_else_stays(before: str, after: str) -> None:
    source = module(before)
    source.append("providers", "New")
    assert decorator(source) == after
    source.append("providers", "New")
    assert decorator(source) == after
    assert source.text.endswith("pass  # for now\n")


def test_an_element_of_a_list_that_is_taken_in_is_there() -> None:
    source = module("providers=[*HANDLERS]", "HANDLERS = [A, New]")
    source.append("providers", "New")
    assert decorator(source) == "providers=[*HANDLERS]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('table_name="t"', 'table_name="t", data_sync_handlers=[New]'),
        ('table_name="t", data_sync_handlers=[A]', 'table_name="t", data_sync_handlers=[A, New]'),
        ('\n    table_name="t",\n', '\n    table_name="t",\n    data_sync_handlers=[New],\n'),
    ],
)
def test_a_list_of_the_table_is_added_to(before: str, after: str) -> None:
    source = module(f"imports=[A, CqrsModule.register({before})]")
    source.append_to_table("data_sync_handlers", "New")
    assert decorator(source) == f"imports=[A, CqrsModule.register({after})]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '"new:metadata"'),
        ("create_tables=True", '"new:metadata", create_tables=True'),
        ("metadata, create_tables=True", '[metadata, "new:metadata"], create_tables=True'),
        ('"old:metadata"', '["old:metadata", "new:metadata"]'),
        ("metadata=[metadata]", 'metadata=[metadata, "new:metadata"]'),
        ('["new:metadata"]', '["new:metadata"]'),
        ('"new:metadata"', '"new:metadata"'),
        ("['new:metadata']", "['new:metadata']"),
        ("'new:metadata'", "'new:metadata'"),
    ],
)
def test_the_database_makes_the_tables_of_one_more(before: str, after: str) -> None:
    source = module(f"imports=[SqlModule.register({before})]")
    source.append_metadata("new:metadata")
    assert decorator(source) == f"imports=[SqlModule.register({after})]"


@pytest.mark.parametrize(
    ("table", "before", "reference"),
    [
        ('"orders"', "", TableReference('"orders"')),
        ("TABLE", "from shop.tables import TABLE", TableReference("TABLE", "shop.tables")),
        ("MINE", "from shop.tables import TABLE as MINE", TableReference("TABLE", "shop.tables")),
        ("TABLE", 'TABLE = "orders"', TableReference('"orders"')),
        ("TABLE", 'TABLE: str = "orders"', TableReference('"orders"')),
    ],
)
def test_a_table_is_found_as_others_can_write_it(table: str, before: str, reference: TableReference) -> None:
    assert module(f"imports=[CqrsModule.register(table_name={table})]", before).table() == reference


def test_an_import_is_added_once() -> None:
    source = module("", '"""Shop."""\n\nfrom a import B\n')
    for _ in range(2):
        source.add_import("shop.orders", "metadata", "order_metadata")
        source.add_import("a", "B")
    assert source.text.count("import") == 2
    assert "from shop.orders import metadata as order_metadata" in source.text


REFUSED = [
    (
        "providers=PROVIDERS",
        "",
        "providers=PROVIDERS is no list that can be added to; write providers=[*PROVIDERS]",
    ),
    ("**OPTIONS", "", "Module(...) takes **options; write providers=[New] there and run it again"),
    ("", "from elsewhere import New", "New is something else here; give that another name"),
    ("", "class New: ...", "New is something else here"),
    ("", "New = 1", "New is something else here"),
    ("", "@Module()\nclass A: ...", "it has 2 classes with @Module(...)"),
    ("", "def broken(:", "this is no Python; mend it and run the command again"),
]


@pytest.mark.parametrize(("written", "before", "said"), REFUSED)
def test_what_is_not_safe_is_refused(written: str, before: str, said: str) -> None:
    def edit() -> None:
        source = module(written, before)
        source.add_import("shop.new", "New")
        source.append("providers", "New")

    with pytest.raises(click.ClickException) as refused:
        edit()
    assert str(FILE) in refused.value.message
    assert said in refused.value.message


NO_NAMES = [
    *((text, "is no name") for text in ("", "1st", "a/b", "../a", "é", "-a", "a--b")),
    ("class", "a word of Python"),
    ("match", "a word of Python"),
    ("a" * 61, "60 characters"),
]


@pytest.mark.parametrize(("text", "said"), NO_NAMES)
def test_what_is_no_name_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Name.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("orderItem", "order item"),
        ("HTTPServer", "http server"),
        ("order2", "order2"),
        ("ORDER_ITEM", "order item"),
        ("A", "a"),
    ],
)
def test_words_of_a_name(text: str, words: str) -> None:
    assert Name.parse(text).text == words


@pytest.mark.parametrize(
    ("one", "several"), [("city", "cities"), ("day", "days"), ("box", "boxes"), ("bus", "buses")]
)
def test_several(one: str, several: str) -> None:
    assert Name.parse(one).plural.text == several
