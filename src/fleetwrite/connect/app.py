"""The table of pages, and what serves them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fleetwrite.bootstrap import Services
from fleetwrite.connect import consents, fleet_page, invitations, providers, returning
from fleetwrite.connect.desk import ICON, ICON_PATH, STYLE, STYLE_PATH, PageServer, Renderer
from fleetwrite.connect.mail import Sender, sender_of
from fleetwrite.connect.offers import check_settings
from fleetwrite.connect.page import Desk, PageHandler
from fleetwrite.connect.visits import Visits

PAGES: Final[Mapping[str, Mapping[str, PageHandler]]] = {
    "/connect": {"GET": invitations.show},
    "/connect/accept": {"POST": invitations.accept},
    "/connect/decline": {"POST": invitations.decline},
    "/connect/providers": {"GET": providers.choose},
    "/connect/providers/{slug}": {"GET": providers.show, "POST": providers.connect},
    "/connect/providers/{slug}/consent": {"POST": consents.leave},
    "/connect/callback/{slug}": {"GET": consents.come_back},
    "/connect/done": {"GET": providers.done},
    "/connect/return": {"GET": returning.show, "POST": returning.come_back},
    "/connect/link": {"POST": returning.send_link},
    "/connect/fleet": {"GET": fleet_page.show},
    "/connect/fleet/agreements/{agreement_id}/{change}": {"POST": fleet_page.change_agreement},
    "/connect/fleet/connections/{connection_id}/disconnect": {
        "GET": fleet_page.ask_to_disconnect,
        "POST": fleet_page.disconnect,
    },
    "/connect/fleet/data/{fleet_id}": {"POST": fleet_page.download},
    "/connect/sign-out": {"POST": returning.sign_out},
}
"""By path and method. What changes something is a POST."""

_LONG: Final = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}


def connect_routes(services: Services, sender: Sender | None = None) -> Sequence[Route]:
    """The routes of the connect page.

    Args:
        services: what it works with.
        sender: how mail leaves; None: as the settings say.

    Raises:
        SettingsError: what is set for the page can not be.
    """
    settings = services.settings
    check_settings(services.registry, settings)
    public_url = services.public_url
    visits = Visits(services.database, sender or sender_of(settings), public_url=public_url)
    desk, renderer = Desk(services, visits, public_url), Renderer()
    return [
        Route(STYLE_PATH, _file(STYLE, "text/css")),
        Route(ICON_PATH, _file(ICON, "image/svg+xml")),
        *(
            Route(path, PageServer(desk, renderer, path, handlers), methods=list(handlers))
            for path, handlers in PAGES.items()
        ),
    ]


def _file(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(_request: Request) -> Response:
        return Response(content, headers=_LONG, media_type=media_type)

    return serve
