"""An invitation: a partner asks a fleet to connect, and the fleet says yes or no by a link."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.contract.org_enums import InvitationStatusEnum
from fleetwrite.orgs.models import Levels


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner says of a fleet, and where the fleet is sent afterwards; None where it says nothing."""

    fleet_name: str | None = None
    fleet_email: str | None = None
    fleet_regulatory_id: str | None = None
    fleet_regulatory_id_type: str | None = None
    fleet_phone: str | None = None
    fleet_website: str | None = None
    fleet_country_code: str | None = None
    success_redirect_url: str | None = None
    failure_redirect_url: str | None = None
    callback_url: str | None = None
    limit_tsps: tuple[str, ...] | None = None

    def then(self, later: "Details") -> "Details":
        """What is said after `later` was said too."""
        said = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not None}
        return msgspec.structs.replace(self, **said)


class InvitationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner asks for, checked. `permissions`, `expires_in_hours`: None where it leaves them open."""

    fleet_ref: str
    details: Details
    permissions: Levels | None
    expires_in_hours: int | None


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation. Its id is the secret of the magic link.

    Attributes:
        status: as of now; one whose time is over is expired, also before that was written down.
        is_open: the link leads somewhere still; it works once, until the partner invites again.
        viewed_at: when somebody first looked, since the partner last invited.
        fleet_id: the fleet that accepted.
    """

    id: UUID
    partner_id: UUID
    partner_slug: str
    fleet_ref: str
    status: InvitationStatusEnum
    is_open: bool
    details: Details
    permissions: Levels
    expires_in_hours: int
    expires_at: datetime
    viewed_at: datetime | None
    accepted_at: datetime | None
    declined_at: datetime | None
    decline_reason: str | None
    fleet_id: UUID | None
    created_at: datetime

    @property
    def terms(self) -> Mapping[str, Any]:
        """What stands in it, as the audit log tells it: nothing about anybody."""
        return {
            "partner_id": self.partner_id,
            "fleet_id": self.fleet_id,
            "status": self.status,
            "permissions": dict(self.permissions),
            "expires_at": self.expires_at,
        }


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation that was accepted just now, and the token that lets the fleet connect: once, and soon."""

    invitation: Invitation
    connect_token: str


class ConnectGrant(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a connect token was good.

    Attributes:
        fleet_id: whose account may be connected.
        limit_tsps: to which providers, by slug or source_name; None: to any.
    """

    invitation_id: UUID
    partner_id: UUID
    fleet_id: UUID
    limit_tsps: tuple[str, ...] | None
