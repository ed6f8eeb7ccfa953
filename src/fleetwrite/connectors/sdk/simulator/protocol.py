"""What passes between the simulator's base and a provider's simulator: callers, calls, answers, refusals,
routes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from fleetwrite.connectors.sdk.simulator.limits import KeyedLimit, Limit
from fleetwrite.kit.errors import FleetwriteError


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call it is: an organisation, one of its tokens (by a name that is no secret) and what the token
    may do.
    """

    organization: str
    token: str
    scopes: frozenset[str]


class DemoAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that a sandbox can connect to: whose it is, its id, and what the connector's manifest asks for."""

    fleet_name: str
    account_id: str
    credentials: Mapping[str, str]
    settings: Mapping[str, str]


class DemoApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app that fleets can let in at the provider, as it proves itself there."""

    client_id: str
    client_secret: str


class Query(Protocol):
    """Query parameters, of which one name may carry several values."""

    def get(self, key: str, /) -> str | None:
        """Return the first value, or None."""

    def getall(self, key: str, default: Sequence[str], /) -> Sequence[str]:
        """Return all values."""


@dataclass(frozen=True, slots=True)
class Arriving:
    """A call before anything is decided about it."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Query
    body: bytes

    def form(self) -> dict[str, str]:
        """Return the form fields of the body; of a repeated one the last."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def json(self) -> Any:
        """Return the body as JSON; None where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in, as a handler sees it. ``at`` is when it arrived, in seconds since the epoch."""

    caller: Caller
    method: str
    path: str
    path_ids: Mapping[str, str]
    query: Query
    headers: Mapping[str, str]
    body: bytes
    at: float

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            msgspec.DecodeError: it is none.
        """
        return msgspec.json.decode(self.body)

    def form(self) -> dict[str, str]:
        """Return the form fields of the body; of a repeated one the last."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answers: ``content`` goes out as JSON, or as it is where it is bytes; None is no
    body.
    """

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class RefusalError(FleetwriteError):
    """A call that the provider refuses; ``status`` is the HTTP status, the message is for the error body."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep status, message and headers for the answer."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


Handler = Callable[[Call], Answer]
"""Does the work of one endpoint, in one step of the event loop, so that no other call sees it half done.

Raises RefusalError where the provider would refuse; what it wrote until then is undone.
"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path (``{id}`` stands for a path id) of a provider, with the scope and the limit it
    documents. Where a provider tells its operations apart by what is in a call, ``operation`` names the one meant.
    """

    method: str
    path: str
    handler: Handler
    scope: str | None = None
    limit: Limit | None = None
    operation: str | None = None


LimitsOf = Callable[[Caller, Endpoint | None], Sequence[KeyedLimit]]
"""Which limits a caller's call of an endpoint (None: of a path that is none) counts against."""
