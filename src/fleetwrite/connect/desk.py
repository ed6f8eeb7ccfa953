"""The one ASGI layer around all pages: what every request and every answer goes through.

In this order: the browser is known by its cookie, or gets one; a form is read, and has to carry the token of that
browser; the handler works; what it raises becomes a page that says what to do. Nothing is cached, no script is run, no
other site may frame a page or learn its address.
"""

import hashlib
import importlib.resources
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from fleetwrite.api.headers import request_id
from fleetwrite.api.intake import ClientGoneError, parse_form, read_body, read_headers
from fleetwrite.connect.addresses import origin_of
from fleetwrite.connect.errors import FormRejectedError
from fleetwrite.connect.page import Desk, Download, Page, PageHandler, PageRequest, Redirect
from fleetwrite.connect.problems import PROBLEMS, UNFORESEEN, page_of
from fleetwrite.connect.visits import Browser
from fleetwrite.fleet_data.export import pieces

_log = structlog.get_logger(__name__)

FORM_TOKEN: Final = "form_token"  # noqa: S105 - the name of a field
LARGEST_FORM: Final = 64 * 1024
"""Bytes; the longest credentials, a private key and a certificate, have a tenth of that."""

_STATIC: Final = importlib.resources.files("fleetwrite.connect") / "static"
STYLE: Final = (_STATIC / "style.css").read_bytes()
ICON: Final = (_STATIC / "icon.svg").read_bytes()
STYLE_PATH: Final = "/connect/style.css"
ICON_PATH: Final = "/connect/icon.svg"

_LONGEST_SECRET: Final = 64

_FIXED: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


def _policy(leads_to: tuple[str | None, ...]) -> str:
    origins = sorted({origin for address in leads_to if (origin := origin_of(address)) is not None})
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            " ".join(("form-action 'self'", *origins)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class Renderer:
    """Makes documents of pages. Everything that a template shows is escaped."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("fleetwrite.connect"),
            autoescape=True,
            # What a template misspells is an error, and not an empty place.
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        version = hashlib.sha256(STYLE).hexdigest()[:12]
        self._templates.globals.update(style=f"{STYLE_PATH}?v={version}", icon=ICON_PATH)

    def render(self, page: Page, browser: Browser) -> str:
        """The document of a page as this browser gets it."""
        template = self._templates.get_template(page.template)
        return template.render(**page.values, form_token=browser.form_token)


class PageServer:
    """Serves one path: a handler for each method."""

    def __init__(self, desk: Desk, renderer: Renderer, path: str, handlers: Mapping[str, PageHandler]) -> None:
        self._desk = desk
        self._renderer = renderer
        self._path = path
        self._handlers = handlers
        is_secure = urlsplit(desk.public_url).scheme == "https"
        # The prefix makes browsers take the cookie from this very host only, and by TLS only.
        self._cookie = "__Host-fleetwrite-visit" if is_secure else "fleetwrite-visit"
        self._is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that happens in a handler gets past here."""
        started_at = time.perf_counter()
        request = Request(scope, receive)
        known = request.cookies.get(self._cookie, "")
        browser = Browser(known) if 0 < len(known) <= _LONGEST_SECRET and known.isascii() else Browser.new()
        identity = request_id(read_headers(scope))
        with structlog.contextvars.bound_contextvars(request_id=identity):
            try:
                answer = await self._answer(request, identity, browser, receive)
            except ClientGoneError:
                return
            except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, the visitor gets a page
                problem = PROBLEMS.get(type(error))
                if problem is None:
                    _log.exception("page failed unexpectedly", method=request.method, path=self._path)
                answer = page_of(problem or UNFORESEEN)
            response = self._response(answer, browser)
            _log.info(
                "page",
                method=request.method,
                path=self._path,
                status=response.status_code,
                ms=round((time.perf_counter() - started_at) * 1000, 2),
            )
        await response(scope, receive, send)

    async def _answer(
        self, request: Request, identity: str, browser: Browser, receive: Receive
    ) -> Page | Redirect | Download:
        method = "GET" if request.method == "HEAD" else request.method
        form: Mapping[str, str] = {}
        if method == "POST":
            form = await _read_form(request, receive)
            if not browser.sent(form.get(FORM_TOKEN, "")):
                raise FormRejectedError
        given = PageRequest(
            identity=identity,
            address="" if request.client is None else request.client.host,
            browser=browser,
            path=request.path_params,
            query=dict(request.query_params),
            form=form,
        )
        return await self._handlers[method](self._desk, given)

    def _response(self, answer: Page | Redirect | Download, browser: Browser) -> Response:
        if isinstance(answer, Download):
            headers = {**_FIXED, "Content-Disposition": f'attachment; filename="{answer.name}"'}
            return StreamingResponse(pieces(answer.file), headers=headers, media_type=answer.media_type)
        if isinstance(answer, Redirect):
            response = Response(status_code=303, headers={**_FIXED, "Location": answer.to})
            browser = answer.browser or browser
        else:
            headers = {**_FIXED, "Content-Security-Policy": _policy(answer.leads_to)}
            document = self._renderer.render(answer, browser)
            response = Response(document, answer.status, headers, media_type="text/html")
        response.set_cookie(
            # Lax, as the way back from a provider begins there.
            self._cookie,
            browser.secret,
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )
        return response


async def _read_form(request: Request, receive: Receive) -> Mapping[str, str]:
    headers = read_headers(request.scope)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise FormRejectedError
    raw = await read_body(headers, receive, LARGEST_FORM)
    try:
        form = parse_form(raw)
    except ValueError as error:
        raise FormRejectedError from error
    if any("\0" in text for text in form.values()):
        # No page lets anybody enter it, and the database can not hold it.
        raise FormRejectedError
    return form
