"""Gives tokens to clients, and tells from a token who is calling."""

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt
import msgspec

from fleetwrite.access import store
from fleetwrite.access.errors import (
    ClientExistsError,
    OAuthError,
    UnauthenticatedError,
    UnknownClientError,
)
from fleetwrite.access.hashing import SecretHasher
from fleetwrite.access.keyring import ALGORITHM, Keyring
from fleetwrite.access.lockout import Lockout
from fleetwrite.access.models import Claims, Client, ClientState, NewClient, Organization, Principal
from fleetwrite.access.scopes import ORGANIZATION, PARTNER_SCOPES, Scope
from fleetwrite.access.standing import Standing
from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, ActorKind, Deed
from fleetwrite.contract.auth import TokenResponse
from fleetwrite.kit.database import Database
from fleetwrite.kit.ids import new_id
from fleetwrite.vault.service import Vault

TOKEN_LIFETIME_S: Final = 3600
"""What the contract's documentation shows."""

_TOKEN_TYPE: Final = "Bearer"  # noqa: S105 - the name of a scheme
_GRANT_TYPE: Final = "client_credentials"
_ORG_TYPE: Final = "partner"
_CLIENT_ID: Final = re.compile(r"[\x21-\x7e]{1,255}")
_MOST_CACHED: Final = 10_000
"""Verified tokens kept in memory, at about 2 kB each. Each client needs one an hour."""

LONGEST_OVERLAP: Final = timedelta(days=30)
"""Enough for any roll-out; two secrets for good are one too many."""


class ClientService:
    """Administration of the clients of partners."""

    def __init__(self, database: Database, hasher: SecretHasher) -> None:
        self._database = database
        self._hasher = hasher

    async def create(
        self,
        partner_id: UUID,
        *,
        client_id: str | None = None,
        scopes: Collection[str] = PARTNER_SCOPES,
        actor: Actor = FLEETWRITE,
    ) -> NewClient:
        """Make a client with a random secret, which only this answer shows.

        Raises:
            ClientExistsError: `client_id` is taken.
            ValueError: `client_id` is not 1 to 255 visible ASCII characters, or there is no such scope.
        """
        unknown = sorted(set(scopes) - set(Scope))
        if unknown:
            raise ValueError(f"There is no scope {', '.join(unknown)}. Those there are: {', '.join(sorted(Scope))}.")
        chosen = client_id if client_id is not None else new_id().hex
        if not _CLIENT_ID.fullmatch(chosen):
            raise ValueError("client_id must be 1 to 255 visible ASCII characters, without blanks.")
        secret = secrets.token_urlsafe(32)
        secret_hash = await self._hasher.hash(secret)
        async with self._database.transaction() as connection:
            added = await store.insert_client(
                connection, client_id=chosen, partner_id=partner_id, secret_hash=secret_hash, scopes=scopes
            )
            if not added:
                raise ClientExistsError(f"A client {chosen!r} exists: choose another id, or renew its secret.")
            granted = {"partner_id": partner_id, "scopes": sorted(scopes)}
            await trail.append(connection, actor, Deed.CLIENT_CREATED, chosen, granted)
        return NewClient(client_id=chosen, client_secret=secret)

    async def renew_secret(
        self, client_id: str, *, overlap: timedelta = timedelta(), actor: Actor = FLEETWRITE
    ) -> NewClient:
        """Give a client a new random secret; for `overlap` the old one gets tokens too, as long as it takes to roll out
        the new one. The one before that is over at once.

        Raises:
            UnknownClientError: there is no such client.
            ValueError: `overlap` is negative, or longer than `LONGEST_OVERLAP`.
        """
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise ValueError(f"The overlap must be between nothing and {LONGEST_OVERLAP.days} days.")
        secret = secrets.token_urlsafe(32)
        secret_hash = await self._hasher.hash(secret)
        async with self._database.transaction() as connection:
            until = await store.replace_secret_hash(connection, client_id, secret_hash, overlap)
            if until is None:
                raise _unknown(client_id)
            await trail.append(connection, actor, Deed.CLIENT_SECRET_RENEWED, client_id, {"old_one_until": until})
        return NewClient(client_id=client_id, client_secret=secret)

    async def all(self, partner_id: UUID | None = None) -> list[ClientState]:
        """All clients, of this partner where that is not None; by partner, oldest first."""
        async with self._database.acquire() as connection:
            return await store.all_clients(connection, partner_id)

    async def set_disabled(self, client_id: str, *, disabled: bool, actor: Actor = FLEETWRITE) -> None:
        """Give a client no token any more, and refuse those it has within `STALE_AFTER_S`; or let it in again, with the
        same secret.

        Raises:
            UnknownClientError: there is no such client.
        """
        async with self._database.transaction() as connection:
            if not await store.set_disabled(connection, client_id, disabled=disabled):
                raise _unknown(client_id)
            deed = Deed.CLIENT_DISABLED if disabled else Deed.CLIENT_ENABLED
            await trail.append(connection, actor, deed, client_id)

    async def delete(self, client_id: str, *, actor: Actor = FLEETWRITE) -> None:
        """Disable a client for good. Nobody can have its id again.

        Raises:
            UnknownClientError: there is no such client.
        """
        async with self._database.transaction() as connection:
            if not await store.delete_client(connection, client_id):
                raise _unknown(client_id)
            await trail.append(connection, actor, Deed.CLIENT_DELETED, client_id)


class _Verified(msgspec.Struct, frozen=True):
    """What a token says that bears our signature; `expires_at` in seconds since 1970."""

    principal: Principal
    token_id: str
    expires_at: int


class TokenService:
    """Issues signed tokens and verifies them.

    All times are the database's. Verified tokens are kept in memory by their hash: verifying one costs 80
    microseconds of CPU, knowing it again less than 3 (2048 bit keys, one core). What was called back meanwhile is known
    from the database (`Standing`), which is asked once a second.
    """

    def __init__(self, database: Database, vault: Vault, hasher: SecretHasher, *, issuer: str) -> None:
        self._database = database
        self._hasher = hasher
        self._issuer = issuer
        self._keyring = Keyring(database, vault)
        self._standing = Standing(database)
        self._lockout = Lockout(database)
        self._verified: dict[bytes, _Verified] = {}

    async def issue(
        self,
        *,
        client_id: str | None,
        client_secret: str | None,
        grant_type: str | None,
        scope: str | None,
        caller: Actor = FLEETWRITE,
    ) -> TokenResponse:
        """Return a token for a client that proves itself.

        Args:
            client_id: as registered.
            client_secret: as shown when the client was made.
            grant_type: only client_credentials.
            scope: `organization` or nothing for all granted scopes, or some of them, separated by blanks.
            caller: who asks, before anything is proven, and from where.

        Raises:
            OAuthError: the request is refused; the error says with which status and code.
        """
        _check_grant_type(grant_type)
        client = await self._authenticated_client(client_id, client_secret, caller)
        granted = _granted_scopes(client, scope)
        key_id, private_key = await self._keyring.signer()
        async with self._database.acquire() as connection:
            issued_at = int((await store.now(connection)).timestamp())
        claims = Claims(
            iss=self._issuer,
            sub=client.id,
            iat=issued_at,
            exp=issued_at + TOKEN_LIFETIME_S,
            jti=str(new_id()),
            org={client.partner_slug: Organization(id=client.partner_id, org_type=(_ORG_TYPE,))},
            scope=" ".join(sorted(granted)),
        )
        token = jwt.encode(msgspec.to_builtins(claims), private_key, algorithm=ALGORITHM, headers={"kid": key_id})
        return TokenResponse(
            access_token=token, expires_in=TOKEN_LIFETIME_S, token_type=_TOKEN_TYPE, scope=claims.scope
        )

    async def authenticate(self, authorization_header: str | None) -> Principal:
        """Return who is calling.

        Raises:
            UnauthenticatedError: no token, or none of ours, or one that has expired or was called back.
        """
        token = _bearer_token(authorization_header)
        fingerprint = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(fingerprint)
        verified = known or await self._verify(token)
        await self._standing.ensure()
        if self._standing.now() >= verified.expires_at:
            self._verified.pop(fingerprint, None)
            raise UnauthenticatedError("The token has expired: ask for a new one.")
        if self._standing.is_called_back(verified.token_id, verified.principal.client_id):
            raise UnauthenticatedError("The token was revoked, or its client was disabled: ask for a new one.")
        if known is None:
            self._remember(fingerprint, verified)
        return verified.principal

    async def revoke(
        self, *, client_id: str | None, client_secret: str | None, token: str | None, caller: Actor = FLEETWRITE
    ) -> None:
        """Call a token back: here at once, in other processes within `STALE_AFTER_S`.

        What is no token of ours needs no calling back, and is no error (RFC 7009, 2.2).

        Raises:
            OAuthError: the client does not prove itself, sends no token, or one of another client.
        """
        if not token:
            raise OAuthError(400, "invalid_request", "token is missing: send the one to be revoked.")
        client = await self._authenticated_client(client_id, client_secret, caller)
        try:
            verified = await self._verify(token)
        except UnauthenticatedError:
            return
        if verified.principal.client_id != client.id:
            raise OAuthError(400, "invalid_grant", "The token was given to another client, which alone can revoke it.")
        async with self._database.transaction() as connection:
            expires_at = datetime.fromtimestamp(verified.expires_at, UTC)
            if await store.revoke_token(connection, verified.token_id, client.id, expires_at):
                proven = msgspec.structs.replace(
                    caller, kind=ActorKind.CLIENT, name=client.id, partner_id=client.partner_id
                )
                details = {"token_id": verified.token_id}
                await trail.append(connection, proven, Deed.CLIENT_TOKEN_REVOKED, client.id, details)
        await self._standing.renew()

    async def jwks(self) -> dict[str, Any]:
        """The public keys by which others can verify our tokens, as a JSON Web Key Set."""
        return await self._keyring.jwks()

    async def prepare(self) -> None:
        """Make sure that there is a signing key, so that the key set is never empty and no first caller waits.

        Raises:
            SealBrokenError: the key is sealed with another master key.
        """
        await self._keyring.signer()

    async def _authenticated_client(self, client_id: str | None, client_secret: str | None, caller: Actor) -> Client:
        named = client_id if client_id is not None and _CLIENT_ID.fullmatch(client_id) else ""
        async with self._database.acquire() as connection:
            await self._lockout.check(connection, named, caller.address)
            client = await store.find_client(connection, named)
        hashes = (None, None) if client is None else (client.secret_hash, client.previous_secret_hash)
        if not await self._hasher.matches(client_secret or "", *hashes) or client is None:
            await self._lockout.failed(named, caller)
            raise OAuthError(
                401, "invalid_client", "Unknown client, or the secret is wrong: check client_id and client_secret."
            )
        await self._lockout.succeeded(client.id, caller.address)
        return client

    async def _verify(self, token: str) -> _Verified:
        try:
            key_id = jwt.get_unverified_header(token).get("kid", "")
            key = await self._keyring.public(key_id)
            if key is None:
                raise jwt.InvalidKeyError("unknown key")
            payload = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                # The times are checked by the database's clock instead.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
            )
            claims = msgspec.convert(payload, type=Claims)
            (organization,) = claims.org.values()
        # Nested deep enough, even the header of a made-up token raises a RecursionError.
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError) as error:
            raise UnauthenticatedError(
                "The token is not one of ours: ask for a new one at the token endpoint."
            ) from error
        principal = Principal(partner_id=organization.id, client_id=claims.sub, scopes=frozenset(claims.scope.split()))
        return _Verified(principal, claims.jti, claims.exp)

    def _remember(self, fingerprint: bytes, verified: _Verified) -> None:
        if len(self._verified) >= _MOST_CACHED:
            # The one verified first is the one that expires first, give or take.
            self._verified.pop(next(iter(self._verified)))
        self._verified[fingerprint] = verified


def _unknown(client_id: str) -> UnknownClientError:
    return UnknownClientError(f"There is no client {client_id!r}: create it.")


def _check_grant_type(grant_type: str | None) -> None:
    if not grant_type:
        raise OAuthError(400, "invalid_request", f"grant_type is missing: send {_GRANT_TYPE!r}.")
    if grant_type != _GRANT_TYPE:
        raise OAuthError(400, "unsupported_grant_type", f"Only the grant type {_GRANT_TYPE!r} is supported.")


def _granted_scopes(client: Client, scope: str | None) -> frozenset[str]:
    wanted = frozenset((scope or "").split()) - {ORGANIZATION}
    if not wanted <= client.scopes:
        raise OAuthError(
            400,
            "invalid_scope",
            f"The client may not have: {' '.join(sorted(wanted - client.scopes))}. Ask for {ORGANIZATION!r}, "
            "or for scopes that were granted to it.",
        )
    return wanted or client.scopes


def _bearer_token(authorization_header: str | None) -> str:
    scheme, _, token = (authorization_header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("The Authorization header must be 'Bearer <token>'.")
    return token.strip()
