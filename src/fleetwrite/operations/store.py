"""All SQL of operations, their attempts, secrets and references."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import Loss
from fleetwrite.contract.enums import (
    ResourceEnum,
    ResourceOperationErrorTypeEnum,
    ResourceOperationLogStatusEnum,
    ResourceOperationStatusEnum,
    ResourceOperationTypeEnum,
)
from fleetwrite.contract.integrations import ResourceOperationLogRead
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import PageQuery
from fleetwrite.operations.models import Accepted, AttemptLog, Obstacle, Operation, Terms

PAYLOAD: Final = msgspec.json.Decoder(float_hook=Decimal)
"""Reads a payload without losing a digit."""

_TERMS: Final = msgspec.json.Decoder(Terms)
_LOSSES: Final = msgspec.json.Decoder(list[Loss])

_COLUMNS: Final = """
    o.id, o.partner_id, o.connection_id, o.resource, o.operation_type, o.resource_id, o.source_id,
    o.payload::text AS payload, o.status, o.is_sync, o.created_at, o.updated_at,
    o.expires_at, o.settled_at, o.outcome, o.directives ->> 'idempotency_key' AS idempotency_key,
    o.directives ->> 'losses' AS losses,
    c.fleet_id, c.source_name, a.fleet_ref
"""
_FROM: Final = """
    FROM operations o JOIN connections c ON c.id = o.connection_id
    LEFT JOIN LATERAL (
        SELECT fleet_ref FROM share_agreements WHERE partner_id = o.partner_id AND fleet_id = c.fleet_id
        ORDER BY created_at DESC, id DESC LIMIT 1
    ) a ON true
"""
"""The fleet is called as in the partner's last agreement with it: deleted ones are kept beside the one that counts."""

REMOVE_ENDED: Final = """
    DELETE FROM operations WHERE id IN (
        SELECT id FROM operations WHERE id < $2 AND settled_at < $1 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""
"""Removes operations with their attempts, parts, keys and secrets; for `kit.retention.Rule`."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as read for delivery."""

    operation: Operation
    payload_json: str
    terms: Terms
    made: str | None


def read_losses(row: Any) -> list[Loss]:
    """What the provider can not hold of the operation in a row that has `_COLUMNS`."""
    return [] if row["losses"] is None else _LOSSES.decode(row["losses"])


def read_operation(row: Any) -> Operation:
    """The operation in a row that has `_COLUMNS`."""
    return Operation(
        id=row["id"],
        partner_id=row["partner_id"],
        connection_id=row["connection_id"],
        fleet_id=row["fleet_id"],
        fleet_ref=row["fleet_ref"],
        source_name=row["source_name"],
        resource=ResourceEnum(row["resource"]),
        operation_type=ResourceOperationTypeEnum(row["operation_type"]),
        resource_id=row["resource_id"],
        source_id=row["source_id"],
        payload=PAYLOAD.decode(row["payload"]),
        status=ResourceOperationStatusEnum(row["status"]),
        is_sync=row["is_sync"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def insert_operations(connection: Connection, accepted: Sequence[Accepted]) -> dict[UUID, Any]:
    """Insert pending operations; returns their creation times by id."""
    rows = await connection.fetch(
        """
        INSERT INTO operations (id, partner_id, connection_id, resource, operation_type, resource_id, source_id,
                                payload, directives, status, is_sync, created_at, updated_at, expires_at)
        SELECT id, partner_id, connection_id, resource, operation_type, resource_id, source_id, payload, terms,
               'pending', is_sync, fleetwrite_now(), fleetwrite_now(),
               COALESCE(expires_at, GREATEST(fleetwrite_now(), not_before) + lasts)
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::jsonb[],
                    $9::jsonb[], $10::bool[], $11::interval[], $12::timestamptz[], $13::timestamptz[])
            AS new (id, partner_id, connection_id, resource, operation_type, resource_id, source_id, payload, terms,
                    is_sync, lasts, expires_at, not_before)
        RETURNING id, created_at
        """,
        [one.operation.id for one in accepted],
        [one.operation.partner_id for one in accepted],
        [one.operation.connection_id for one in accepted],
        [one.operation.resource for one in accepted],
        [one.operation.operation_type for one in accepted],
        [one.operation.resource_id for one in accepted],
        [one.operation.source_id for one in accepted],
        [one.operation.payload for one in accepted],
        [one.terms for one in accepted],
        [one.operation.is_sync for one in accepted],
        [one.lasts for one in accepted],
        [one.expires_at for one in accepted],
        [one.not_before for one in accepted],
    )
    return {row["id"]: row["created_at"] for row in rows}


async def insert_references(connection: Connection, references: Sequence[tuple[UUID, str, UUID]]) -> set[UUID]:
    """Enter (connection, reference, operation) into the ledger; returns the operations whose reference was free."""
    rows = await connection.fetch(
        """
        INSERT INTO reference_ledger (connection_id, reference, operation_id)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS new (connection_id, reference, operation_id)
        ORDER BY connection_id, reference
        ON CONFLICT DO NOTHING RETURNING operation_id
        """,
        [connection_id for connection_id, _, _ in references],
        [reference for _, reference, _ in references],
        [operation_id for _, _, operation_id in references],
    )
    return {row["operation_id"] for row in rows}


async def select_reference_holder(
    connection: Connection, connection_id: UUID, reference: str, asking: UUID
) -> Obstacle | None:
    """Which operation has a reference, as the operation `asking` may know; None: there is none, or none any more."""
    row = await connection.fetchrow(
        """
        SELECT h.id AS operation_id, h.partner_id = a.partner_id AS is_own
        FROM reference_ledger l JOIN operations h ON h.id = l.operation_id, operations a
        WHERE l.connection_id = $1 AND l.reference = $2 AND a.id = $3
        """,
        connection_id,
        reference,
        asking,
    )
    return None if row is None else Obstacle(**row)


async def delete_references(connection: Connection, operation_ids: Sequence[UUID]) -> None:
    await connection.execute("DELETE FROM reference_ledger WHERE operation_id = ANY($1::uuid[])", operation_ids)


async def insert_secrets(connection: Connection, secrets: Sequence[tuple[UUID, bytes]]) -> None:
    await connection.executemany(
        "INSERT INTO operation_secrets (operation_id, sealed, created_at) VALUES ($1, $2, fleetwrite_now())", secrets
    )


async def select_secrets(connection: Connection, operation_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    rows = await connection.fetch(
        "SELECT operation_id, sealed FROM operation_secrets WHERE operation_id = ANY($1::uuid[])", operation_ids
    )
    return {row["operation_id"]: row["sealed"] for row in rows}


async def delete_secrets(connection: Connection, operation_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Delete and return the sealed secrets of these operations."""
    rows = await connection.fetch(
        "DELETE FROM operation_secrets WHERE operation_id = ANY($1::uuid[]) RETURNING operation_id, sealed",
        operation_ids,
    )
    return {row["operation_id"]: row["sealed"] for row in rows}


async def select_stored(connection: Connection, operation_ids: Sequence[UUID]) -> list[Stored]:
    """Operations with all that was agreed at accept."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS}, o.directives::text AS terms, o.made_source_id {_FROM} WHERE o.id = ANY($1::uuid[])",
        operation_ids,
    )
    return [
        Stored(
            operation=read_operation(row),
            payload_json=row["payload"],
            terms=_TERMS.decode(row["terms"]),
            made=row["made_source_id"],
        )
        for row in rows
    ]


async def update_made(connection: Connection, made: Sequence[tuple[UUID, str]]) -> None:
    """Keep what writes made at the provider that are not complete."""
    await connection.execute(
        """
        UPDATE operations SET made_source_id = made.source_id
        FROM unnest($1::uuid[], $2::text[]) AS made (id, source_id) WHERE operations.id = made.id
        """,
        [operation_id for operation_id, _ in made],
        [source_id for _, source_id in made],
    )


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Another operation that says the same."""

    id: UUID
    payload: Mapping[str, Any]
    is_pending: bool


async def select_alike(
    connection: Connection, operation: Operation, resources: Sequence[ResourceEnum], ago: timedelta
) -> list[Alike]:
    """Operations of the same connection with the same text, but for white space (or with none), that are pending, or
    ended `ago` or later and may have been written.
    """
    rows = await connection.fetch(
        # The resources are named, and the text is written as it is, for the index operations_alike.
        r"""
        SELECT id, payload::text AS payload, status = 'pending' AND NOT has_arrived AS is_pending
        FROM operations o CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM operation_parts
            WHERE operation_id = o.id AND state IN ('sending', 'done', 'unknown')) AS has_arrived) AS parts
        WHERE resource IN ('message', 'group_message', 'dvir_log') AND connection_id = $1 AND id <> $2
          AND md5(btrim(regexp_replace(COALESCE(payload ->> 'message_text', ''), '\s+', ' ', 'g')))
              = md5(btrim(regexp_replace($3, '\s+', ' ', 'g')))
          AND resource = ANY($4::text[])
          AND (status = 'pending' OR settled_at >= fleetwrite_now() - $5::interval)
          AND (status <> 'failed' OR has_arrived OR EXISTS (SELECT FROM attempts
               WHERE operation_id = o.id AND error_details LIKE 'outcome_unknown:%'))
        """,
        operation.connection_id,
        operation.id,
        operation.payload.get("message_text", ""),
        list(resources),
        ago,
    )
    return [Alike(id=row["id"], payload=PAYLOAD.decode(row["payload"]), is_pending=row["is_pending"]) for row in rows]


async def select_operation(connection: Connection, partner_id: UUID, operation_id: UUID) -> Operation | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} {_FROM} WHERE o.partner_id = $1 AND o.id = $2",
        partner_id,
        operation_id,
    )
    return None if row is None else read_operation(row)


def operations_of(partner_id: UUID) -> PageQuery:
    """A query for a page of this partner's operations, to be narrowed by conditions on `o`, `c` and `a`."""
    query = PageQuery(f"SELECT {_COLUMNS} {_FROM}", prefix="o")
    query.where("o.partner_id = {}", partner_id)
    return query


async def count_pending(connection: Connection, partner_id: UUID, limit: int) -> int:
    """How many operations of a partner are pending, counted up to `limit`."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM"
        " (SELECT 1 FROM operations WHERE partner_id = $1 AND status = 'pending' LIMIT $2) AS pending",
        partner_id,
        limit,
    )
    return count


async def select_row(connection: Connection, partner_id: UUID, operation_id: UUID, *, lock: bool = False) -> Any | None:
    """A partner's operation with all columns; locked until the end of the transaction, where wanted."""
    tail = "FOR UPDATE OF o" if lock else ""
    return await connection.fetchrow(
        f"SELECT {_COLUMNS} {_FROM} WHERE o.partner_id = $1 AND o.id = $2 {tail}", partner_id, operation_id
    )


async def select_later_write(connection: Connection, operation: Operation) -> Obstacle | None:
    """A later operation that wrote, will write or may have written the same record; None: there is none."""
    row = await connection.fetchrow(
        """
        SELECT id AS operation_id, partner_id = $4 AS is_own FROM operations
        WHERE resource_id = $1 AND (created_at, id) > ($2, $3) AND (status <> 'failed' OR outcome = 'outcome_unknown')
        ORDER BY id DESC LIMIT 1
        """,
        operation.resource_id,
        operation.created_at,
        operation.id,
        operation.partner_id,
    )
    return None if row is None else Obstacle(**row)


async def reopen_operation(connection: Connection, operation_id: UUID, lasts: timedelta) -> None:
    """Let a failed operation be pending again, in the background from now on."""
    await connection.execute(
        """
        UPDATE operations SET status = 'pending', settled_at = NULL, outcome = NULL, is_sync = false,
               updated_at = fleetwrite_now(), expires_at = fleetwrite_now() + $2
        WHERE id = $1
        """,
        operation_id,
        lasts,
    )


async def insert_attempts(connection: Connection, attempts: Sequence[tuple[UUID, UUID, AttemptLog]]) -> None:
    """Insert ended attempts: (id of the log, operation, log)."""
    logs = [log for _, _, log in attempts]
    await connection.execute(
        """
        INSERT INTO attempts (id, operation_id, created_at, updated_at, status, error_type, error_details,
                              response_status_code, response_headers)
        SELECT id, operation_id, fleetwrite_now(), fleetwrite_now(),
               CASE WHEN error_type IS NULL THEN 'success' ELSE 'failed' END, error_type, error_details, status_code,
               headers
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::jsonb[])
            AS new (id, operation_id, error_type, error_details, status_code, headers)
        """,
        [log_id for log_id, _, _ in attempts],
        [operation_id for _, operation_id, _ in attempts],
        [log.error_type for log in logs],
        [log.error_details for log in logs],
        [log.response_status_code for log in logs],
        [log.response_headers for log in logs],
    )


async def select_attempts(
    connection: Connection, operation_ids: Sequence[UUID]
) -> dict[UUID, list[ResourceOperationLogRead]]:
    """The ended attempts of each operation, oldest first."""
    found: dict[UUID, list[ResourceOperationLogRead]] = {operation_id: [] for operation_id in operation_ids}
    rows = await connection.fetch(
        "SELECT * FROM attempts WHERE operation_id = ANY($1::uuid[]) ORDER BY operation_id, id", operation_ids
    )
    for row in rows:
        error_type = row["error_type"]
        found[row["operation_id"]].append(
            ResourceOperationLogRead(
                id=row["id"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
                resource_operation_id=row["operation_id"],
                status=ResourceOperationLogStatusEnum(row["status"]),
                error_type=None if error_type is None else ResourceOperationErrorTypeEnum(error_type),
                error_details=row["error_details"],
                response_status_code=row["response_status_code"],
                response_headers=row["response_headers"],
            )
        )
    return found


async def end_operations(
    connection: Connection,
    ended: Sequence[tuple[UUID, ResourceOperationStatusEnum, UUID | None, str | None, str | None]],
) -> dict[UUID, Any]:
    """Give operations their end: (id, status, resource_id, source_id, outcome code); returns the times by id.

    Where resource_id or source_id is None, what is there stays.
    """
    rows = await connection.fetch(
        """
        UPDATE operations SET status = ended.status, settled_at = fleetwrite_now(), updated_at = fleetwrite_now(),
               outcome = ended.outcome, resource_id = coalesce(ended.resource_id, operations.resource_id),
               source_id = coalesce(ended.source_id, operations.source_id)
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[])
            AS ended (id, status, resource_id, source_id, outcome)
        WHERE operations.id = ended.id RETURNING operations.id, operations.updated_at
        """,
        [operation_id for operation_id, _, _, _, _ in ended],
        [status for _, status, _, _, _ in ended],
        [resource_id for _, _, resource_id, _, _ in ended],
        [source_id for _, _, _, source_id, _ in ended],
        [outcome for _, _, _, _, outcome in ended],
    )
    return {row["id"]: row["updated_at"] for row in rows}
