"""What one endpoint is: a row of the endpoint table, and what passes between it and the gateway."""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from fleetwrite.access.models import Principal
from fleetwrite.access.scopes import Scope
from fleetwrite.api.intake import LARGEST_BODY
from fleetwrite.audit.models import Actor, ActorKind
from fleetwrite.bootstrap import Services
from fleetwrite.operations.models import Directives

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
CSV: Final = "text/csv"
EVENT_STREAM: Final = "text/event-stream"

TEXTS: Final = frozenset({"slug", "event_name", "version"})
"""The path parameters that are texts; all others are ids."""


class Tag(Enum):
    """A chapter of the documentation. Those of the telematics API are the contract's."""

    TRACKING = "Fleet Operations & Tracking"
    PEOPLE = "Drivers & Users"
    COMPLIANCE = "Compliance & Regulation"
    MAINTENANCE = "Maintenance & Vehicle Health"
    CONNECTIONS = "Connections"
    SCHEDULES = "Schedules"
    TSPS = "TSPs"
    OPERATIONS = "Resource Operations"
    RECORDS = "Id Map"
    WEBHOOKS = "Webhooks"
    INVITATIONS = "Invitations"
    AGREEMENTS = "Share Agreements"
    ORGANIZATIONS = "Fleets & Partners"
    ADMIN = "Administration"
    AUTHENTICATION = "Authentication"
    INSIGHT = "Health & Insight"


class ApiRequest(Struct, kw_only=True):
    """A request after all checks, as a handler sees it.

    Attributes:
        headers: by their names in lower case; several lines of one name are joined by commas.
        identity: identifies the request in logs.
        address: of the client, as the server or a trusted proxy saw it; empty where there is none.
        principal: who is calling; None where the endpoint asks for no token.
        path: the path's ids, by their names in the table.
        texts: the path's texts likewise.
        query: the endpoint's query Struct.
        body: the endpoint's body Struct, a list of them, or the raw bytes of what is no JSON.
        directives: what the headers of a write ask for.
        is_lenient: whether unknown body fields are to be ignored (`Prefer: handling=lenient`).
        ignored_fields: those that were.
    """

    headers: Mapping[str, str]
    identity: str = ""
    address: str = ""
    principal: Principal | None = None
    path: Mapping[str, UUID] = {}
    texts: Mapping[str, str] = {}
    query: Any = None
    body: Any = None
    directives: Directives = Directives()
    is_lenient: bool = False
    ignored_fields: tuple[str, ...] = ()

    @property
    def partner_id(self) -> UUID:
        """The calling partner.

        Raises:
            RuntimeError: the endpoint asks for no token; its row in the table lacks a scope.
        """
        if self.principal is None:
            raise RuntimeError("This endpoint asks for no token, hence knows no partner.")
        return self.principal.partner_id

    @property
    def actor(self) -> Actor:
        """Who does what the request asks for, as the audit log names him."""
        if self.principal is None:
            return Actor(kind=ActorKind.STRANGER, name="", address=self.address, request_id=self.identity)
        return Actor(
            kind=ActorKind.CLIENT,
            name=self.principal.client_id,
            partner_id=self.principal.partner_id,
            address=self.address,
            request_id=self.identity,
        )


class Answer(Struct, frozen=True, kw_only=True):
    """What is sent back. `content` is encoded as JSON, unless it is bytes; None for no body.

    What an async generator yields is sent as it comes, piece by piece. What fails before the first piece is answered
    as ever; later, the client sees the answer break off.
    """

    status: int = 200
    content: Any = None
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Services, ApiRequest], Awaitable[Answer]]


class AnswerShape(Struct, frozen=True, kw_only=True):
    """One documented answer: what it means, and the type of its body (None: no body).

    Attributes:
        headers: the names of headers that it may carry.
        otherwise: the type of another body that it may have; None: it has no other.
    """

    description: str
    content: Any = None
    otherwise: Any = None
    media_type: str = JSON
    headers: tuple[str, ...] = ()


class Endpoint(Struct, frozen=True, kw_only=True):
    """One row of the endpoint table. It drives routing, authorisation, decoding and the OpenAPI document.

    Attributes:
        path: with its parameters in braces; each is an id, but for those in `TEXTS`.
        scope: what the caller's token must allow; None: nothing.
        needs_token: whether a caller needs a token; always so where there is a `scope`.
        scope_if_shown: where none is needed, what one that comes along must allow; None: it is not looked at.
        query: Struct of the query parameters; None: there are none, and whatever comes is ignored.
        body: Struct of the request body, or str where it is no JSON and no form; None: none is read.
        is_list: the body is an array of such Structs.
        media_type: how the body is written.
        largest_body: in bytes.
        has_directives: whether the headers of writes are read.
        serves_strangers: whether it acts as the system for callers who show no token. Otherwise it acts for nobody
            then, who sees nothing in the database.
        answers: by status; the errors that every endpoint can give are added by the document.
        description: what the summary leaves out.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    tag: Tag
    handler: Handler
    answers: Mapping[int, AnswerShape]
    scope: Scope | None = None
    needs_token: bool = False
    scope_if_shown: Scope | None = None
    query: type[Struct] | None = None
    body: type[Struct] | type[str] | None = None
    is_list: bool = False
    media_type: str = JSON
    largest_body: int = LARGEST_BODY
    has_directives: bool = False
    serves_strangers: bool = False
    description: str = ""
