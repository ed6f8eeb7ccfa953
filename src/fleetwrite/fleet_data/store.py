"""SQL of exports, and of erasures as a whole; that of what an erasure removes is in `removal_store`."""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.fleet_data.models import Erasure
from fleetwrite.fleet_data.places import Place, condition
from fleetwrite.kit.database import Connection

_PAGE: Final = 500
"""Rows fetched at a time: what is in memory of an export."""

_ERASURE: Final = """
    fleet_id, begun_at, erased_at, completed_at, removed,
    (SELECT count(*) FROM events WHERE events.fleet_id = erasures.fleet_id) AS untold,
    (SELECT count(*) FROM jobs JOIN lanes ON lanes.id = lane_id JOIN connections ON connections.id = lanes.owner_id
     WHERE connections.fleet_id = erasures.fleet_id
        AND (lanes.kind = 'operation' OR (lease IS NOT NULL AND jobs.due_at > fleetwrite_now()))) AS under_way
"""


async def exists(connection: Connection, fleet_id: UUID) -> bool:
    """Whether there is such a fleet."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM fleets WHERE id = $1)", fleet_id))


async def read(connection: Connection, place: Place, fleet_id: UUID) -> AsyncIterator[str]:
    """The rows of a fleet in a table, as JSON texts; in the caller's transaction."""
    rows = connection.cursor(
        f"SELECT row_to_json(shown)::text FROM"  # noqa: S608 - our own words only, here and below
        f" (SELECT {', '.join(place.shown)} FROM {place.table} WHERE {condition(place)}) AS shown",
        fleet_id,
        prefetch=_PAGE,
    )
    async for row in rows:
        yield row[0]


async def count(connection: Connection, fleet_id: UUID, places: Iterable[Place]) -> dict[str, int]:
    """How many rows of a fleet each of these tables has, those without any left out."""
    counts = {
        place.table: await connection.fetchval(
            f"SELECT count(*) FROM {place.table} WHERE {condition(place)}",  # noqa: S608 - ours
            fleet_id,
        )
        for place in places
        if condition(place) is not None
    }
    return {table: rows for table, rows in counts.items() if rows}


async def begin(connection: Connection, fleet_id: UUID) -> bool:
    """Note that a fleet is to be erased, if there is one; says whether nobody had before."""
    noted = await connection.fetchval(
        """
        INSERT INTO erasures (fleet_id, begun_at, looked_at)
        SELECT id, fleetwrite_now(), fleetwrite_now() FROM fleets WHERE id = $1
        ON CONFLICT DO NOTHING RETURNING fleet_id
        """,
        fleet_id,
    )
    return noted is not None


async def get(connection: Connection, fleet_id: UUID) -> Erasure | None:
    """The erasure of a fleet; None: nobody asked for it."""
    row = await connection.fetchrow(
        f"SELECT {_ERASURE} FROM erasures WHERE fleet_id = $1",  # noqa: S608 - ours
        fleet_id,
    )
    return None if row is None else msgspec.convert(dict(row), Erasure)


async def to_go_on(connection: Connection, seldom: timedelta) -> list[UUID]:
    """The fleets that are to be erased, and of those that are but for the last those that nobody looked at lately."""
    rows = await connection.fetch(
        """
        SELECT fleet_id FROM erasures
        WHERE completed_at IS NULL AND (erased_at IS NULL OR looked_at <= fleetwrite_now() - $1::interval)
        ORDER BY begun_at
        """,
        seldom,
    )
    return [row["fleet_id"] for row in rows]


async def note_look(connection: Connection, fleet_id: UUID) -> None:
    """Note that somebody goes on with an erasure."""
    await connection.execute("UPDATE erasures SET looked_at = fleetwrite_now() WHERE fleet_id = $1", fleet_id)


async def note_removed(connection: Connection, fleet_id: UUID, removed: dict[str, int]) -> None:
    """Add to the numbers of removed rows."""
    await connection.execute(
        """
        UPDATE erasures SET removed = removed || (
            SELECT jsonb_object_agg(key, value::bigint + coalesce((removed ->> key)::bigint, 0))
            FROM jsonb_each_text($2)
        ) WHERE fleet_id = $1
        """,
        fleet_id,
        removed,
    )


async def mark_erased(connection: Connection, fleet_id: UUID) -> dict[str, Any] | None:
    """Note that only what is to be told is left; returns what was removed, None where somebody had noted it."""
    removed: dict[str, Any] | None = await connection.fetchval(
        """
        UPDATE erasures SET erased_at = fleetwrite_now() WHERE fleet_id = $1 AND erased_at IS NULL RETURNING removed
        """,
        fleet_id,
    )
    return removed


async def mark_completed(connection: Connection, fleet_id: UUID) -> dict[str, Any] | None:
    """Note that nothing is left; returns what was removed, None where somebody had noted it."""
    removed: dict[str, Any] | None = await connection.fetchval(
        """
        UPDATE erasures SET completed_at = fleetwrite_now() WHERE fleet_id = $1 AND completed_at IS NULL
        RETURNING removed
        """,
        fleet_id,
    )
    return removed
