"""Invitations: a partner makes them, whoever holds the link looks, accepts or declines."""

import hashlib
import secrets
from collections.abc import Mapping
from uuid import UUID

import msgspec

from fleetwrite.audit import trail
from fleetwrite.audit.models import FLEETWRITE, Actor, Deed
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.contract.org_enums import InvitationStatusEnum, PartnerPropertyKeyEnum
from fleetwrite.contract.orgs import DEFAULT_EXPIRES_IN_HOURS, InvitationCreate
from fleetwrite.events.store import append
from fleetwrite.kit.database import Connection, Database, as_system
from fleetwrite.kit.keyset import Page, Window
from fleetwrite.kit.url_policy import UrlPolicy
from fleetwrite.orgs import agreement_store, invitation_store, store
from fleetwrite.orgs.errors import ConnectTokenError, InvitationNotFoundError, InvitationStateError
from fleetwrite.orgs.invitation_checks import check_decline, check_permissions, check_request
from fleetwrite.orgs.invitation_models import Accepted, ConnectGrant, Details, Invitation, InvitationRequest
from fleetwrite.orgs.models import READ_ALL, NewFleet, ShareAgreement
from fleetwrite.orgs.rendering import agreement_event, invitation_events

_Status = InvitationStatusEnum
_Key = PartnerPropertyKeyEnum


class InvitationService:
    """Invitations. Each change and the events that tell of it are one transaction."""

    def __init__(self, database: Database, registry: Registry, policy: UrlPolicy, *, public_url: str) -> None:
        self._database = database
        self._registry = registry
        self._policy = policy
        self._public_url = public_url

    def magic_link(self, invitation: Invitation) -> str:
        """Where the fleet is sent: whoever has this link can answer for the fleet."""
        return f"{self._public_url}/connect?invite={invitation.id}"

    async def invite(
        self, partner_id: UUID, body: InvitationCreate, *, actor: Actor = FLEETWRITE
    ) -> tuple[Invitation, bool]:
        """Invite a fleet, or refresh the invitation that its fleet_ref has; says whether it is new.

        A refreshed one keeps what is not said anew; its link works again, and for as long as a new one's. One that was
        declined is active again. One that was accepted stays so while the agreement lasts: by its link the fleet can
        connect more.

        Raises:
            InvalidOrgError: naming every fault of the body.
            InvitationStateError: it asks for other permissions than the fleet has granted.
        """
        request = check_request(body, self._registry, self._policy)
        async with self._database.transaction() as connection:
            agreement = await agreement_store.find_agreement(connection, partner_id, request.fleet_ref)
            check_permissions(request, agreement)
            live = await self._live(connection, partner_id, request.fleet_ref)
            if live is None:
                made = await self._make(connection, partner_id, request, agreement)
                if made is not None:
                    await _audit(connection, actor, Deed.INVITATION_CREATED, made)
                    return made, True
                # Another request was faster; what it made is there to be refreshed.
                live = await self._live(connection, partner_id, request.fleet_ref)
            if live is None:
                raise InvitationStateError("The invitation changes at this very moment: try again.")
            refreshed = await self._refresh(connection, live, request, agreement)
            await _audit(connection, actor, Deed.INVITATION_REFRESHED, refreshed)
            return refreshed, False

    async def page(self, partner_id: UUID, window: Window, *, fleet_ref: str | None) -> tuple[Page[Invitation], int]:
        """A page of a partner's invitations, and how many there are.

        Raises:
            BadCursorError: the cursor is none of ours.
        """
        async with self._database.acquire() as connection:
            return await invitation_store.page(connection, partner_id, window, fleet_ref=fleet_ref)

    async def get(self, invitation_id: UUID, partner_id: UUID) -> Invitation:
        """A partner's invitation, looked at by the partner.

        Raises:
            InvitationNotFoundError: it has none of this id.
        """
        async with self._database.acquire() as connection:
            found = await invitation_store.get(connection, invitation_id, partner_id=partner_id)
        if found is None:
            raise InvitationNotFoundError(invitation_id)
        return found

    async def view(self, invitation_id: UUID) -> Invitation:
        """The invitation as whoever holds the link sees it. The first look is told to the partner.

        Raises:
            InvitationNotFoundError: there is none of this id.
        """
        async with self._database.transaction() as connection:
            viewed = await invitation_store.note_view(connection, invitation_id)
            if viewed is not None:
                await self._tell(connection, viewed, WebhookEventNameEnum.INVITATION_VIEWED)
                return viewed
            found = await invitation_store.get(connection, invitation_id, partner_id=None)
        if found is None:
            raise InvitationNotFoundError(invitation_id)
        return found

    async def delete(self, invitation_id: UUID, partner_id: UUID, *, actor: Actor = FLEETWRITE) -> None:
        """Take an invitation back.

        Raises:
            InvitationNotFoundError: the partner has none of this id.
            InvitationStateError: a fleet has accepted it.
        """
        async with self._database.transaction() as connection:
            found = await self._locked(connection, invitation_id, partner_id)
            if found.status is _Status.ACCEPTED:
                raise InvitationStateError(
                    "The fleet has accepted this invitation: end the share agreement that came of it instead."
                )
            ended = await invitation_store.end(connection, invitation_id, _Status.DELETED)
            await self._tell(connection, ended, WebhookEventNameEnum.INVITATION_DELETED)
            await _audit(connection, actor, Deed.INVITATION_DELETED, ended)

    async def accept(
        self, invitation_id: UUID, partner_id: UUID | None = None, *, actor: Actor = FLEETWRITE
    ) -> Accepted:
        """Say yes for a fleet. The link is used up; the token in the answer lets the fleet connect, once and soon.

        A fleet and an agreement come into being, unless the partner has an agreement for this fleet_ref that has not
        ended: then its fleet it is, and what that shares stays as it is. So nobody who gets hold of a link can widen
        what a fleet shares already.

        Args:
            invitation_id: as it stands in the link.
            partner_id: who asks, where somebody showed a token; then it must be the partner's own.
            actor: the same, as the audit log names him.

        Raises:
            InvitationNotFoundError: there is none of this id.
            InvitationStateError: its time is over, or it was answered.
        """
        token = secrets.token_urlsafe(32)
        async with self._database.transaction() as connection:
            found = await self._locked(connection, invitation_id, partner_id)
            _require_open(found)
            agreement = await agreement_store.find_agreement(connection, found.partner_id, found.fleet_ref)
            is_new = agreement is None
            if agreement is None:
                if found.status is _Status.ACCEPTED:
                    raise InvitationStateError("What the fleet agreed to has ended: have the invitation sent again.")
                async with as_system(connection):  # a fleet's word: no partner may grant itself anything
                    agreement = await _agree(connection, found)
            accepted = await invitation_store.accept(
                connection, found.id, agreement.fleet_id, agreement.scopes, _hashed(token)
            )
            if found.status is _Status.ACTIVE:
                await self._tell(connection, accepted, WebhookEventNameEnum.INVITATION_ACCEPTED)
            if is_new:
                await trail.append(connection, actor, Deed.AGREEMENT_CREATED, agreement.id, agreement.terms)
            await _audit(connection, actor, Deed.INVITATION_ACCEPTED, accepted)
        return Accepted(invitation=accepted, connect_token=token)

    async def decline(
        self,
        invitation_id: UUID,
        reason: str | None = None,
        partner_id: UUID | None = None,
        *,
        actor: Actor = FLEETWRITE,
    ) -> Invitation:
        """Say no for a fleet. The partner hears it under the event's old name too.

        Raises:
            InvalidOrgError: the reason is too long.
            InvitationNotFoundError: there is none of this id.
            InvitationStateError: its time is over, or it was answered.
        """
        check_decline(reason)
        async with self._database.transaction() as connection:
            found = await self._locked(connection, invitation_id, partner_id)
            _require_open(found)
            if found.status is _Status.ACCEPTED:
                raise InvitationStateError("The fleet has accepted before: it can end the share agreement instead.")
            declined = await invitation_store.decline(connection, invitation_id, reason)
            await self._tell(
                connection, declined, WebhookEventNameEnum.INVITATION_DECLINED, WebhookEventNameEnum.INVITATION_REJECTED
            )
            await _audit(connection, actor, Deed.INVITATION_DECLINED, declined)
        return declined

    async def redeem(self, connect_token: str) -> ConnectGrant:
        """Use up a token that `accept` gave: says whose account may be connected, and to what.

        Raises:
            ConnectTokenError: it is none of ours, was used, or is older than an hour; or nothing is shared any more.
        """
        async with self._database.transaction() as connection:
            grant = await invitation_store.spend_token(connection, _hashed(connect_token))
        if grant is None:
            raise ConnectTokenError("This link was used or is too old: have the invitation sent again.")
        return grant

    async def expire(self, most: int) -> int:
        """Write down and tell that the time of some invitations is over; returns of how many."""
        async with self._database.transaction() as connection:
            expired = await invitation_store.expire(connection, most)
            for invitation in expired:
                await self._tell(connection, invitation, WebhookEventNameEnum.INVITATION_EXPIRED)
        return len(expired)

    async def _live(self, connection: Connection, partner_id: UUID, fleet_ref: str) -> Invitation | None:
        """The one that can be refreshed; one whose time is over makes place for another."""
        live = await invitation_store.find_live(connection, partner_id, fleet_ref)
        if live is None or live.status is not _Status.EXPIRED:
            return live
        expired = await invitation_store.end(connection, live.id, _Status.EXPIRED)
        await self._tell(connection, expired, WebhookEventNameEnum.INVITATION_EXPIRED)
        return None

    async def _make(
        self, connection: Connection, partner_id: UUID, request: InvitationRequest, agreement: ShareAgreement | None
    ) -> Invitation | None:
        kept = {one.key: one.value for one in await store.properties_of(connection, partner_id)}
        defaults = Details(
            success_redirect_url=kept.get(_Key.DEFAULT_SUCCESS_REDIRECT_URL),
            failure_redirect_url=kept.get(_Key.DEFAULT_FAILURE_REDIRECT_URL),
            callback_url=kept.get(_Key.DEFAULT_CALLBACK_URL),
        )
        permissions = request.permissions or (READ_ALL if agreement is None else agreement.scopes)
        made = await invitation_store.insert(
            connection,
            partner_id,
            msgspec.structs.replace(request, details=defaults.then(request.details)),
            permissions,
            request.expires_in_hours or _usual_hours(kept),
        )
        if made is not None:
            await self._tell(connection, made, WebhookEventNameEnum.INVITATION_CREATED)
        return made

    async def _refresh(
        self,
        connection: Connection,
        live: Invitation,
        request: InvitationRequest,
        agreement: ShareAgreement | None,
    ) -> Invitation:
        kept = {one.key: one.value for one in await store.properties_of(connection, live.partner_id)}
        has_accepted = live.status is _Status.ACCEPTED and agreement is not None
        granted = live.permissions if agreement is None else agreement.scopes
        return await invitation_store.refresh(
            connection,
            live,
            _Status.ACCEPTED if has_accepted else _Status.ACTIVE,
            live.details.then(request.details),
            request.permissions or granted,
            request.expires_in_hours or _usual_hours(kept),
        )

    async def _locked(self, connection: Connection, invitation_id: UUID, partner_id: UUID | None) -> Invitation:
        found = await invitation_store.get(connection, invitation_id, partner_id=partner_id, lock=True)
        if found is None:
            raise InvitationNotFoundError(invitation_id)
        return found

    async def _tell(self, connection: Connection, invitation: Invitation, *names: WebhookEventNameEnum) -> None:
        await append(connection, invitation_events(names, invitation, self.magic_link(invitation)))


async def _agree(connection: Connection, invitation: Invitation) -> ShareAgreement:
    """Make the fleet, and the agreement that the invitation asks for."""
    details = invitation.details
    fleet = await store.insert_fleet(
        connection,
        NewFleet(
            name=details.fleet_name or invitation.fleet_ref,
            websites=None if details.fleet_website is None else (details.fleet_website,),
            regulatory_id=details.fleet_regulatory_id,
            regulatory_id_type=details.fleet_regulatory_id_type,
            registered_email=details.fleet_email,
            registered_phone=details.fleet_phone,
            country_code=details.fleet_country_code,
        ),
    )
    agreement = await agreement_store.insert_agreement(
        connection,
        partner_id=invitation.partner_id,
        fleet_id=fleet.id,
        fleet_ref=invitation.fleet_ref,
        scopes=invitation.permissions,
        invitation_id=invitation.id,
    )
    if agreement is None:
        raise InvitationStateError("An agreement for this fleet comes into being at this very moment: try again.")
    await append(connection, [agreement_event(WebhookEventNameEnum.SHARE_AGREEMENT_CREATED, agreement)])
    return agreement


async def _audit(connection: Connection, actor: Actor, deed: Deed, invitation: Invitation) -> None:
    await trail.append(connection, actor, deed, audited_link(invitation.id), invitation.terms)


def audited_link(invitation_id: UUID) -> str:
    """What the audit log has for the id of an invitation, which is a secret: the link that it stands in may work again.

    Whoever knows the id can find its entries: the SHA-256 of its text, in hexadecimal.
    """
    return _hashed(str(invitation_id)).hex()


def _require_open(invitation: Invitation) -> None:
    if invitation.status is _Status.EXPIRED:
        raise InvitationStateError("The time of this invitation is over: have it sent again.")
    if not invitation.is_open:
        raise InvitationStateError(
            f"This invitation was {invitation.status} before, and its link works once, for a time: have it sent again."
        )


def _usual_hours(kept: Mapping[PartnerPropertyKeyEnum, str]) -> int:
    hours = kept.get(_Key.DEFAULT_INVITATION_EXPIRES_IN_HOURS)
    return DEFAULT_EXPIRES_IN_HOURS if hours is None else int(hours)


def _hashed(token: str) -> bytes:
    # The token is random enough that a slow hash would make nothing harder.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
