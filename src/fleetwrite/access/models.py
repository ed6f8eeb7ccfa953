"""Clients, the keys that sign their tokens, and who a token says is calling."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from fleetwrite.access.errors import MissingScopeError
from fleetwrite.access.scopes import Scope


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A program of a partner that asks for tokens; `secret_hash` is argon2id in its own notation."""

    id: str
    partner_id: UUID
    partner_slug: str
    secret_hash: str
    scopes: frozenset[str]


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client just made. Its secret is shown this once and never again."""

    client_id: str
    client_secret: str


class ClientEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A client as it may be shown."""

    client_id: str
    scopes: tuple[str, ...]
    created_at: datetime


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
