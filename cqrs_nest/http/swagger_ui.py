"""The OpenAPI document and the Swagger UI page, with assets of this host only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from cqrs_nest.common import NotFoundException
from cqrs_nest.http.responses import json_reply
from cqrs_nest.http.router import Answer, PathValue

DOCUMENT_PATH = "/openapi.json"
PAGE_PATH = "/swagger-ui"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="{base}/favicon-32x32.png">
<link rel="stylesheet" href="{base}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}/swagger-ui-bundle.js"></script>
<script src="{base}/start.js"></script>
</body>
</html>
"""
_START = "SwaggerUIBundle({options});\n"


class SwaggerUi:
    """Routes outside of the global prefix; the page needs the `local` extra, the document does not."""

    def __init__(self, title: str, document: Callable[[], dict[str, Any]]) -> None:
        self._title = title
        self._document = document
        self._assets = {path.name: path for path in _assets()}

    def routes(self) -> list[tuple[str, str, Answer]]:
        """Method, path and what answers, as the router takes them."""
        return [
            ("GET", DOCUMENT_PATH, self._serve_document),
            ("GET", f"{PAGE_PATH}-json", self._serve_document),
            ("GET", PAGE_PATH, self._serve_page),
            ("GET", f"{PAGE_PATH}/start.js", self._serve_start),
            ("GET", f"{PAGE_PATH}/:file", self._serve_asset),
        ]

    async def _serve_document(
        self, scope: Scope, receive: Receive, send: Send, params: dict[str, PathValue]
    ) -> None:
        await json_reply(200, self._document())(scope, receive, send)

    async def _serve_page(
        self, scope: Scope, receive: Receive, send: Send, params: dict[str, PathValue]
    ) -> None:
        if not self._assets:
            raise NotFoundException("The Swagger UI is not installed: pip install 'cqrs-nest[local]'")
        base = escape(scope.get("root_path", "") + PAGE_PATH)
        await HTMLResponse(_PAGE.format(title=escape(self._title), base=base))(scope, receive, send)

    async def _serve_start(
        self, scope: Scope, receive: Receive, send: Send, params: dict[str, PathValue]
    ) -> None:
        options = {
            "url": scope.get("root_path", "") + DOCUMENT_PATH,
            "dom_id": "#swagger-ui",
            "deepLinking": True,
            "persistAuthorization": True,
            "validatorUrl": None,
        }
        script = _START.format(options=json.dumps(options))
        await Response(script, media_type="text/javascript")(scope, receive, send)

    async def _serve_asset(
        self, scope: Scope, receive: Receive, send: Send, params: dict[str, PathValue]
    ) -> None:
        asset = self._assets.get(str(params["file"]))
        if asset is None:
            raise NotFoundException(f"Cannot GET {PAGE_PATH}/{params['file']}")
        await FileResponse(asset)(scope, receive, send)


def _assets() -> Iterator[Path]:
    """The files of the page; the package that brings them is found, never imported."""
    package = find_spec("flask_swagger_ui")
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        yield from (
            path for path in (Path(folder) / "dist").iterdir() if path.suffix in (".css", ".js", ".png")
        )
