"""SQL of invitations."""

from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from fleetwrite.contract.org_enums import InvitationStatusEnum
from fleetwrite.kit.database import Connection
from fleetwrite.kit.keyset import Page, PageQuery, Window
from fleetwrite.orgs.invitation_models import ConnectGrant, Details, Invitation, InvitationRequest
from fleetwrite.orgs.models import Levels

CONNECT_LASTS_S: Final = 3600
"""For how long a fleet that accepted may connect: time to look up a password, and no more."""

_DETAILS: Final = Details.__struct_fields__
_INVITATION: Final = f"""
    i.id, i.partner_id, (SELECT slug FROM partners WHERE id = i.partner_id) AS partner_slug, i.fleet_ref,
    fleetwrite_status_now(i.status, i.expires_at) AS status,
    i.is_open AND i.expires_at > fleetwrite_now() AS is_open, {", ".join(f"i.{name}" for name in _DETAILS)},
    i.permissions, i.expires_in_hours, i.expires_at, i.viewed_at, i.accepted_at, i.declined_at, i.decline_reason,
    i.fleet_id, i.created_at
"""  # noqa: S608 - our own words only, here and below
_PLACES: Final = ", ".join(f"${place}" for place in range(6, 6 + len(_DETAILS)))


async def insert(
    connection: Connection, partner_id: UUID, request: InvitationRequest, permissions: Levels, expires_in_hours: int
) -> Invitation | None:
    """Add an active invitation; None where there is one for this fleet_ref."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO invitations AS i (id, partner_id, fleet_ref, permissions, expires_in_hours, {", ".join(_DETAILS)},
            status, expires_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, {_PLACES}, 'active', fleetwrite_now() + make_interval(hours => $5),
            fleetwrite_now(), fleetwrite_now())
        ON CONFLICT DO NOTHING
        RETURNING {_INVITATION}
        """,  # noqa: S608
        uuid4(),
        partner_id,
        request.fleet_ref,
        dict(permissions),
        expires_in_hours,
        *(getattr(request.details, name) for name in _DETAILS),
    )
    return None if row is None else _read(row)


async def refresh(
    connection: Connection,
    invitation: Invitation,
    status: InvitationStatusEnum,
    details: Details,
    permissions: Levels,
    expires_in_hours: int,
) -> Invitation:
    """Let a locked invitation begin anew: its link works again, and the token that it had led to does not.

    It is active again, as if nobody had answered; or accepted, if it is so still.
    """
    (row,) = await connection.fetch(
        f"""
        UPDATE invitations i SET ({", ".join(_DETAILS)}) = ROW ({_PLACES}),
            status = $2, permissions = $3, expires_in_hours = $4,
            expires_at = fleetwrite_now() + make_interval(hours => $4), is_open = true, viewed_at = NULL,
            accepted_at = CASE WHEN $2 = 'accepted' THEN accepted_at END,
            fleet_id = CASE WHEN $2 = 'accepted' THEN fleet_id END,
            declined_at = NULL, decline_reason = NULL, connect_token_hash = NULL, connect_token_expires_at = NULL,
            updated_at = fleetwrite_now()
        WHERE id = $1 AND partner_id = $5 RETURNING {_INVITATION}
        """,  # noqa: S608
        invitation.id,
        status.value,
        dict(permissions),
        expires_in_hours,
        invitation.partner_id,
        *(getattr(details, name) for name in _DETAILS),
    )
    return _read(row)


async def find_live(connection: Connection, partner_id: UUID, fleet_ref: str) -> Invitation | None:
    """The invitation for a fleet_ref that was not deleted and not written down as expired; locked."""
    row = await connection.fetchrow(
        f"""
        SELECT {_INVITATION} FROM invitations i
        WHERE partner_id = $1 AND fleet_ref = $2 AND status IN ('active', 'accepted', 'declined') FOR UPDATE
        """,  # noqa: S608
        partner_id,
        fleet_ref,
    )
    return None if row is None else _read(row)


async def get(
    connection: Connection, invitation_id: UUID, *, partner_id: UUID | None, lock: bool = False
) -> Invitation | None:
    """The invitation of this id, unless it is deleted, or of another partner than `partner_id` (None: of any)."""
    row = await connection.fetchrow(
        f"""
        SELECT {_INVITATION} FROM invitations i
        WHERE id = $1 AND status <> 'deleted' AND ($2::uuid IS NULL OR partner_id = $2)
        """  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        invitation_id,
        partner_id,
    )
    return None if row is None else _read(row)


async def page(
    connection: Connection, partner_id: UUID, window: Window, *, fleet_ref: str | None
) -> tuple[Page[Invitation], int]:
    """A page of a partner's invitations that are not deleted, also of those that expired."""
    query = PageQuery(f"SELECT {_INVITATION} FROM invitations i", prefix="i")  # noqa: S608
    query.where("i.partner_id = {} AND i.status <> 'deleted'", partner_id)
    query.where_among("i.fleet_ref", None if fleet_ref is None else [fleet_ref])
    found, total = await query.fetch_counted(connection, window)
    return found.of(_read), total


async def note_view(connection: Connection, invitation_id: UUID) -> Invitation | None:
    """Note that somebody looks for the first time at an active invitation; None where it is not, or not the first."""
    row = await connection.fetchrow(
        f"""
        UPDATE invitations i SET viewed_at = fleetwrite_now()
        WHERE id = $1 AND viewed_at IS NULL AND status = 'active' AND expires_at > fleetwrite_now()
        RETURNING {_INVITATION}
        """,  # noqa: S608
        invitation_id,
    )
    return None if row is None else _read(row)


async def accept(
    connection: Connection, invitation_id: UUID, fleet_id: UUID, permissions: Levels, token_hash: bytes
) -> Invitation:
    """Store that a fleet accepts a locked invitation, and by which token it may connect."""
    (row,) = await connection.fetch(
        f"""
        UPDATE invitations i SET status = 'accepted', is_open = false, fleet_id = $2, permissions = $3,
            accepted_at = coalesce(accepted_at, fleetwrite_now()), connect_token_hash = $4,
            connect_token_expires_at = fleetwrite_now() + make_interval(secs => $5), updated_at = fleetwrite_now()
        WHERE id = $1 RETURNING {_INVITATION}
        """,  # noqa: S608
        invitation_id,
        fleet_id,
        dict(permissions),
        token_hash,
        CONNECT_LASTS_S,
    )
    return _read(row)


async def decline(connection: Connection, invitation_id: UUID, reason: str | None) -> Invitation:
    """Store that a fleet declines a locked invitation."""
    (row,) = await connection.fetch(
        f"""
        UPDATE invitations i SET status = 'declined', is_open = false, decline_reason = $2,
            declined_at = fleetwrite_now(), updated_at = fleetwrite_now()
        WHERE id = $1 RETURNING {_INVITATION}
        """,  # noqa: S608
        invitation_id,
        reason,
    )
    return _read(row)


async def end(connection: Connection, invitation_id: UUID, status: InvitationStatusEnum) -> Invitation:
    """Store that a locked invitation is expired or deleted, for good."""
    (row,) = await connection.fetch(
        f"""
        UPDATE invitations i SET status = $2, is_open = false, updated_at = fleetwrite_now()
        WHERE id = $1 RETURNING {_INVITATION}
        """,  # noqa: S608
        invitation_id,
        status.value,
    )
    return _read(row)


async def expire(connection: Connection, most: int) -> list[Invitation]:
    """Write down that the time of some is over, and return them; those that somebody else works on come later."""
    rows = await connection.fetch(
        f"""
        UPDATE invitations i SET status = 'expired', is_open = false, updated_at = fleetwrite_now()
        WHERE id IN (
            SELECT id FROM invitations WHERE status = 'active' AND expires_at <= fleetwrite_now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        RETURNING {_INVITATION}
        """,  # noqa: S608
        most,
    )
    return [_read(row) for row in rows]


async def spend_token(connection: Connection, token_hash: bytes) -> ConnectGrant | None:
    """Use up a connect token; None where there is none that is good still, or nothing is shared any more."""
    row = await connection.fetchrow(
        """
        UPDATE invitations SET connect_token_hash = NULL, connect_token_expires_at = NULL
        WHERE connect_token_hash = $1 AND connect_token_expires_at > fleetwrite_now() AND status = 'accepted'
            AND EXISTS (
                SELECT FROM share_agreements a WHERE (a.partner_id, a.fleet_id)
                    = (invitations.partner_id, invitations.fleet_id) AND a.status NOT IN ('cancelled', 'deleted')
            )
        RETURNING id AS invitation_id, partner_id, fleet_id, limit_tsps
        """,
        token_hash,
    )
    return None if row is None else msgspec.convert(dict(row), ConnectGrant)


def _read(row: asyncpg.Record) -> Invitation:
    fields: dict[str, Any] = dict(row)
    details = {name: fields.pop(name) for name in _DETAILS}
    return msgspec.convert({**fields, "details": details}, Invitation)
