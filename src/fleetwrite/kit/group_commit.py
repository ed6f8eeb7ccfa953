"""Group commit: requests that arrive while a commit is under way share the next transaction."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

import asyncpg

from fleetwrite.kit.database import DATABASE_FAILURES, Connection, Database
from fleetwrite.kit.errors import FleetwriteError
from fleetwrite.kit.tenancy import Nameless, Whom, acting_as_system, acting_for, acts_for, naming, transaction_for

T = TypeVar("T")
R = TypeVar("R")
_Entry: TypeAlias = tuple[T, Whom, asyncio.Future[R]]

DEFAULT_MAX_BATCH: Final = 256
"""Bounds how long a transaction holds its locks; larger batches no longer save anything measurable."""

_RETRY_S: Final = 0.25
"""Pause between tries while the database is away; it is usually back within a second."""

_NOT_WRITTEN: Final = "The database is not reachable; nothing was written. Try again."
_UNKNOWN: Final = "The connection to the database broke during the commit; the write may or may not be there."


class NotCommittedError(FleetwriteError):
    """The database went away before the commit was asked for: surely nothing was written, trying again is
    safe.
    """


class CommitOutcomeUnknownError(FleetwriteError):
    """The connection broke during COMMIT: the write may or may not be there. Look before trying again."""


class GroupCommitClosedError(FleetwriteError):
    """The group no longer takes requests, as the process is stopping."""


class _TransactionFailedError(Exception):
    """Carries what made a transaction fail that was rolled back while the connection stayed sound."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


class GroupCommit(Generic[T, R]):
    """Writes items of many callers in one transaction, with no timer: a lone item is committed at once.

    ``write(connection, items)`` runs inside the transaction and returns one result for each item, in order;
    an exception in place of a result goes to that caller alone and does not roll back. If ``write`` or the
    commit raises, everything is rolled back and each item is tried again in a transaction of its own, so
    that only the bad one fails: ``write`` must therefore have no effect outside the transaction.

    Each item is written for whom its caller acts: ``write`` is called once for each of them, one after the other, and
    the database shows it their rows alone. What concerns the rows of all is left to ``conclude``, which is called once,
    as the system, with all items that ``write`` returned no exception for, if there are any.

    One transaction is in flight at a time. Measured with 64 callers of one insert each, on two cores shared
    with the server: 51 to 60 thousand a second; with two in flight 12 to 64 thousand, as they halve each
    other's batches; without grouping 2 to 3 thousand. A lone caller takes 0.4 ms either way.
    """

    def __init__(
        self,
        database: Database,
        write: Callable[[Connection, Sequence[T]], Awaitable[Sequence[R | Exception]]],
        *,
        conclude: Callable[[Connection, Sequence[T]], Awaitable[None]] | None = None,
        max_batch: int = DEFAULT_MAX_BATCH,
    ) -> None:
        self._database = database
        self._write = write
        self._conclude = conclude
        self._max_batch = max_batch
        self._waiting: deque[_Entry[T, R]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, item: T) -> R:
        """Write ``item``; returns when it is committed. A caller that is cancelled does not disturb the
        others.

        Raises:
            NotCommittedError: the database was not reachable; nothing was written.
            CommitOutcomeUnknownError: the connection broke during COMMIT.
            GroupCommitClosedError: ``close`` was called before.
            Exception: whatever ``write`` raised or returned for this item.
        """
        if self._closed:
            raise GroupCommitClosedError("The process is stopping and accepts no more writes; try again later.")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, acts_for(), future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name="group-commit")
        return await future

    async def submit_patiently(self, item: T, patience_s: float) -> R:
        """Write ``item``, again and again while the database is away, for up to ``patience_s`` seconds.

        Only for what may be written twice without harm: it is tried again also where a commit's outcome is unknown.

        Raises: what ``submit`` raises.
        """
        give_up_at = asyncio.get_running_loop().time() + patience_s
        while True:
            try:
                return await self.submit(item)
            except (NotCommittedError, CommitOutcomeUnknownError):
                if asyncio.get_running_loop().time() > give_up_at:
                    raise
                await asyncio.sleep(_RETRY_S)

    async def close(self) -> None:
        """Take no more items and return when those already taken are settled."""
        self._closed = True
        if self._runner is not None:
            await self._runner

    async def _run(self) -> None:
        try:
            while batch := self._next_batch():
                try:
                    await self._settle(batch)
                finally:
                    # Only a runner that is itself cancelled (the loop is closing) leaves anything here.
                    for _item, _whom, future in batch:
                        future.cancel()
        finally:
            # In the same step as the look at the empty queue: a submit in between would find no runner.
            self._runner = None

    def _next_batch(self) -> list[_Entry[T, R]]:
        batch: list[_Entry[T, R]] = []
        while self._waiting and len(batch) < self._max_batch:
            entry = self._waiting.popleft()
            if not entry[2].done():  # its caller was cancelled while it waited: nobody wants it written
                batch.append(entry)
        return batch

    async def _settle(self, batch: Sequence[_Entry[T, R]]) -> None:
        try:
            results = await self._commit(batch)
        except _TransactionFailedError as failure:
            if len(batch) == 1:
                _fail(batch[0][2], failure.cause)
                return
            for entry in batch:
                await self._settle([entry])
        except NotCommittedError as error:
            # One error object per caller: an object raised in many tasks would mix up their tracebacks.
            for _item, _whom, future in batch:
                _fail(future, NotCommittedError(*error.args), error.__cause__)
        except Exception as error:  # noqa: BLE001 - handed on to every caller; nobody knows the outcome
            for _item, _whom, future in batch:
                _fail(future, CommitOutcomeUnknownError(_UNKNOWN), error)
        else:
            for (_item, _whom, future), result in zip(batch, results, strict=True):
                _answer(future, result)

    async def _commit(self, batch: Sequence[_Entry[T, R]]) -> Sequence[R | Exception]:
        # The runner is everybody's, whoever's call began it: it acts for each caller in turn, and else for none.
        with acting_as_system():
            try:
                connection = await self._database.pool.acquire()
            except DATABASE_FAILURES as error:
                raise NotCommittedError(_NOT_WRITTEN) from error
            try:
                return await self._commit_on(connection, batch)
            finally:
                await self._database.pool.release(connection)

    async def _commit_on(self, connection: Connection, batch: Sequence[_Entry[T, R]]) -> Sequence[R | Exception]:
        shares = _shares(batch)
        transaction = transaction_for(connection, shares[0][0])
        try:
            await transaction.start()
        except DATABASE_FAILURES as error:
            raise NotCommittedError(_NOT_WRITTEN) from error
        try:
            results = await self._write_all(connection, batch, shares)
        except Exception as error:
            try:
                await transaction.rollback()
            except DATABASE_FAILURES:
                raise NotCommittedError(_NOT_WRITTEN) from error
            if isinstance(error, TimeoutError):  # a server too slow for one is too slow for each
                raise NotCommittedError(_NOT_WRITTEN) from error
            raise _TransactionFailedError(error) from error
        try:
            await transaction.commit()
        except asyncpg.PostgresError as error:
            # An ERROR is the server's word that it rolled back, say for a deferred constraint. With a FATAL
            # it left, perhaps after the commit and before the answer.
            if error.severity_en == "ERROR":
                raise _TransactionFailedError(error) from error
            raise
        return results

    async def _write_all(
        self, connection: Connection, batch: Sequence[_Entry[T, R]], shares: Sequence[tuple[Whom, Sequence[int]]]
    ) -> Sequence[R | Exception]:
        """Write each one's share of the batch for it; the transaction acts for the first one already."""
        results: dict[int, R | Exception] = {}
        acting = shares[0][0]
        for whom, places in shares:
            if whom != acting:
                await connection.execute(naming(whom))
                acting = whom
            items = [batch[place][0] for place in places]
            with acting_for(whom):
                written = await self._write(connection, items)
            _check_count(written, items)
            results.update(zip(places, written, strict=True))
        kept = [entry[0] for place, entry in enumerate(batch) if not isinstance(results[place], Exception)]
        if self._conclude is not None and kept:
            if acting is not Nameless.SYSTEM:
                await connection.execute(naming(Nameless.SYSTEM))
            await self._conclude(connection, kept)
        return [results[place] for place in range(len(batch))]


def _shares(batch: Sequence[_Entry[T, R]]) -> list[tuple[Whom, list[int]]]:
    """Whose items stand at which places of a batch."""
    places: defaultdict[Whom, list[int]] = defaultdict(list)
    for place, (_item, whom, _future) in enumerate(batch):
        places[whom].append(place)
    # In one order everywhere: two processes that lock rows of the same partners do not wait for each other in a circle.
    return sorted(places.items(), key=lambda share: str(share[0]))


def _check_count(results: Sequence[object], items: Sequence[object]) -> None:
    if len(results) != len(items):
        raise ValueError(f"write returned {len(results)} results for {len(items)} items")


def _answer(future: asyncio.Future[R], result: R | Exception) -> None:
    if isinstance(result, Exception):
        _fail(future, result)
    elif not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[R], error: Exception, cause: BaseException | None = None) -> None:
    if cause is not None:
        error.__cause__ = cause
    if not future.done():
        future.set_exception(error)
