"""The documentation page: Swagger UI, served from the files that the `swagger_ui` package brings along.

Nothing is loaded from elsewhere and nothing inline is run, which the page's Content-Security-Policy makes sure of.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Final

from fleetwrite.api.endpoint import Answer, AnswerShape, ApiRequest, Endpoint, Handler, Tag
from fleetwrite.bootstrap import Services

_HTML: Final = "text/html; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_STYLE: Final = "text/css; charset=utf-8"

# Swagger UI draws its icons from data URLs and sets styles through the DOM, which needs no 'unsafe-inline'.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)

_PAGE: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fleetwrite API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START: Final = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""


@functools.cache
def _packaged(name: str) -> bytes:
    # The package is looked up, not imported: its code would bring a template engine along.
    package = importlib.util.find_spec("swagger_ui")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("The package swagger-ui-py is not installed; it holds the documentation page's files.")
    return (Path(package.submodule_search_locations[0]) / "static" / name).read_bytes()


def _serve(media_type: str, content: bytes) -> Handler:
    async def serve(_services: Services, _request: ApiRequest) -> Answer:
        return Answer(content=content, media_type=media_type, headers=_HEADERS)

    return serve


def _serve_packaged(media_type: str, name: str) -> Handler:
    async def serve(_services: Services, _request: ApiRequest) -> Answer:
        return Answer(content=_packaged(name), media_type=media_type, headers=_HEADERS)

    return serve


def _file(path: str, operation_id: str, summary: str, media_type: str, handler: Handler) -> Endpoint:
    plain_type = media_type.split(";", maxsplit=1)[0]
    return Endpoint(
        method="GET",
        path=path,
        operation_id=operation_id,
        summary=summary,
        tag=Tag.INSIGHT,
        handler=handler,
        answers={200: AnswerShape(description="The file.", content=str, media_type=plain_type)},
    )


DOCS_PAGE: Final = (
    _file("/docs", "get_docs", "This documentation as a page", _HTML, _serve(_HTML, _PAGE)),
    _file("/docs/start.js", "get_docs_start", "The page's start", _SCRIPT, _serve(_SCRIPT, _START)),
    _file(
        "/docs/swagger-ui-bundle.js",
        "get_docs_script",
        "The page's script",
        _SCRIPT,
        _serve_packaged(_SCRIPT, "swagger-ui-bundle.js"),
    ),
    _file(
        "/docs/swagger-ui.css",
        "get_docs_style",
        "The page's style",
        _STYLE,
        _serve_packaged(_STYLE, "swagger-ui.css"),
    ),
)
