"""Puts logins that were tried in the place of a connection's."""

from collections.abc import Mapping
from uuid import UUID

from fleetwrite.connections import login_store, store
from fleetwrite.connections.errors import ConnectionNotFoundError, OtherAccountError
from fleetwrite.connections.fields import base_url, host_of, mask
from fleetwrite.connections.logins import lasting, renewed_after
from fleetwrite.connections.models import CREDENTIALS_PURPOSE, SESSION_PURPOSE, Connection, VerifiedLogin
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.wire import NewSession
from fleetwrite.kit import database
from fleetwrite.vault.service import Vault


class LoginKeeper:
    """Seals and stores logins, in the caller's transaction."""

    def __init__(self, vault: Vault, registry: Registry) -> None:
        self._vault = vault
        self._registry = registry

    def seal(self, connection_id: UUID, credentials: Mapping[str, str]) -> bytes:
        """Credentials as a connection keeps them."""
        return self._vault.seal_json(credentials, purpose=CREDENTIALS_PURPOSE, subject=connection_id)

    async def keep_session(self, connection: database.Connection, connection_id: UUID, made: NewSession) -> None:
        """Keep what logging in gave, in the place of whatever there was."""
        sealed = self._vault.seal_json(made.values, purpose=SESSION_PURPOSE, subject=connection_id)
        await login_store.replace(connection, connection_id, sealed, lasting(made), renewed_after(made))

    async def replace(self, connection: database.Connection, before: Connection, login: VerifiedLogin) -> bool:
        """Let a connection log in by `login` from now on; returns whether that is at another host.

        Raises:
            ConnectionNotFoundError: it was deleted this very moment.
            OtherAccountError: it does not lead to the account that the connection is for.
        """
        # Whoever keeps a session locks it before the connection, whose credentials may change with it.
        await login_store.forget(connection, before.id)
        locked = await store.lock_account(connection, before.id)
        if locked is None:
            raise ConnectionNotFoundError(before.id)
        _require_same(locked[0], login.account_id)
        manifest = self._registry.get(before.tsp_slug).manifest
        sealed = self.seal(before.id, login.credentials)
        masked = mask(manifest, login.credentials, login.settings)
        await store.update_login(connection, before.id, sealed, masked, login.settings, login.account_id)
        if login.session is not None:
            await self.keep_session(connection, before.id, login.session)
        return host_of(base_url(manifest, login.settings)) != host_of(base_url(manifest, before.settings))


def _require_same(pinned: str | None, account_id: str | None) -> None:
    if pinned is None or pinned == account_id:
        return
    if account_id is None:
        raise OtherAccountError(
            "The provider does not tell whose account these credentials are for, and those before were for a known one:"
            " enter some that may read it."
        )
    raise OtherAccountError(
        "These credentials are for another account than the one that this connection was made for, and what waits here"
        " must not reach it: make a connection of its own for it."
    )
