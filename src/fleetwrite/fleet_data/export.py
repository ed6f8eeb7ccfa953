"""Hands out all that is kept of a fleet, as lines of JSON.

One transaction that sees the database as it was when it began, so that an operation in the file has its record there,
and a row that changes meanwhile is there once. It reads into a file and not to whoever asked: how slowly that one takes
it must not decide for how long the database keeps old rows, or how many of its connections are taken.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable
from typing import IO, Final
from uuid import UUID

import msgspec

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.fleet_data import store
from fleetwrite.fleet_data.errors import UnknownFleetIdError
from fleetwrite.fleet_data.places import PLACES
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Database

FORMAT: Final = "fleetwrite-fleet/1"
"""Another number when a reader has to change."""

MEDIA_TYPE: Final = "application/x-ndjson"

TELL_EVERY: Final = 10_000
"""Lines between two words about progress: a fraction of a second's work."""

_PIECE: Final = 64 * 1024

Progress = Callable[[str, int], None]
"""Called with a table, and how many of its rows were written so far."""


def in_silence(_table: str, _rows: int) -> None:
    """Progress that nobody follows."""


def file_name(fleet_id: UUID) -> str:
    """What an export is called where somebody saves it."""
    return f"fleet-{fleet_id}.jsonl"


class FleetExport:
    """Exports fleets; one at a time in a process, so that exports take one connection to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alone = asyncio.Lock()

    async def write(
        self, fleet_id: UUID, out: IO[bytes], *, actor: Actor = FLEETWRITE, progress: Progress = in_silence
    ) -> dict[str, int]:
        """Write all that is kept of a fleet; says how many lines of each table. It is in the audit log by then.

        Raises:
            UnknownFleetIdError: there is no such fleet.
        """
        async with self._alone:
            counts = await self._write(fleet_id, out, progress)
        async with self._database.transaction() as connection:
            await trail.append(connection, actor, Deed.FLEET_EXPORTED, fleet_id, {"rows": counts})
        return counts

    async def spool(self, fleet_id: UUID, *, actor: Actor) -> IO[bytes]:
        """The same in a file without a name, which is gone when it is closed, or its process ends.

        Raises:
            UnknownFleetIdError: there is no such fleet.
        """
        spooled = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
        try:
            await self.write(fleet_id, spooled, actor=actor)
        except BaseException:
            spooled.close()
            raise
        spooled.seek(0)
        return spooled

    async def _write(self, fleet_id: UUID, out: IO[bytes], progress: Progress) -> dict[str, int]:
        counts: dict[str, int] = {}
        async with (
            self._database.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            if not await store.exists(connection, fleet_id):
                raise UnknownFleetIdError(fleet_id)
            made_at = await database_now(connection)
            _write_line(out, {"format": FORMAT, "fleet_id": fleet_id, "made_at": made_at})
            for place in PLACES:
                if not place.shown:
                    continue
                rows = 0
                async for row in store.read(connection, place, fleet_id):
                    _write_line(out, {"table": place.table, "row": msgspec.Raw(row.encode())})
                    rows += 1
                    if rows % TELL_EVERY == 0:
                        progress(place.table, rows)
                counts[place.table] = rows
        # Who does not find this line has not got all.
        _write_line(out, {"end": True, "rows": counts})
        out.flush()
        return counts


async def pieces(spooled: IO[bytes]) -> AsyncGenerator[bytes, None]:
    """What is in a file, in pieces; it is closed with the last one, or when nobody wants more."""
    with spooled:
        while piece := spooled.read(_PIECE):
            yield piece


def _write_line(out: IO[bytes], line: object) -> None:
    out.write(msgspec.json.encode(line) + b"\n")
