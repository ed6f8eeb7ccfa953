"""Organizations, invitations and agreements in the contract's shapes, and the events that tell of them."""

from collections.abc import Sequence
from uuid import UUID

from fleetwrite.contract.enums import StatusEnum
from fleetwrite.contract.event_names import WebhookEventNameEnum
from fleetwrite.contract.org_events import BaseInvitationEvent, BaseShareAgreementEvent
from fleetwrite.contract.orgs import FleetRead, InvitationRead, PartnerPropertyRead, PartnerRead, ShareAgreementRead
from fleetwrite.events.models import NewEvent
from fleetwrite.kit.ids import new_id
from fleetwrite.orgs.invitation_models import Invitation
from fleetwrite.orgs.models import Partner, Property, ShareAgreement, SharedFleet


def partner_read(partner: Partner) -> PartnerRead:
    """A partner."""
    return PartnerRead(
        name=partner.name,
        description=partner.description,
        websites=None if partner.websites is None else list(partner.websites),
        categories=list(partner.categories),
        is_sandbox=partner.is_sandbox,
        parent_partner_id=partner.parent_partner_id,
        id=partner.id,
        slug=partner.slug,
        created_at=partner.created_at,
        updated_at=partner.updated_at,
    )


def property_read(kept: Property) -> PartnerPropertyRead:
    """One thing kept of a partner."""
    return PartnerPropertyRead(
        key=kept.key, value=kept.value, id=kept.id, created_at=kept.created_at, partner_id=kept.partner_id
    )


def fleet_read(shared: SharedFleet) -> FleetRead:
    """A fleet as one partner sees it."""
    fleet = shared.fleet
    return FleetRead(
        name=fleet.name,
        websites=None if fleet.websites is None else list(fleet.websites),
        invitation_id=shared.invitation_id,
        fleet_ref=shared.fleet_ref,
        regulatory_id=fleet.regulatory_id,
        regulatory_id_type=fleet.regulatory_id_type,
        registered_email=fleet.registered_email,
        registered_phone=fleet.registered_phone,
        country_code=fleet.country_code,
        id=fleet.id,
        created_at=fleet.created_at,
        updated_at=fleet.updated_at,
    )


def agreement_read(agreement: ShareAgreement) -> ShareAgreementRead:
    """An agreement."""
    return ShareAgreementRead(
        id=agreement.id,
        fleet_id=agreement.fleet_id,
        partner_id=agreement.partner_id,
        fleet_ref=agreement.fleet_ref,
        status=agreement.status,
        effective_date=agreement.effective_at,
        expiration_date=agreement.expires_at,
        scopes=dict(agreement.scopes),
    )


def invitation_read(invitation: Invitation, magic_link: str) -> InvitationRead:
    """An invitation. What lets a fleet connect never stands in it."""
    details = invitation.details
    return InvitationRead(
        id=invitation.id,
        created_at=invitation.created_at,
        magic_link=magic_link,
        expires_at=invitation.expires_at,
        expires_in_hours=invitation.expires_in_hours,
        status=invitation.status,
        fleet_name=details.fleet_name,
        accepted_at=invitation.accepted_at,
        pre_registration_access_token=None,
        pre_registration_refresh_token=None,
        callback_url=details.callback_url,
        success_redirect_url=details.success_redirect_url,
        failure_redirect_url=details.failure_redirect_url,
        limit_tsps=None if details.limit_tsps is None else list(details.limit_tsps),
        fleet_id=invitation.fleet_id,
        partner_slug=invitation.partner_slug,
        partner_id=invitation.partner_id,
        decline_reason=invitation.decline_reason,
        declined_at=invitation.declined_at,
        fleet_ref=invitation.fleet_ref,
        permissions=dict(invitation.permissions),
        fleet_email=details.fleet_email,
        fleet_regulatory_id=details.fleet_regulatory_id,
        fleet_regulatory_id_type=details.fleet_regulatory_id_type,
        fleet_phone=details.fleet_phone,
        fleet_website=details.fleet_website,
        fleet_country_code=details.fleet_country_code,
        partner_provided_fleet_name=details.fleet_name,
        partner_provided_fleet_email=details.fleet_email,
        partner_provided_fleet_regulatory_id=details.fleet_regulatory_id,
        partner_provided_fleet_regulatory_id_type=details.fleet_regulatory_id_type,
        partner_provided_fleet_phone=details.fleet_phone,
        partner_provided_fleet_website=details.fleet_website,
        partner_provided_fleet_country_code=details.fleet_country_code,
    )


def invitation_events(names: Sequence[WebhookEventNameEnum], invitation: Invitation, magic_link: str) -> list[NewEvent]:
    """What happened to an invitation, under each of these names."""
    read = invitation_read(invitation, magic_link)
    data = BaseInvitationEvent(
        id=read.id,
        created_at=read.created_at,
        magic_link=read.magic_link,
        expires_at=read.expires_at,
        expires_in_hours=read.expires_in_hours,
        status=StatusEnum(read.status.value),
        partner_provided_fleet_name=read.fleet_name,
        accepted_at=read.accepted_at,
        success_redirect_url=read.success_redirect_url,
        failure_redirect_url=read.failure_redirect_url,
        callback_url=read.callback_url,
        limit_tsps=read.limit_tsps,
        fleet_id=read.fleet_id,
        partner_slug=read.partner_slug,
        partner_id=read.partner_id,
        decline_reason=read.decline_reason,
        declined_at=read.declined_at,
        fleet_ref=read.fleet_ref,
    )
    return [_event(name, read.partner_id, read.fleet_id, read.fleet_ref, data) for name in names]


def agreement_event(name: WebhookEventNameEnum, agreement: ShareAgreement) -> NewEvent:
    """What happened to an agreement."""
    data = BaseShareAgreementEvent(
        id=agreement.id,
        fleet_id=agreement.fleet_id,
        partner_id=agreement.partner_id,
        fleet_ref=agreement.fleet_ref,
        status=StatusEnum(agreement.status.value),
        effective_date=agreement.effective_at,
        expiration_date=agreement.expires_at,
        scopes={resource.value: level.value for resource, level in agreement.scopes.items()},
    )
    return _event(name, agreement.partner_id, agreement.fleet_id, agreement.fleet_ref, data)


def _event(
    name: WebhookEventNameEnum,
    partner_id: UUID,
    fleet_id: UUID | None,
    fleet_ref: str,
    data: BaseInvitationEvent | BaseShareAgreementEvent,
) -> NewEvent:
    return NewEvent(
        id=new_id(),
        event_name=name.value,
        partner_id=partner_id,
        fleet_id=fleet_id,
        fleet_ref=fleet_ref,
        data=data,
    )
