"""Clients, the keys that sign their tokens, and who a token says is calling."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from fleetwrite.access.errors import MissingScopeError
from fleetwrite.access.scopes import Scope


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A program of a partner that asks for tokens.

    Attributes:
        secret_hash: argon2id in its own notation.
        previous_secret_hash: of the secret before, while that is good still.
    """

    id: str
    partner_id: UUID
    partner_slug: str
    secret_hash: str
    previous_secret_hash: str | None
    scopes: frozenset[str]


class ClientState(msgspec.Struct, frozen=True, kw_only=True):
    """A client as an operator sees it.

    Attributes:
        previous_secret_until: until when the secret before is good; None: it is not.
        disabled_at: since when it gets no token, and those it has are refused; None: it is not disabled.
    """

    client_id: str
    partner: str
    scopes: tuple[str, ...]
    created_at: datetime
    previous_secret_until: datetime | None
    disabled_at: datetime | None


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client just made. Its secret is shown this once and never again."""

    client_id: str
    client_secret: str


class CalledBack(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be refused though its signature is good, as of `told_at`.

    Attributes:
        revoked_tokens: when they expire, by their id.
        disabled_clients: those whose tokens may still run.
    """

    told_at: datetime
    revoked_tokens: Mapping[str, datetime]
    disabled_clients: frozenset[str]


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table of signing keys."""

    id: str
    private_key_sealed: bytes
    public_key_pem: str


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling, as a valid token says."""

    partner_id: UUID
    client_id: str
    scopes: frozenset[str]

    def require(self, scope: Scope) -> None:
        """Make sure that the token allows `scope`.

        Raises:
            MissingScopeError: it does not.
        """
        if scope not in self.scopes:
            raise MissingScopeError(
                f"The token lacks the scope {scope.value!r}: have it granted to the client {self.client_id!r}, "
                "then ask for a new token."
            )


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the claim `org`."""

    id: UUID
    org_type: tuple[str, ...]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token of ours says. Times are whole seconds since 1970; `org` is keyed by the partner's slug."""

    iss: str
    sub: str
    iat: int
    exp: int
    jti: str
    org: Mapping[str, Organization]
    scope: str
