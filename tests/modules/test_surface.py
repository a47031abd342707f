"""Nothing of the TypeScript modules is missing, and the page that says so is up to date."""

from __future__ import annotations

from tests.modules.surface import PAGE, document, page


async def test_every_route_field_and_method_is_here() -> None:
    written = page(await document())
    assert "MISSING" not in written, [line for line in written.splitlines() if "MISSING" in line]
    assert PAGE.read_text() == written, "python -m tests.modules.surface"
