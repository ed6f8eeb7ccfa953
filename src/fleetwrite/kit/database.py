"""PostgreSQL as the rest of the package sees it: a pool, transactions, and a listener that stays
connected.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import asyncpg
import msgspec
import structlog
from asyncpg.pool import PoolConnectionProxy

from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.tenancy import (
    PARTNER_ROLE,
    SYSTEM_ROLE,
    NamedTransaction,
    Nameless,
    NotTheSystemError,
    acting_as_system,
    acts_for,
    naming,
)

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    _Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:  # asyncpg's classes are generic in its type stubs only
    Connection = asyncpg.Connection | PoolConnectionProxy
    _Pool = asyncpg.Pool

_log = structlog.get_logger(__name__)

OLDEST_SERVER: Final = 15
"""The oldest PostgreSQL we test the SQL of our stores with."""

_COMMAND_TIMEOUT_S: Final = 60.0
"""No statement of ours takes seconds; without a bound a server that falls silent would hold its callers for
ever."""

_CONNECT_TIMEOUT_S: Final = 10.0
"""A server that takes longer than this to greet us is not there."""

# Sent with the start-up packet of each connection, hence the defaults that even a RESET ALL returns to.
_SESSION_SETTINGS: Final[Mapping[str, str]] = {
    # Whatever the login may do, a session of ours has the rights of this role. Each partner's are taken by transaction.
    "role": SYSTEM_ROLE,
    # An acknowledged write must survive a crash, whatever the server's own default is.
    "synchronous_commit": "on",
    # Statements here touch few rows: compiling a plan costs more than it can save.
    "jit": "off",
    "timezone": "UTC",
    # A process that hangs inside a transaction must not keep others from its rows for long.
    "idle_in_transaction_session_timeout": "60s",
}

_JSON_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_JSONB_VERSION: Final = b"\x01"  # the only version of jsonb's binary format


DATABASE_FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What is raised when the database went away or refused. Time-outs are OSErrors; InternalClientError is what asyncpg
makes of a connection that breaks between two messages of a transaction."""


class UnsupportedServerError(FleetwriteError):
    """The server cannot keep our promises: too old, or it acknowledges commits that are not yet on disk."""


class MissingRoleError(FleetwriteError):
    """The database lacks the roles that keep partners apart, or its login may not take them."""


@asynccontextmanager
async def as_system(connection: Connection) -> AsyncIterator[None]:
    """Act as the system for a part of the caller's transaction. Whoever calls this says beside it why.

    For the system itself it does nothing. Where the database refused something the transaction is lost anyway; after
    any other error it goes on, if it does, for whom it was.
    """
    whom = acts_for()
    if whom is Nameless.SYSTEM:
        yield
        return
    await connection.execute(naming(Nameless.SYSTEM))
    try:
        with acting_as_system():
            yield
    except DATABASE_FAILURES:
        raise
    except Exception:
        await connection.execute(naming(whom))
        raise
    await connection.execute(naming(whom))


def _encode_jsonb(value: Any) -> bytes:
    return _JSONB_VERSION + _JSON_ENCODER.encode(value)


def _decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(data[len(_JSONB_VERSION) :])


async def _prepare_connection(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )


async def _keep_session(connection: Connection) -> None:
    """Replace asyncpg's reset on release, which sends four statements in a round trip of their own.

    Measured on the embedded server over loopback: a transaction of one SELECT took 0.155 ms
    with the reset and 0.115 ms without. It would have nothing to undo: our code changes a session only by
    SET LOCAL and transaction-level advisory locks, listens on connections of its own, and closes no cursor
    late. asyncpg itself still rolls back a transaction that was left open.
    """


async def _check_server(connection: Connection) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST_SERVER:
        raise UnsupportedServerError(
            f"PostgreSQL {version.major} is too old: use version {OLDEST_SERVER} or newer, "
            "or leave DATABASE_URL unset for the embedded server."
        )
    if await connection.fetchval("SELECT current_user") != SYSTEM_ROLE:
        raise MissingRoleError(
            f"The session does not act as {SYSTEM_ROLE} even though it asks for it: let the pooler in between pass on"
            " start-up settings, or connect directly."
        )
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        raise UnsupportedServerError(
            "synchronous_commit is off on this server even though the session asks for it: "
            "remove the override, for accepted writes would be lost in a crash."
        )


class Database:
    """A pool of connections to one database.

    Whoever a task acts for (`fleetwrite.kit.tenancy`) sees its own rows on these connections, and no others.

    Rules for its users: change the session only by ``SET LOCAL``; take advisory locks only at transaction
    level; listen through :class:`Listener`. Connections are handed on without a reset.

    Values: ``uuid`` comes as :class:`uuid.UUID` (asyncpg's faster subclass, equal to it), ``jsonb`` is
    encoded by msgspec (Structs, Decimals as exact JSON numbers, ``msgspec.Raw`` for text that is JSON
    already) and decoded to plain Python, where a number with a fraction becomes a float. Where exactness or
    a type matters, select ``payload::text`` and decode that with ``msgspec.json.decode(text, type=...)``:
    PostgreSQL keeps every digit.
    """

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, dsn: str, *, min_size: int = 1, max_size: int = 10, application_name: str) -> Self:
        """Open a pool and check that the server is fit.

        Args:
            dsn: ``postgresql://user:password@host:port/database``.
            min_size: connections opened at once and kept.
            max_size: most connections open at a time; callers beyond that wait.
            application_name: how an operator recognises us in ``pg_stat_activity``.

        Raises:
            UnsupportedServerError: the server is too old or would acknowledge commits early.
            MissingRoleError: the login may not act for the system, or its sessions do not.
            OSError: nobody answers at that address.
            asyncpg.PostgresError: the server refuses us.
        """
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=min_size,
                max_size=max_size,
                init=_prepare_connection,
                reset=_keep_session,
                timeout=_CONNECT_TIMEOUT_S,
                command_timeout=_COMMAND_TIMEOUT_S,
                server_settings={**_SESSION_SETTINGS, "application_name": application_name},
            )
        except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as error:
            if SYSTEM_ROLE not in str(error):
                raise
            raise MissingRoleError(
                f"{error}: run `fleetwrite migrate` where that was not done yet; else an administrator of the database"
                f" runs GRANT {SYSTEM_ROLE}, {PARTNER_ROLE} TO the user of DATABASE_URL."
            ) from error
        try:
            async with pool.acquire() as connection:
                await _check_server(connection)
        except BaseException:
            pool.terminate()
            raise
        return cls(pool)

    @property
    def pool(self) -> _Pool:
        """The pool itself, for single statements of the system: ``await database.pool.fetchrow(...)``.

        Raises:
            NotTheSystemError: the task acts for a partner or for nobody, whom the pool would show everything.
        """
        if acts_for() is not Nameless.SYSTEM:
            raise NotTheSystemError("Only the system may take the pool itself: use acquire() or transaction().")
        return self._pool

    async def close(self) -> None:
        """Wait for the connections in use, then close all."""
        await self._pool.close()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Lend a connection for statements that need not be one transaction; one that broke meanwhile is not lent
        again. Where the task acts for a partner it is in a transaction nevertheless, which names the partner.
        """
        if acts_for() is not Nameless.SYSTEM:
            async with self.transaction() as connection:
                yield connection
            return
        async with self._pool.acquire() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction, which commits at the end of the block unless that
        raises.
        """
        whom = acts_for()
        async with self._pool.acquire() as connection:
            if whom is Nameless.SYSTEM:
                async with connection.transaction():
                    yield connection
                return
            transaction = NamedTransaction(connection, whom)
            await transaction.start()
            try:
                yield connection
            except BaseException:
                # With a connection that broke the transaction is gone; what went wrong is what is told.
                with contextlib.suppress(*DATABASE_FAILURES):
                    await transaction.rollback()
                raise
            await transaction.commit()


class Listener:
    """Hears NOTIFY on a connection of its own and reconnects when that breaks.

    ``channels`` maps a channel to what is called for each notification on it, such as ``event.set``.
    Everything is called once after each connect as well: something may have been notified while nobody
    listened. Use it as an async context manager. Payloads are not passed on: a notification says "look",
    the tables say what there is. ``on_connect`` gets each new connection, before anything is called.
    """

    _FIRST_DELAY_S: Final = 0.05
    _LONGEST_DELAY_S: Final = 5.0  # pollers stand in meanwhile; a restarted server is found this soon
    _PROBE_EVERY_S: Final = 30.0  # a connection that died without a word (a cut cable) is found by asking
    _PROBE_TIMEOUT_S: Final = 10.0
    _CANCEL_AGAIN_S: Final = 0.1

    def __init__(
        self,
        dsn: str,
        channels: Mapping[str, Callable[[], object]],
        *,
        application_name: str,
        on_connect: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:
        self._dsn = dsn
        self._channels = dict(channels)
        self._application_name = application_name
        self._on_connect = on_connect
        self._lost = asyncio.Event()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect and listen.

        Raises:
            OSError: nobody answers at that address (only the first connect raises; later ones are retried).
            asyncpg.PostgresError: the server refuses us.
        """
        await self._listen()
        self._keeper = asyncio.create_task(self._keep_listening(), name="database-listener")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and close the connection."""
        # Again and again: a cancellation that meets a connect in the moment in which that fails is lost in it.
        while self._keeper is not None and not self._keeper.done():
            self._keeper.cancel()
            await asyncio.wait({self._keeper}, timeout=self._CANCEL_AGAIN_S)
        self._hang_up()

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_COMMAND_TIMEOUT_S,
            server_settings={"role": SYSTEM_ROLE, "application_name": self._application_name},
        )
        self._connection = connection
        self._lost.clear()
        connection.add_termination_listener(lambda _connection: self._lost.set())
        for channel, wake in self._channels.items():
            await connection.add_listener(channel, lambda *_notification, wake=wake: wake())
        if self._on_connect is not None:
            await self._on_connect(connection)
        for wake in self._channels.values():
            wake()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _keep_listening(self) -> None:
        while True:
            await self._until_lost()
            self._hang_up()
            _log.warning("database listener lost its connection")
            await self._reconnect()
            _log.info("database listener is connected again")

    async def _until_lost(self) -> None:
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), self._PROBE_EVERY_S)
                return
            await self._probe()

    async def _probe(self) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.execute("SELECT 1", timeout=self._PROBE_TIMEOUT_S)
        except DATABASE_FAILURES:
            self._lost.set()

    async def _reconnect(self) -> None:
        delay_s = self._FIRST_DELAY_S
        while True:
            # Jitter, lest all processes knock at a restarting server in step.
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            try:
                await self._listen()
            except DATABASE_FAILURES as error:
                self._hang_up()
                delay_s = min(delay_s * 2, self._LONGEST_DELAY_S)
                _log.info("database listener cannot connect yet", reason=str(error), next_try_s=delay_s)
            else:
                return
