"""What passes between the desk and the handlers of pages."""

from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any
from uuid import UUID

import msgspec

from fleetwrite.audit.models import Actor, ActorKind
from fleetwrite.bootstrap import Services
from fleetwrite.connect.errors import PageNotFoundError
from fleetwrite.connect.visits import Browser, Visits


class Desk(msgspec.Struct, frozen=True):
    """What handlers work with.

    Attributes:
        public_url: where browsers reach this installation, without a slash at its end.
    """

    services: Services
    visits: Visits
    public_url: str


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request after all checks. Of parameters and fields that are repeated the last counts.

    Attributes:
        identity: as in the log.
        address: of the browser, as the server sees it; empty where it sees none.
        browser: by its cookie; one that had none got a new secret.
        path: the texts of the path's parameters.
    """

    identity: str
    address: str
    browser: Browser
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]

    def actor(self, name: UUID | str) -> Actor:
        """Who speaks for a fleet, as the audit log names him: the fleet's id, or what stands for its invitation."""
        return Actor(kind=ActorKind.FLEET, name=str(name), address=self.address, request_id=self.identity)

    def id_of(self, text: str | None) -> UUID:
        """An id from a path, a query or a form.

        Raises:
            PageNotFoundError: it is none.
        """
        try:
            return UUID(text or "")
        except ValueError as error:
            raise PageNotFoundError from error


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page to show.

    Attributes:
        template: its file.
        values: what the template shows, escaped there.
        leads_to: origins that its forms may be answered with a redirect to; browsers hold forms to that.
    """

    template: str
    values: Mapping[str, Any] = {}
    status: int = 200
    leads_to: tuple[str | None, ...] = ()


class Redirect(msgspec.Struct, frozen=True, kw_only=True):
    """Another address to go to, by GET.

    Attributes:
        browser: whom the browser is from now on; None: whom it was.
    """

    to: str
    browser: Browser | None = None


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """A file to save, which is closed when it was sent."""

    file: IO[bytes]
    name: str
    media_type: str


PageHandler = Callable[[Desk, PageRequest], Awaitable[Page | Redirect | Download]]
