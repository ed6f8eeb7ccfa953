"""Sessions at providers: made once, sealed, and shared by all processes."""

import asyncio
import random
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
    KeptSession,
    Party,
)
from fleetwrite.connectors.sdk.connector import LoginRefusedError
from fleetwrite.connectors.sdk.wire import NewSession
from fleetwrite.kit.database import DATABASE_FAILURES, Database
from fleetwrite.kit.egress import HttpAnswer, NotSentError
from fleetwrite.vault.service import Vault

log = structlog.get_logger(__name__)

LogIn = Callable[[Mapping[str, str]], Awaitable[NewSession]]
"""Logs in with these credentials."""

CLAIM_LASTS: Final = timedelta(seconds=90)
"""The longest that logging in takes; after it a process that died on the way holds nobody up any more."""

REFUSAL_HOLDS_S: Final = 30.0
"""Nobody tries the same credentials again so soon: hundreds of writes that wait would lock the account out."""

SHORTEST_RENEWED_S: Final = 900.0
"""Sessions that last no longer are made when somebody needs one: an idle connection would log in every few minutes."""

RENEWAL_RETRY: Final = timedelta(minutes=1)
"""A session is renewed minutes ahead of its end at least: that leaves several tries."""

STORE_RETRY_S: Final = 0.25
"""Between tries to store a session while the database is away; it is usually back within a second."""

_NO_HEADERS: Final = CIMultiDictProxy(CIMultiDict[str]())

POLL_S: Final = 0.05
"""How often to look whether the process that logs in has done so."""


class Logins(Protocol):
    """Where a session for an account comes from."""

    async def renew(self, party: Party, beyond: int, log_in: LogIn, within_s: float) -> KeptSession:
        """A session of a later generation than `beyond`, which the provider did not accept (0: there was none).

        Args:
            party: whose.
            beyond: see there.
            log_in: makes a new one.
            within_s: how long to wait for somebody else who is making it.

        Raises:
            LoginRefusedError: the provider does not accept the credentials, now or a moment ago.
            NotSentError: whoever makes it takes too long, or the connection was deleted.
        """
        ...


class SharedLogins:
    """One session for each connection, in the database: however many ask, one logs in."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._under_way: set[asyncio.Task[KeptSession]] = set()

    async def close(self) -> None:
        """Finish the logins under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def renew(self, party: Party, beyond: int, log_in: LogIn, within_s: float) -> KeptSession:
        """See `Logins.renew`."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + within_s
        while True:
            claim = await self._claim(party.id, beyond)
            if isinstance(claim, KeptSession):
                return claim
            if claim is not None:
                # Whoever waits for it may be called off; what the provider answers is to be kept all the same.
                login = asyncio.create_task(self._log_in(party.id, claim, log_in))
                self._under_way.add(login)
                login.add_done_callback(self._done)
                return await asyncio.shield(login)
            if loop.time() >= give_up_at:
                raise NotSentError("Another process has been logging in to the provider for too long.")
            await asyncio.sleep(POLL_S)

    async def claim_renewals(self, limit: int) -> list[UUID]:
        """Up to so many connections to log in to anew, ahead of their session's end; nobody else gets them meanwhile.

        What a process does not report that dies on the way is due again, once its claim has ended.
        """
        async with self._database.transaction() as connection:
            return await login_store.claim_renewals(connection, CLAIM_LASTS, limit)

    async def postpone_renewal(self, connection_id: UUID) -> None:
        """Try a moment later to log in anew."""
        async with self._database.transaction() as connection:
            await login_store.postpone_renewal(connection, connection_id, RENEWAL_RETRY)

    async def _claim(self, connection_id: UUID, beyond: int) -> "KeptSession | _Claim | None":
        """The session that is there already, the right to make one, or None: somebody makes it."""
        async with self._database.transaction() as connection:
            row = await login_store.lock(connection, connection_id, SESSION_LEFT)
            if row["credentials_sealed"] is None:
                raise NotSentError("The connection was deleted.")
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

    async def _log_in(self, connection_id: UUID, claim: "_Claim", log_in: LogIn) -> KeptSession:
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
        generation = await self._keep_patiently(connection_id, claim, made)
        if generation is None:
            # The credentials were replaced meanwhile, or we took so long that another process began anew.
            log.warning("logins.claim_lost", connection_id=str(connection_id))
            raise NotSentError("The login changed while this process logged in with the one before.")
        return KeptSession(values=made.values, generation=generation)

    async def _keep_patiently(self, connection_id: UUID, claim: "_Claim", made: NewSession) -> int | None:
        """Store what logging in gave, for as long as the claim lasts: what it took the place of works no more.

        A commit whose outcome is not known may be repeated: the claim is still ours, or the session is another one's.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + CLAIM_LASTS.total_seconds()
        while True:
            try:
                return await self._keep(connection_id, claim, made)
            except DATABASE_FAILURES as error:
                if loop.time() >= give_up_at:
                    log.exception("logins.lost", connection_id=str(connection_id))
                    raise
                log.warning("logins.not_stored_yet", connection_id=str(connection_id), error=str(error))
                await asyncio.sleep(STORE_RETRY_S)

    async def _keep(self, connection_id: UUID, claim: "_Claim", made: NewSession) -> int | None:
        sealed = self._vault.seal_json(made.values, purpose=SESSION_PURPOSE, subject=connection_id)
        async with self._database.transaction() as connection:
            generation = await login_store.keep(
                connection, connection_id, claim.id, sealed, lasting(made), renewed_after(made)
            )
            if generation is not None and made.credentials is not None:
                kept = self._vault.seal_json(made.credentials, purpose=CREDENTIALS_PURPOSE, subject=connection_id)
                await login_store.replace_credentials(connection, connection_id, kept)
        return generation

    def _done(self, task: "asyncio.Task[KeptSession]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Whoever waits for it gets it as well; but nobody may be waiting any more.
            task.exception()


class PrivateLogin:
    """A session for credentials that are not stored yet, to find out whether they work."""

    def __init__(self) -> None:
        self.made: NewSession | None = None
        """What logging in gave; None: nobody had to log in."""
        self._credentials: Mapping[str, str] | None = None

    async def renew(self, party: Party, beyond: int, log_in: LogIn, within_s: float) -> KeptSession:
        """See `Logins.renew`."""
        del within_s
        credentials = self._credentials or party.login.credentials
        self.made = await log_in(credentials)
        self._credentials = self.made.credentials or credentials
        return KeptSession(values=self.made.values, generation=beyond + 1)


def lasting(made: NewSession) -> timedelta | None:
    """How long a session lasts; None: until the provider refuses it."""
    return None if made.lasts_s is None else timedelta(seconds=made.lasts_s)


def renewed_after(made: NewSession) -> timedelta | None:
    """When to log in anew, counted from now; None: when the session is refused, or somebody needs one.

    At some instant between 75 % and 85 % of its time, so that sessions made together are not renewed together.
    """
    if made.lasts_s is None or made.lasts_s < SHORTEST_RENEWED_S:
        return None
    return timedelta(seconds=made.lasts_s * random.uniform(0.75, 0.85))


class _Claim(msgspec.Struct, frozen=True):
    """The right to log in for a connection."""

    credentials_sealed: bytes
    id: UUID = msgspec.field(default_factory=uuid4)
