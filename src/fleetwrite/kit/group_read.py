"""Group read: questions that come up while one is being asked share the next query."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.tenancy import Whom, acting_for, acts_for

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST: Final = 256
"""Keys in one query; more would make those who came first wait for the answers of the last."""

_IN_FLIGHT: Final = 2


class GroupRead(Generic[K, V]):
    """Reads what many callers want by one query, with no timer: a lone question is asked at once.

    Nobody is answered by a query that was begun before they asked: what was committed by then is seen. Two queries are
    in flight at a time at most, so that a busy process takes no more of its connections for them. Those
    who act for different partners share no query, as the database shows each its own.
    """

    def __init__(
        self,
        database: Database,
        read: Callable[[Connection, Sequence[K]], Awaitable[Mapping[K, V]]],
    ) -> None:
        self._database = database
        self._read = read
        self._waiting: dict[Whom, dict[K, asyncio.Future[V | None]]] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V | None:
        """The value of `key`; None where there is none.

        Raises:
            Exception: whatever the query raised; everybody who shared it gets the same.
        """
        waiting = self._waiting.setdefault(acts_for(), {})
        future = waiting.get(key)
        if future is None:
            future = waiting[key] = asyncio.get_running_loop().create_future()
        if len(self._readers) < _IN_FLIGHT:
            reader = asyncio.create_task(self._drain())
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)
        # A caller that is cancelled must not take the answer away from others with the same question.
        return await asyncio.shield(future)

    async def _drain(self) -> None:
        while self._waiting:
            whom, waiting = next(iter(self._waiting.items()))
            # Behind all others, should there be more of its questions than one query takes.
            del self._waiting[whom]
            keys = list(waiting)[:MOST]
            asked = {key: waiting.pop(key) for key in keys}
            if waiting:
                self._waiting[whom] = waiting
            try:
                with acting_for(whom):
                    async with self._database.acquire() as connection:
                        found = await self._read(connection, keys)
            except Exception as error:  # noqa: BLE001 - handed to those who asked
                for future in asked.values():
                    future.set_exception(error)
                    # Whoever asked may be gone; then nobody has to hear of it.
                    future.exception()
                continue
            for key, future in asked.items():
                future.set_result(found.get(key))
