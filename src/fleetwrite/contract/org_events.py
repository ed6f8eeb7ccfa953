"""Data of the events of invitations and share agreements. Their statuses are of the older enum for everything."""

from uuid import UUID

from msgspec import Struct

from fleetwrite.contract.enums import StatusEnum
from fleetwrite.contract.telematics import Instant


class BaseInvitationEvent(Struct, frozen=True, kw_only=True):
    """Item of the `invitation.*` events; the fleet's name is called as it was before."""

    id: UUID
    created_at: Instant
    magic_link: str
    expires_at: Instant
    expires_in_hours: int
    status: StatusEnum
    partner_provided_fleet_name: str | None = None
    accepted_at: Instant | None = None
    pre_registration_access_token: str | None = None
    pre_registration_refresh_token: str | None = None
    success_redirect_url: str | None = None
    failure_redirect_url: str | None = None
    callback_url: str | None = None
    limit_tsps: list[str] | None = None
    fleet_id: UUID | None = None
    partner_slug: str | None = None
    partner_id: UUID | None = None
    decline_reason: str | None = None
    declined_at: Instant | None = None
    fleet_ref: str | None = None


class BaseShareAgreementEvent(Struct, frozen=True, kw_only=True):
    """Item of the `share_agreement.*` events."""

    id: UUID
    fleet_id: UUID
    partner_id: UUID
    fleet_ref: str | None = None
    status: StatusEnum
    effective_date: Instant | None = None
    expiration_date: Instant | None = None
    scopes: dict[str, str]
