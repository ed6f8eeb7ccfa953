"""After a database was restored from a backup: what was pending there may have been delivered since.

Such an operation is looked up before anything is sent. Where the provider can not tell, it waits for the operator's
word.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.dispatch.fences import (
    Fence,
    claim_withheld,
    count_looking,
    raise_fence,
    release_withheld,
    select_withheld,
)
from fleetwrite.kit.database import Database
from fleetwrite.operations import store
from fleetwrite.operations.conclusion import given_up
from fleetwrite.operations.errors import FenceRefusedError
from fleetwrite.operations.models import KIND, Operation
from fleetwrite.operations.settle import Settler

_ENDING_LASTS: Final = timedelta(minutes=5)
"""Within that a batch is ended, or withheld again."""

_GIVEN_UP: Final = (
    "it was pending in a backup that was restored, and the operator of this gateway ended it; it may have been written"
    " after the backup was made"
)

_DOUBT_SINCE: Final = """
    UPDATE jobs SET uncertain_since = operations.created_at
    FROM operations WHERE operations.id = jobs.id AND jobs.fence = 'looking' AND jobs.uncertain_since IS NULL
"""
"""An attempt that the backup knows nothing of can have been begun at any time since the write was accepted."""

_WORKING: Final = """
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = ANY($1::text[]) ORDER BY application_name
"""
_WORKERS: Final = ("fleetwrite api", "fleetwrite worker")


class WithheldOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that waits for the operator; `expires_at`: when it fails if nobody decides."""

    operation: Operation
    expires_at: datetime


class Fenced(msgspec.Struct, frozen=True, kw_only=True):
    """What is behind the fence.

    Attributes:
        looking: how many operations the workers are still to look up, or to get at behind others.
        withheld: those that wait for the operator, in the order accepted.
    """

    looking: int
    withheld: tuple[WithheldOperation, ...]


class RestoreFence:
    """Raises the fence, tells what is behind it, and takes the operator's word."""

    def __init__(self, database: Database, settler: Settler) -> None:
        self._database = database
        self._settler = settler

    async def raise_(self, *, again: bool = False) -> Fence:
        """Fence every pending operation; a second run after the same restore changes nothing.

        Args:
            again: fence also where this restore seems to be fenced already.

        Raises:
            FenceRefusedError: workers or APIs are running on this database.
        """
        async with self._database.transaction() as connection:
            working = [row["application_name"] for row in await connection.fetch(_WORKING, _WORKERS)]
            if working:
                raise FenceRefusedError(
                    f"Stop all processes first: {', '.join(working)} is connected to this database, and may send what"
                    " the fence has to hold."
                )
            # Nobody enqueues, claims or settles until the fence stands.
            await connection.execute("LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE")
            fence = await raise_fence(connection, KIND, again=again)
            await connection.execute(_DOUBT_SINCE)
            return fence

    async def fenced(self) -> Fenced:
        """What is behind the fence."""
        async with self._database.acquire() as connection:
            looking = await count_looking(connection, KIND)
            expires_at = await select_withheld(connection, KIND)
            stored = await store.select_stored(connection, list(expires_at))
        operations = {one.operation.id: one.operation for one in stored}
        withheld = tuple(
            WithheldOperation(operation=operations[of], expires_at=at)
            for of, at in expires_at.items()
            if of in operations
        )
        return Fenced(looking=looking, withheld=withheld)

    async def release(self, operation_ids: Sequence[UUID] | None) -> int:
        """Let workers send operations (None: all) that wait for the operator; returns how many.

        Raises:
            FenceRefusedError: one of them does not wait for the operator; none was released.
        """
        async with self._database.transaction() as connection:
            released = await release_withheld(connection, KIND, operation_ids)
            _require(operation_ids, released)
        return len(released)

    async def fail(self, operation_ids: Sequence[UUID] | None) -> int:
        """End operations (None: all) that wait for the operator as failed; returns how many.

        Raises:
            FenceRefusedError: one of them does not wait for the operator; none was ended.
        """
        async with self._database.transaction() as connection:
            jobs = await claim_withheld(connection, KIND, operation_ids, _ENDING_LASTS)
            _require(operation_ids, [job.id for job in jobs])
            stored = await store.select_stored(connection, [job.id for job in jobs])
        operations = {one.operation.id: one.operation for one in stored}
        async with asyncio.TaskGroup() as tasks:
            for job in jobs:
                tasks.create_task(self._settler.settle(given_up(job, operations[job.id], _GIVEN_UP)))
        return len(jobs)


def _require(wanted: Sequence[UUID] | None, found: Sequence[UUID]) -> None:
    missing = set(wanted or ()) - set(found)
    if missing:
        names = ", ".join(sorted(str(one) for one in missing))
        raise FenceRefusedError(f"Not waiting for your word: {names}. See `fleetwrite restore-fence status`.")
