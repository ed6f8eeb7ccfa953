"""SQL of share agreements."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from fleetwrite.contract.org_enums import ShareAgreementStatusEnum
from fleetwrite.kit.database import Connection
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.orgs.models import Actor, Levels, Party, ShareAgreement

_STATUS: Final = "fleetwrite_status_now(a.status, a.expires_at)"
_AGREEMENT: Final = f"""
    a.id, a.partner_id, a.fleet_id, a.fleet_ref, {_STATUS} AS status, a.scopes, a.effective_at, a.expires_at,
    a.invitation_id, a.paused_by, a.created_at, a.updated_at
"""
_OWNER: Final = {Party.PARTNER: "a.partner_id", Party.FLEET: "a.fleet_id"}


async def insert_agreement(
    connection: Connection,
    *,
    partner_id: UUID,
    fleet_id: UUID,
    fleet_ref: str,
    scopes: Levels,
    expires_at: datetime | None = None,
    invitation_id: UUID | None = None,
) -> ShareAgreement | None:
    """Add an agreement that counts from now on; None where the partner has one with this fleet, or for this fleet_ref.

    Raises:
        asyncpg.ForeignKeyViolationError: there is no such partner, or no such fleet.
    """
    row = await connection.fetchrow(
        f"""
        INSERT INTO share_agreements AS a (id, partner_id, fleet_id, fleet_ref, status, scopes, effective_at,
            expires_at, invitation_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, 'active', $5, fleetwrite_now(), $6, $7, fleetwrite_now(), fleetwrite_now())
        ON CONFLICT DO NOTHING
        RETURNING {_AGREEMENT}
        """,  # noqa: S608 - our own words only, here and below
        new_id(),
        partner_id,
        fleet_id,
        fleet_ref,
        dict(scopes),
        expires_at,
        invitation_id,
    )
    return None if row is None else _agreement(row)


async def find_agreement(connection: Connection, partner_id: UUID, fleet_ref: str) -> ShareAgreement | None:
    """The agreement for the partner's own name of a fleet that has not ended for good."""
    row = await connection.fetchrow(
        f"""
        SELECT {_AGREEMENT} FROM share_agreements a
        WHERE partner_id = $1 AND fleet_ref = $2 AND status NOT IN ('cancelled', 'deleted')
        """,  # noqa: S608
        partner_id,
        fleet_ref,
    )
    return None if row is None else _agreement(row)


async def get_agreement(
    connection: Connection, actor: Actor, agreement_id: UUID, *, lock: bool = False
) -> ShareAgreement | None:
    """The agreement of this id, if it is the actor's and not deleted; locked, it stays as it is for now."""
    whose = "" if actor.id is None else f" AND {_OWNER[actor.party]} = $2"
    row = await connection.fetchrow(
        f"SELECT {_AGREEMENT} FROM share_agreements a WHERE a.id = $1 AND a.status <> 'deleted'{whose}"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        agreement_id,
        *(() if actor.id is None else (actor.id,)),
    )
    return None if row is None else _agreement(row)


async def page_agreements(
    connection: Connection,
    actor: Actor,
    window: Window,
    *,
    partner_id: UUID | None = None,
    fleet_id: UUID | None = None,
    fleet_ref: str | None = None,
    status: ShareAgreementStatusEnum | None = None,
) -> tuple[Page[ShareAgreement], int]:
    """A page of the actor's agreements that are not deleted; each filter that is not None narrows it."""
    query = PageQuery(f"SELECT {_AGREEMENT} FROM share_agreements a", prefix="a")  # noqa: S608
    query.where("a.status <> 'deleted'")
    if actor.id is not None:
        query.where(f"{_OWNER[actor.party]} = {{}}", actor.id)
    if partner_id is not None:
        query.where("a.partner_id = {}", partner_id)
    if fleet_id is not None:
        query.where("a.fleet_id = {}", fleet_id)
    query.where_among("a.fleet_ref", None if fleet_ref is None else [fleet_ref])
    if status is not None:
        query.where(f"{_STATUS} = {{}}", status.value)
    page, total = await query.fetch_counted(connection, window)
    return page.of(_agreement), total


async def agreements_of_fleets(connection: Connection, fleet_ids: Collection[UUID]) -> list[ShareAgreement]:
    """All agreements of these fleets that are not deleted, oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_AGREEMENT} FROM share_agreements a WHERE fleet_id = ANY($1) AND status <> 'deleted'
        ORDER BY created_at, id
        """,  # noqa: S608
        list(fleet_ids),
    )
    return [_agreement(row) for row in rows]


async def update_agreement(connection: Connection, changed: ShareAgreement) -> ShareAgreement:
    """Store the status, who paused it, the levels and the times of an agreement that is locked."""
    (row,) = await connection.fetch(
        f"""
        UPDATE share_agreements a SET status = $2, paused_by = $3, scopes = $4, effective_at = $5, expires_at = $6,
            updated_at = fleetwrite_now()
        WHERE id = $1 RETURNING {_AGREEMENT}
        """,  # noqa: S608
        changed.id,
        changed.status.value,
        changed.paused_by,
        dict(changed.scopes),
        changed.effective_at,
        changed.expires_at,
    )
    return _agreement(row)


async def expire_agreements(connection: Connection, most: int) -> list[ShareAgreement]:
    """Write down that the time of some is over, and return them; those that somebody else works on come later."""
    rows = await connection.fetch(
        f"""
        UPDATE share_agreements a SET status = 'expired', updated_at = fleetwrite_now()
        WHERE id IN (
            SELECT id FROM share_agreements WHERE status IN ('active', 'paused') AND expires_at <= fleetwrite_now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        RETURNING {_AGREEMENT}
        """,  # noqa: S608
        most,
    )
    return [_agreement(row) for row in rows]


def _agreement(row: asyncpg.Record) -> ShareAgreement:
    return msgspec.convert(dict(row), ShareAgreement)
