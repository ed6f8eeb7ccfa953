"""Sessions at providers: made once, sealed, and shared by all processes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID, uuid4

import msgspec
import structlog
from multidict import CIMultiDict, CIMultiDictProxy

from fleetwrite.connections import login_store
from fleetwrite.connections.models import (
    CREDENTIALS_PURPOSE,
    SESSION_LEFT,
    SESSION_PURPOSE,
    Account,
    KeptSession,
)
from fleetwrite.connectors.sdk.connector import LoginRefusedError
from fleetwrite.connectors.sdk.wire import NewSession
from fleetwrite.kit.database import Database
from fleetwrite.kit.egress import HttpAnswer, NotSentError
from fleetwrite.vault.service import Vault

log = structlog.get_logger(__name__)

LogIn = Callable[[Mapping[str, str]], Awaitable[NewSession]]
"""Logs in with these credentials."""

CLAIM_LASTS: Final = timedelta(seconds=90)
"""The longest that logging in takes; after it a process that died on the way holds nobody up any more."""

REFUSAL_HOLDS_S: Final = 30.0
"""Nobody tries the same credentials again so soon: hundreds of writes that wait would lock the account out."""

_NO_HEADERS: Final = CIMultiDictProxy(CIMultiDict[str]())

POLL_S: Final = 0.05
"""How often to look whether the process that logs in has done so."""


class Logins(Protocol):
    """Where a session for an account comes from."""

    async def renew(self, account: Account, beyond: int, log_in: LogIn, within_s: float) -> KeptSession:
        """A session of a later generation than `beyond`, which the provider did not accept (0: there was none).

        Args:
            account: whose.
            beyond: see there.
            log_in: makes a new one.
            within_s: how long to wait for somebody else who is making it.

        Raises:
            LoginRefusedError: the provider does not accept the credentials, now or a moment ago.
            NotSentError: whoever makes it takes too long.
        """
        ...


class SharedLogins:
    """One session for each connection, in the database: however many ask, one logs in."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def renew(self, account: Account, beyond: int, log_in: LogIn, within_s: float) -> KeptSession:
        """See `Logins.renew`."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + within_s
        while True:
            claim = await self._claim(account, beyond)
            if isinstance(claim, KeptSession):
                return claim
            if claim is not None:
                return await self._log_in(account, claim, log_in)
            if loop.time() >= give_up_at:
                raise NotSentError("Another process has been logging in to the provider for too long.")
            await asyncio.sleep(POLL_S)

    async def _claim(self, account: Account, beyond: int) -> "KeptSession | _Claim | None":
        """The session that is there already, the right to make one, or None: somebody makes it."""
        connection_id = account.connection.id
        async with self._database.transaction() as connection:
            row = await login_store.lock(connection, connection_id, SESSION_LEFT)
            if row["is_current"] and row["generation"] > beyond:
                values = self._vault.open_json(row["sealed"], purpose=SESSION_PURPOSE, subject=connection_id)
                return KeptSession(values=values, generation=row["generation"])
            if row["is_claimed"]:
                return None
            if row["refused_ago_s"] is not None and row["refused_ago_s"] < REFUSAL_HOLDS_S:
                raise LoginRefusedError(row["refusal"], HttpAnswer(row["refusal_status"], _NO_HEADERS, b"", 0.0))
            claim = _Claim(credentials_sealed=row["credentials_sealed"])
            await login_store.claim(connection, connection_id, claim.id, CLAIM_LASTS)
        return claim

    async def _log_in(self, account: Account, claim: "_Claim", log_in: LogIn) -> KeptSession:
        connection_id = account.connection.id
        # Not those that were loaded with the account: a login in between may have replaced them.
        credentials = self._vault.open_json(
            claim.credentials_sealed, purpose=CREDENTIALS_PURPOSE, subject=connection_id
        )
        try:
            made = await log_in(credentials)
        except LoginRefusedError as error:
            async with self._database.transaction() as connection:
                await login_store.refuse(connection, connection_id, claim.id, str(error), error.answer.status)
            raise
        except BaseException:
            async with self._database.transaction() as connection:
                await login_store.unclaim(connection, connection_id, claim.id)
            raise
        sealed = self._vault.seal_json(made.values, purpose=SESSION_PURPOSE, subject=connection_id)
        lasts = None if made.lasts_s is None else timedelta(seconds=made.lasts_s)
        async with self._database.transaction() as connection:
            generation = await login_store.keep(connection, connection_id, claim.id, sealed, lasts)
            if generation is not None and made.credentials is not None:
                kept = self._vault.seal_json(made.credentials, purpose=CREDENTIALS_PURPOSE, subject=connection_id)
                await login_store.replace_credentials(connection, connection_id, kept)
        if generation is None:
            # The credentials were replaced meanwhile, or we took so long that another process began anew.
            log.warning("logins.claim_lost", connection_id=str(connection_id))
            raise NotSentError("The login changed while this process logged in with the one before.")
        return KeptSession(values=made.values, generation=generation)


class PrivateLogin:
    """A session for credentials that are not stored yet, to find out whether they work."""

    def __init__(self) -> None:
        self.made: NewSession | None = None
        """What logging in gave; None: nobody had to log in."""

    async def renew(self, account: Account, beyond: int, log_in: LogIn, within_s: float) -> KeptSession:
        """See `Logins.renew`."""
        del within_s
        credentials = account.credentials if self.made is None else self.made.credentials or account.credentials
        self.made = await log_in(credentials)
        return KeptSession(values=self.made.values, generation=beyond + 1)


class _Claim(msgspec.Struct, frozen=True):
    """The right to log in for a connection."""

    credentials_sealed: bytes
    id: UUID = msgspec.field(default_factory=uuid4)
