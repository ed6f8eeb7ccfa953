"""Events as they come, for those who cannot host a receiver: server-sent events, resumed by `Last-Event-ID`.

A stream reads the events of its partner in the order of their positions, page by page, and takes the next page when the
client has taken the one before: nothing piles up here, however slow the client. A position says that nothing below it
is still to come (`fleetwrite.events.store.mark_fanned_out`), so that who resumes behind an event has missed none.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Gauge

from fleetwrite.contract.telematics import Instant
from fleetwrite.events import store
from fleetwrite.events.models import StreamFilter, StreamRow
from fleetwrite.kit.database import DATABASE_FAILURES, Database, Listener
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.webhooks.catalogue import RECORD_EVENTS, SCHEMA_VERSION
from fleetwrite.webhooks.errors import TooManyStreamsError, UnknownEventError
from fleetwrite.webhooks.store import note_listener

log = structlog.get_logger(__name__)

OPEN: Final = Gauge("fleetwrite_event_streams", "Live streams of events that this process serves.")

LISTENS_FOR: Final = timedelta(days=3)
"""For so long after it connected the events of records are kept for a client, as webhooks are tried for three days. Its
token ends within the hour, so that whoever goes on listening connects often enough."""

_ENCODER: Final = msgspec.json.Encoder()


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How streams are served.

    Attributes:
        most_of_partner: streams of one partner in one process, so that no partner takes all.
        most: streams in one process. Each costs a connection of the client, and a query whenever anything happens.
        page: events that are read at a time: what a stream holds in memory.
        heartbeat_s: after so long without an event a comment is sent; proxies give up silent connections after 30 s
            and more.
        poll_s: look for events at least so often, should a notification get lost in a way that the listener misses.
        pause_s: between two looks, so that a busy minute does not cost a query for each event.
        slow_s: a client that takes longer than this for one page is told to come back when it is faster.
        retry_s: what clients are told to wait before they connect again.
    """

    most_of_partner: int = 10
    most: int = 200
    page: int = 50
    heartbeat_s: float = 15.0
    poll_s: float = 5.0
    pause_s: float = 0.1
    slow_s: float = 10.0
    retry_s: int = 3


class StreamedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The `data` of one server-sent event: the envelope without what belongs to a webhook."""

    version: str
    event_name: str
    data: list[msgspec.Raw]
    timestamp: Instant
    id: UUID


class EventStreams:
    """The live streams of one process."""

    def __init__(self, database: Database, database_url: str, settings: StreamSettings) -> None:
        self._database = database
        self._settings = settings
        self._streams: Counter[UUID] = Counter()
        self._awake: set[asyncio.Event] = set()
        self._is_ending = False
        self._listener = Listener(
            database_url, {store.STREAM_CHANNEL: self._wake}, application_name="fleetwrite streams"
        )
        self._listening: asyncio.Task[Listener] | None = None

    def end(self) -> None:
        """End every stream, and take no more: the process is about to stop."""
        self._is_ending = True
        self._wake()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            await asyncio.wait({self._listening})
            await self._listener.__aexit__(None, None, None)

    async def stream(
        self,
        partner_id: UUID,
        wanted: StreamFilter,
        *,
        last_event_id: UUID | None,
        is_allowed: Callable[[], Awaitable[bool]],
    ) -> AsyncIterator[bytes]:
        """Tell the events of a partner from now on, or those behind `last_event_id`, until the client goes.

        Each is told at least once to who resumes behind the last one it has seen.

        Args:
            partner_id: whose events.
            wanted: which of them.
            last_event_id: the last one that the client has seen.
            is_allowed: asked with every heartbeat whether the caller still may listen.

        Raises:
            TooManyStreamsError: there are as many as may be; before anything is told.
            UnknownEventError: there is no such event of the partner; likewise.
        """
        settings, clock = self._settings, asyncio.get_running_loop().time
        with self._place(partner_id) as awake:
            await self._listen()
            position = await self._start(partner_id, wanted, last_event_id)
            yield b"retry: %d\n: listening\n\n" % (settings.retry_s * 1000)
            told_at = asked_at = clock()
            while not self._is_ending:
                awake.clear()
                try:
                    async with self._database.acquire() as connection:
                        rows = await store.read_on(connection, partner_id, position, wanted, settings.page)
                except DATABASE_FAILURES as error:
                    log.warning("streams.database_unavailable", error=str(error))
                    yield _comment("the database is away: connect again")
                    return
                position = rows[-1].position if rows else position
                if told := b"".join(_server_sent(row) for row in rows if row.data is not None):
                    given_at = clock()
                    yield told
                    told_at = clock()
                    if told_at - given_at > settings.slow_s:
                        yield _comment("cut off: you read too slowly. Connect again with the last id as Last-Event-ID")
                        return
                if clock() - asked_at >= settings.heartbeat_s:
                    asked_at = clock()
                    if not await is_allowed():
                        yield _comment("your token has expired: connect again with a new one")
                        return
                if clock() - told_at >= settings.heartbeat_s:
                    yield _comment("still here")
                    told_at = clock()
                if len(rows) < settings.page:
                    await self._until(awake, min(settings.poll_s, settings.heartbeat_s))
            yield _comment("this server is stopping: connect again")

    @contextlib.contextmanager
    def _place(self, partner_id: UUID) -> Iterator[asyncio.Event]:
        if self._streams[partner_id] >= self._settings.most_of_partner or len(self._awake) >= self._settings.most:
            raise TooManyStreamsError(self._settings.most_of_partner, self._settings.retry_s)
        awake = asyncio.Event()
        self._streams[partner_id] += 1
        self._awake.add(awake)
        OPEN.inc()
        try:
            yield awake
        finally:
            OPEN.dec()
            self._awake.discard(awake)
            self._streams[partner_id] -= 1
            if not self._streams[partner_id]:
                del self._streams[partner_id]

    async def _listen(self) -> None:
        """Listen for news; the first stream that comes begins, as most processes never serve one."""
        if self._listening is None or (self._listening.done() and self._listening.exception() is not None):
            with acting_as_system():  # it hears for all, and outlives the stream that came first
                self._listening = asyncio.create_task(self._listener.__aenter__())
        await asyncio.shield(self._listening)

    async def _start(self, partner_id: UUID, wanted: StreamFilter, last_event_id: UUID | None) -> int:
        names = set(RECORD_EVENTS) if wanted.event_names is None else RECORD_EVENTS.keys() & set(wanted.event_names)
        async with self._database.transaction() as connection:
            await note_listener(connection, partner_id, names, LISTENS_FOR)
            if last_event_id is None:
                return await store.last_position(connection, partner_id)
            position = await store.position_of(connection, partner_id, last_event_id)
        if position is None:
            raise UnknownEventError(
                f"There is no event {last_event_id} of yours. Leave the header out to listen from now on, and ask for"
                " the operations that you may have missed."
            )
        return position

    async def _until(self, awake: asyncio.Event, seconds: float) -> None:
        """Wait for news, but no longer than that; and not for the next one of many."""
        await asyncio.sleep(self._settings.pause_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(awake.wait(), seconds)

    def _wake(self) -> None:
        for awake in self._awake:
            awake.set()


def _server_sent(row: StreamRow) -> bytes:
    """One event as it goes over the wire. JSON has no line breaks, so that it is a single line of `data`."""
    event = StreamedEvent(
        version=SCHEMA_VERSION,
        event_name=row.event_name,
        data=[msgspec.Raw((row.data or "").encode())],
        timestamp=row.occurred_at,
        id=row.id,
    )
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(row.id).encode(), row.event_name.encode(), _ENCODER.encode(event))


def _comment(words: str) -> bytes:
    return f": {words}\n\n".encode()
