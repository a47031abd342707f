"""Which route a path reaches."""

import inspect
import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqrs_nest.common import BadRequestException
from cqrs_nest.http.router import InvalidPathError, Router


def answer(routes: list[tuple[str, str, str]], method: str, path: bytes) -> tuple[str, object] | None:
    return Router(routes).match(method, path)


@pytest.mark.parametrize(
    "path", [b"/cats", b"/cats/", b"/CATS", b"/Cats/"], ids=["exact", "slash", "upper", "both"]
)
def test_case_and_one_trailing_slash_do_not_matter(path: bytes) -> None:
    assert answer([("GET", "/cats", "cats")], "GET", path) == ("cats", {})


@pytest.mark.parametrize("path", [b"//cats", b"/cats//", b"//", b"/cats/1", b"/", b"/cat", b""])
def test_other_paths_are_unknown(path: bytes) -> None:
    assert answer([("GET", "/cats", "cats")], "GET", path) is None


def test_the_root_is_a_path() -> None:
    assert answer([("GET", "/", "root")], "GET", b"/") == ("root", {})


def test_an_empty_segment_is_no_parameter() -> None:
    assert answer([("GET", "/cats/:id", "cat")], "GET", b"/cats//") is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (b"/cats/a%2Fb", "a/b"),
        (b"/cats/TODO%23t", "TODO#t"),
        (b"/cats/%E3%81%82", "あ"),
        (b"/cats/a+b", "a+b"),
        (b"/cats/%25", "%"),
        (b"/cats/..", ".."),
        (b"/cats/MiXed", "MiXed"),
    ],
)
def test_a_parameter_is_decoded_within_its_segment(path: bytes, value: str) -> None:
    assert answer([("GET", "/cats/:id", "cat")], "GET", path) == ("cat", {"id": value})


@pytest.mark.parametrize("escape", [b"%E0%A4%A", b"%zz", b"%", b"%ff"])
def test_a_malformed_escape_is_refused(escape: bytes) -> None:
    with pytest.raises(BadRequestException, match="Failed to decode param"):
        answer([("GET", "/cats/:id", "cat")], "GET", b"/cats/" + escape)


def test_a_malformed_escape_on_no_route_is_unknown() -> None:
    assert answer([("GET", "/cats/:id", "cat")], "GET", b"/dogs/%zz") is None


@pytest.mark.parametrize(
    ("first", "second", "params"),
    [
        ("/cats/:id", "/cats/static", {"id": "static"}),
        ("/cats/static", "/cats/:id", {}),
        ("/*rest", "/cats/static", {"rest": ["cats", "static"]}),
        ("/:a/static", "/cats/:b", {"a": "cats"}),
    ],
)
def test_the_first_declared_route_wins(first: str, second: str, params: dict[str, object]) -> None:
    routes = [("GET", first, first), ("GET", second, second)]
    assert answer(routes, "GET", b"/cats/static") == (first, params)


def test_a_later_route_is_found_behind_one_that_does_not_fit() -> None:
    routes = [("GET", "/cats/special/a", "a"), ("GET", "/:kind/special/b", "b"), ("GET", "/*rest", "rest")]
    assert answer(routes, "GET", b"/cats/special/b") == ("b", {"kind": "cats"})
    assert answer(routes, "GET", b"/cats/special/c") == ("rest", {"rest": ["cats", "special", "c"]})


def test_names_belong_to_the_route_not_to_the_place() -> None:
    routes = [("GET", "/cats/:id", "get"), ("PUT", "/cats/:pk", "put")]
    assert answer(routes, "PUT", b"/cats/7") == ("put", {"pk": "7"})


def test_a_wildcard_covers_one_segment_or_more() -> None:
    routes = [("GET", "/files/*path", "file")]
    assert answer(routes, "GET", b"/files/a/b%2Fc") == ("file", {"path": ["a", "b/c"]})
    assert answer(routes, "GET", b"/files") is None


@pytest.mark.parametrize(
    ("declared", "asked", "reached"),
    [
        ("GET", "HEAD", True),
        ("HEAD", "HEAD", True),
        ("HEAD", "GET", False),
        ("GET", "POST", False),
        ("GET", "OPTIONS", False),
        ("ALL", "POST", True),
        ("ALL", "OPTIONS", True),
        ("ALL", "PROPFIND", True),
    ],
)
def test_methods(declared: str, asked: str, reached: bool) -> None:
    assert (answer([(declared, "/cats", "cats")], asked, b"/cats") is not None) is reached


def test_all_and_a_method_keep_their_order() -> None:
    all_first = [("ALL", "/cats", "all"), ("GET", "/cats", "get")]
    assert answer(all_first, "GET", b"/cats") == ("all", {})
    assert answer(all_first[::-1], "GET", b"/cats") == ("get", {})
    assert answer(all_first[::-1], "HEAD", b"/cats") == ("get", {})
    assert answer(all_first[::-1], "POST", b"/cats") == ("all", {})


def test_declared_text_beyond_ascii_is_found_in_its_wire_form() -> None:
    assert answer([("GET", "/猫", "cat")], "GET", b"/%E7%8C%AB") == ("cat", {})


@pytest.mark.parametrize("path", ["/a/:id?", "/a/:id(\\d+)", "/*rest/b", "/a:b", "/:a-:b", "/a*"])
def test_patterns_that_are_not_served_are_refused(path: str) -> None:
    with pytest.raises(InvalidPathError):
        Router([("GET", path, "x")])


def calls_of_a_match(other_routes: int) -> int:
    routes = [("GET", f"/things{number}/:id/parts", "thing") for number in range(other_routes)]
    router = Router([*routes, ("GET", "/cats/:id/parts", "cat")])
    calls, router_file = 0, inspect.getfile(Router)

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += frame.f_code.co_filename == router_file  # a garbage collection may come between

    sys.setprofile(count)
    match = router.match("GET", b"/cats/7/parts")
    sys.setprofile(None)
    assert match == ("cat", {"id": "7"})
    return calls


def test_the_work_does_not_grow_with_the_routes() -> None:
    assert calls_of_a_match(5) == calls_of_a_match(500)


names = st.text("abAB", min_size=1, max_size=2)
declared_paths = st.builds(
    lambda parts, rest: "/" + "/".join([*parts, *rest]),
    st.lists(st.one_of(names, names.map(lambda name: f":{name}")), max_size=3),
    st.sampled_from([[], [], ["*rest"]]),
)
declared_routes = st.tuples(st.sampled_from(["GET", "GET", "POST", "HEAD", "ALL"]), declared_paths)
asked_segments = st.lists(st.one_of(names, st.sampled_from(["", "%2F"])), max_size=4)


def params_by_hand(declared: str, asked: list[str]) -> dict[str, object] | None:
    """What a path gives to the parameters of a declared one; None if it does not fit."""
    params: dict[str, object] = {}
    parts = [part for part in declared.split("/") if part]
    values = [segment.replace("%2F", "/") for segment in asked]
    for position, part in enumerate(parts):
        if position >= len(asked) or not asked[position]:
            return None
        if part.startswith("*"):
            return {**params, part[1:]: values[position:]}
        if part.startswith(":"):
            params[part[1:]] = values[position]
        elif part.lower() != asked[position].lower():
            return None
    return params if len(parts) == len(asked) else None


@given(
    st.lists(declared_routes, min_size=1, max_size=8), st.sampled_from(["GET", "HEAD", "PUT"]), asked_segments
)
def test_the_router_agrees_with_trying_one_route_after_the_other(
    declared: list[tuple[str, str]], method: str, asked: list[str]
) -> None:
    """Where a route has two parameters of one name, the last one counts."""
    served = {"GET": ("GET", "ALL"), "HEAD": ("HEAD", "GET", "ALL"), "PUT": ("ALL",)}[method]
    router = Router([(of, path, number) for number, (of, path) in enumerate(declared)])
    raw_path = "/" + "/".join(asked)
    for path in (raw_path, raw_path.lower().replace("%2f", "%2F")):
        segments = path.removesuffix("/").split("/")[1:]
        fitting = (
            (number, params)
            for number, (of, each) in enumerate(declared)
            if of in served and (params := params_by_hand(each, segments)) is not None
        )
        assert router.match(method, path.encode()) == next(fitting, None)
