"""SQL of what an erasure stops and removes. Each statement touches a batch, and passes over what is locked."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from fleetwrite.fleet_data.places import EVENTS, INVITATIONS, Place, children, condition
from fleetwrite.kit.database import Connection


async def open_agreements(connection: Connection, fleet_id: UUID) -> list[UUID]:
    """The agreements of a fleet that are not deleted."""
    rows = await connection.fetch(
        "SELECT id FROM share_agreements WHERE fleet_id = $1 AND status <> 'deleted' ORDER BY id", fleet_id
    )
    return [row["id"] for row in rows]


async def open_invitations(connection: Connection, fleet_id: UUID) -> list[tuple[UUID, UUID]]:
    """Invitations that ask the fleet and were not answered, each with its partner."""
    rows = await connection.fetch(
        f"SELECT id, partner_id FROM invitations WHERE status = 'active' AND ({INVITATIONS}) ORDER BY id",  # noqa: S608 - our own words only, here and below
        fleet_id,
    )
    return [(row["id"], row["partner_id"]) for row in rows]


async def end_cancelled(connection: Connection, fleet_id: UUID) -> None:
    """Count connections that were cancelled as deleted, which destroys their keys and ends what waits there."""
    await connection.execute(
        """
        UPDATE connections SET status = 'deleted', deleted_at = fleetwrite_now(), credentials_sealed = NULL
        WHERE fleet_id = $1 AND status = 'cancelled'
        """,
        fleet_id,
    )


async def attribute(connection: Connection, fleet_id: UUID) -> None:
    """Write down that invitations and events are the fleet's: what says so now will be removed."""
    await connection.execute(
        f"UPDATE events SET fleet_id = $1 WHERE fleet_id IS NULL AND id IN ({EVENTS})",  # noqa: S608 - ours
        fleet_id,
    )
    await connection.execute(
        f"UPDATE invitations SET fleet_id = $1 WHERE fleet_id IS DISTINCT FROM $1 AND ({INVITATIONS})",  # noqa: S608 - ours
        fleet_id,
    )


async def empty(connection: Connection, fleet_id: UUID) -> None:
    """Take all from a fleet and its connections but their ids, which others may still refer to for a while."""
    await connection.execute(
        """
        UPDATE fleets SET name = 'erased', websites = NULL, regulatory_id = NULL, regulatory_id_type = NULL,
            registered_email = NULL, registered_phone = NULL, country_code = NULL, updated_at = fleetwrite_now()
        WHERE id = $1
        """,
        fleet_id,
    )
    await connection.execute(
        """
        UPDATE connections SET description = NULL, credentials_masked = '{}', settings = '{}', account_id = NULL
        WHERE fleet_id = $1 AND status = 'deleted'
        """,
        fleet_id,
    )


async def remove(connection: Connection, place: Place, fleet_id: UUID, most: int) -> dict[str, int]:
    """Remove up to `most` rows of a fleet from a table, and what goes with them; says how many of each table."""
    chosen = f"SELECT ctid FROM {place.table} WHERE {condition(place)} LIMIT $2 FOR UPDATE SKIP LOCKED"  # noqa: S608 - ours
    if not children(place.table):
        status = await connection.execute(
            f"DELETE FROM {place.table} WHERE ctid = ANY(ARRAY({chosen}))",  # noqa: S608 - ours
            fleet_id,
            most,
        )
        return _counted({place.table: status})
    rows = await connection.fetch(
        f"SELECT id FROM {place.table} WHERE ctid = ANY(ARRAY({chosen}))",  # noqa: S608 - ours
        fleet_id,
        most,
    )
    return await _remove_with_children(connection, place.table, [row["id"] for row in rows])


async def _remove_with_children(connection: Connection, table: str, ids: Sequence[UUID]) -> dict[str, int]:
    removed: dict[str, int] = {}
    for child in children(table):
        _, column = child.parent or ("", "")
        if children(child.table):
            rows = await connection.fetch(f"SELECT id FROM {child.table} WHERE {column} = ANY($1)", ids)  # noqa: S608 - ours
            removed |= await _remove_with_children(connection, child.table, [row["id"] for row in rows])
        else:
            status = await connection.execute(f"DELETE FROM {child.table} WHERE {column} = ANY($1)", ids)  # noqa: S608 - ours
            removed |= _counted({child.table: status})
    status = await connection.execute(f"DELETE FROM {table} WHERE id = ANY($1)", ids)  # noqa: S608 - ours
    return removed | _counted({table: status})


async def has_rows(connection: Connection, place: Place, fleet_id: UUID) -> bool:
    """Whether a table holds rows of a fleet."""
    return bool(
        await connection.fetchval(
            f"SELECT EXISTS (SELECT FROM {place.table} WHERE {condition(place)})",  # noqa: S608 - ours
            fleet_id,
        )
    )


async def remove_told(connection: Connection, fleet_id: UUID, stay: timedelta, most: int) -> dict[str, int]:
    """Remove up to `most` events that nobody waits for any more, with their deliveries.

    An event that occurred since the erasure began stays for a while even so: it tells of the end, and whoever follows
    the stream of events may be away for a moment. A delivery that has events of other fleets too goes on without ours.
    """
    taken = await connection.fetch(
        """
        SELECT e.id FROM events e JOIN erasures USING (fleet_id)
        WHERE e.fleet_id = $1 AND e.fanned_out_at IS NOT NULL
            AND (e.occurred_at < begun_at OR e.occurred_at <= fleetwrite_now() - $2::interval)
            AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = e.id AND d.status = 'pending')
            AND NOT EXISTS (
                SELECT FROM batched_events b JOIN deliveries d ON d.id = b.delivery_id
                WHERE b.event_id = e.id AND d.status = 'pending')
        LIMIT $3 FOR UPDATE OF e SKIP LOCKED
        """,
        fleet_id,
        stay,
        most,
    )
    ids = [row["id"] for row in taken]
    locked = await connection.fetch(
        """
        SELECT id, event_id, status,
            ARRAY(SELECT event_id FROM batched_events WHERE delivery_id = deliveries.id) AS more
        FROM deliveries WHERE event_id = ANY($1)
            OR id IN (SELECT delivery_id FROM batched_events WHERE event_id = ANY($1))
        ORDER BY id FOR UPDATE
        """,
        ids,
    )
    # Replayed in this very moment.
    waiting = {one for row in locked if row["status"] == "pending" for one in (row["event_id"], *row["more"])}
    gone = [one for one in ids if one not in waiting]
    ended = [row for row in locked if row["status"] != "pending"]
    alone = [row["id"] for row in ended if {row["event_id"], *row["more"]} <= set(gone)]
    await _leave_to_others(connection, [row for row in ended if row["id"] not in set(alone)], gone)
    statuses = {
        "delivery_attempts": await connection.execute(
            "DELETE FROM delivery_attempts WHERE delivery_id = ANY($1)", alone
        ),
        "batched_events": await connection.execute("DELETE FROM batched_events WHERE event_id = ANY($1)", gone),
        "deliveries": await connection.execute("DELETE FROM deliveries WHERE id = ANY($1)", alone),
        "events": await connection.execute("DELETE FROM events WHERE id = ANY($1)", gone),
    }
    return _counted(statuses)


async def _leave_to_others(connection: Connection, shared: Sequence[Any], gone: Sequence[UUID]) -> None:
    """Let deliveries name another of their events first, where the first one is gone."""
    for row in shared:
        left = [one for one in (row["event_id"], *row["more"]) if one not in set(gone)]
        await connection.execute(
            "DELETE FROM batched_events WHERE delivery_id = $1 AND event_id = $2 AND $2 <> $3",
            row["id"],
            left[0],
            row["event_id"],
        )
        await connection.execute(
            "UPDATE deliveries SET event_id = $2, event_count = $3 WHERE id = $1", row["id"], left[0], len(left)
        )
        # What a receiver answered may repeat what it was sent.
        await connection.execute("UPDATE delivery_attempts SET error_message = NULL WHERE delivery_id = $1", row["id"])


async def remove_last(connection: Connection, fleet_id: UUID) -> dict[str, int] | None:
    """Remove a fleet and its connections, when no work can come any more and all is told; None: it is too early."""
    early = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM events WHERE fleet_id = $1)
            OR EXISTS (SELECT FROM connections WHERE fleet_id = $1 AND emptied_at IS NULL)
        """,
        fleet_id,
    )
    if early:
        return None
    return _counted(
        {
            "connections": await connection.execute("DELETE FROM connections WHERE fleet_id = $1", fleet_id),
            "fleets": await connection.execute("DELETE FROM fleets WHERE id = $1", fleet_id),
        }
    )


def _counted(statuses: dict[str, str]) -> dict[str, int]:
    counts = {table: int(status.rpartition(" ")[2]) for table, status in statuses.items()}
    return {table: rows for table, rows in counts.items() if rows}
