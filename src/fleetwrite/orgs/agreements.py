"""Share agreements: what a fleet lets a partner do, until when, and who may change that.

A fleet grants. A partner may take less at any time; what would give it more than the fleet granted, or than the fleet
leaves it now, only the fleet or the operator can do.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from fleetwrite.contract.event_names import WebhookEventNameEnum as Name
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum
from fleetwrite.events.store import append
from fleetwrite.kit.clock import database_now
from fleetwrite.kit.database import Connection, Database
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.orgs import agreement_store
from fleetwrite.orgs.agreement_store import get_agreement
from fleetwrite.orgs.errors import (
    AgreementNotFoundError,
    AgreementStateError,
    InvalidOrgError,
    WideningError,
)
from fleetwrite.orgs.faults import fault
from fleetwrite.orgs.invitation_checks import level_faults
from fleetwrite.orgs.models import Actor, Levels, Party, ShareAgreement
from fleetwrite.orgs.rendering import agreement_event

_Status = ShareAgreementStatusEnum


class AgreementService:
    """Share agreements. Each change and the event that tells of it are one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        actor: Actor,
        window: Window,
        *,
        partner_id: UUID | None = None,
        fleet_id: UUID | None = None,
        fleet_ref: str | None = None,
        status: ShareAgreementStatusEnum | None = None,
    ) -> tuple[Page[ShareAgreement], int]:
        """A page of the actor's agreements, and how many there are; each filter that is not None narrows it.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.acquire() as connection:
            return await agreement_store.page_agreements(
                connection,
                actor,
                window,
                partner_id=partner_id,
                fleet_id=fleet_id,
                fleet_ref=fleet_ref,
                status=status,
            )

    async def get(self, actor: Actor, agreement_id: UUID) -> ShareAgreement:
        """One agreement.

        Raises:
            AgreementNotFoundError: the actor has none of this id.
        """
        async with self._database.acquire() as connection:
            found = await get_agreement(connection, actor, agreement_id)
        if found is None:
            raise AgreementNotFoundError(agreement_id)
        return found

    async def change(
        self,
        actor: Actor,
        agreement_id: UUID,
        *,
        status: ShareAgreementStatusEnum | None = None,
        effective_at: datetime | None = None,
        expires_at: datetime | None = None,
        scopes: Levels | None = None,
    ) -> ShareAgreement:
        """Change what is not None, all of it or nothing. An expired agreement that is given more time is as it was
        before.

        Raises:
            AgreementNotFoundError: the actor has none of this id.
            AgreementStateError: it was cancelled; or it has expired, and is to be paused or activated.
            WideningError: a partner asks for more than it has; or it was paused by somebody whose word weighs more.
            InvalidOrgError: it would end before it begins, or share nothing, or expire by somebody's word.
        """
        async with self._database.transaction() as connection:
            before = await get_agreement(connection, actor, agreement_id, lock=True)
            if before is None:
                raise AgreementNotFoundError(agreement_id)
            after = before
            if effective_at is not None or expires_at is not None or scopes is not None:
                _require_alive(before)
                after = msgspec.structs.replace(
                    before,
                    effective_at=effective_at or before.effective_at,
                    expires_at=expires_at or before.expires_at,
                    scopes=before.scopes if scopes is None else scopes,
                )
                _check_change(actor, before, after)
                after = _revived(after, await database_now(connection))
            if status is not None:
                after = _moved(actor, after, status)
            return await _store(connection, before, after)

    async def pause(self, actor: Actor, agreement_id: UUID) -> ShareAgreement:
        """Share nothing for now. What was accepted before is delivered. Raises what `change` raises."""
        return await self.change(actor, agreement_id, status=_Status.PAUSED)

    async def activate(self, actor: Actor, agreement_id: UUID) -> ShareAgreement:
        """Share again. Raises what `change` raises."""
        return await self.change(actor, agreement_id, status=_Status.ACTIVE)

    async def cancel(self, actor: Actor, agreement_id: UUID) -> ShareAgreement:
        """Share nothing any more, for good. What was accepted before is delivered. Raises what `change` raises."""
        return await self.change(actor, agreement_id, status=_Status.CANCELLED)

    async def delete(self, actor: Actor, agreement_id: UUID) -> None:
        """The same, and show the agreement no more. Raises what `change` raises."""
        await self.change(actor, agreement_id, status=_Status.DELETED)

    async def expire(self, most: int) -> int:
        """Write down and tell that the time of some agreements is over; returns of how many."""
        async with self._database.transaction() as connection:
            expired = await agreement_store.expire_agreements(connection, most)
            await append(connection, [agreement_event(Name.SHARE_AGREEMENT_UPDATED, one) for one in expired])
        return len(expired)


async def _store(connection: Connection, before: ShareAgreement, after: ShareAgreement) -> ShareAgreement:
    """Store a change and tell of it; what changes nothing is nothing to tell."""
    if after == before:
        return before
    stored = await agreement_store.update_agreement(connection, after)
    gone = stored.status is _Status.DELETED
    name = Name.SHARE_AGREEMENT_DELETED if gone else Name.SHARE_AGREEMENT_UPDATED
    await append(connection, [agreement_event(name, stored)])
    return stored


def _moved(actor: Actor, before: ShareAgreement, status: ShareAgreementStatusEnum) -> ShareAgreement:
    """The agreement after somebody wants it to have a status."""
    match status:
        case _Status.CANCELLED | _Status.DELETED:
            return msgspec.structs.replace(before, status=status)
        case _Status.PAUSED:
            _require_unexpired(before)
            by = actor.party
            if before.paused_by is not None and before.paused_by.weight > by.weight:
                by = before.paused_by
            return msgspec.structs.replace(before, status=status, paused_by=by)
        case _Status.ACTIVE:
            _require_unexpired(before)
            if before.paused_by is not None and before.paused_by.weight > actor.party.weight:
                raise WideningError(f"The {before.paused_by} has paused this agreement: its word is needed to go on.")
            return msgspec.structs.replace(before, status=status, paused_by=None)
        case _Status.EXPIRED:
            raise InvalidOrgError([fault("body.status", status, "Comes about by `expiration_date` alone.")])


def _revived(agreement: ShareAgreement, now: datetime) -> ShareAgreement:
    """The agreement as it was before it expired, if it has time again."""
    if agreement.status is not _Status.EXPIRED or agreement.expires_at is None or agreement.expires_at <= now:
        return agreement
    status = _Status.ACTIVE if agreement.paused_by is None else _Status.PAUSED
    return msgspec.structs.replace(agreement, status=status)


def _require_alive(agreement: ShareAgreement) -> None:
    if agreement.status is _Status.CANCELLED:
        raise AgreementStateError("The agreement was cancelled, which is for good: invite the fleet anew.")


def _require_unexpired(agreement: ShareAgreement) -> None:
    _require_alive(agreement)
    if agreement.status is _Status.EXPIRED:
        raise AgreementStateError(
            f"The agreement expired at {agreement.expires_at}: only the operator or the fleet can give it more time."
        )


def _check_change(actor: Actor, before: ShareAgreement, after: ShareAgreement) -> None:
    faults = [] if after.scopes == before.scopes else level_faults("scopes", after.scopes)
    if after.expires_at is not None and after.expires_at <= after.effective_at:
        message = f"Must be after `effective_date`, which is {after.effective_at.isoformat()}."
        faults.append(fault("body.expiration_date", after.expires_at.isoformat(), message))
    if faults:
        raise InvalidOrgError(faults)
    widens = (
        after.effective_at < before.effective_at
        or (before.expires_at is not None and after.expires_at is not None and after.expires_at > before.expires_at)
        or after.scopes != before.scopes
    )
    if actor.party is Party.PARTNER and widens:
        raise WideningError(
            "An agreement can be made to begin later or to end earlier by you; more only the fleet or the operator"
            " can grant."
        )
