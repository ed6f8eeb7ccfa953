"""What can be wrong with organizations, their invitations and their agreements."""

from collections.abc import Sequence
from uuid import UUID

from fleetwrite.contract.errors import ValidationErrorDetail
from fleetwrite.kit.errors import FleetwriteError


class BadSlugError(FleetwriteError):
    """A partner's slug is not made of what slugs are made of, or is kept for the operator."""


class InvalidOrgError(FleetwriteError):
    """What was sent of an organization, an invitation or an agreement is not valid; `details` names every fault."""

    def __init__(self, details: Sequence[ValidationErrorDetail]) -> None:
        super().__init__("; ".join(f"{detail.path}: {detail.message}" for detail in details))
        self.details = details


class PartnerExistsError(FleetwriteError):
    """There is a partner of this slug."""


class PartnerNotFoundError(FleetwriteError):
    """There is no such partner, or it is none of the caller's business."""


class PropertyExistsError(FleetwriteError):
    """The partner has a property of this key."""


class PropertyNotFoundError(FleetwriteError):
    """The partner has no such property."""


class OperatorOnlyError(FleetwriteError):
    """Only the operator may do this."""


class FleetNotFoundError(FleetwriteError):
    """No fleet of this id shares anything with the partner now."""

    def __init__(self, fleet_id: UUID) -> None:
        super().__init__(f"No fleet {fleet_id} shares anything with you now: GET /v2/orgs/fleets lists those that do.")


class AgreementExistsError(FleetwriteError):
    """The partner has an agreement with this fleet, or for this fleet_ref, already."""


class AgreementNotFoundError(FleetwriteError):
    """No such agreement: unknown, somebody else's, or deleted."""

    def __init__(self, agreement_id: UUID) -> None:
        super().__init__(f"There is no share agreement {agreement_id}: take the id from GET /v2/orgs/share-agreements.")


class AgreementStateError(FleetwriteError):
    """The agreement is in no state for this."""


class WideningError(FleetwriteError):
    """A partner would widen what a fleet granted; only the fleet or the operator can."""


class InvitationNotFoundError(FleetwriteError):
    """No such invitation: unknown, somebody else's, or deleted."""

    def __init__(self, invitation_id: UUID) -> None:
        super().__init__(f"There is no invitation {invitation_id}: check the link, or have it sent again.")


class InvitationStateError(FleetwriteError):
    """The invitation is in no state for this."""


class ConnectTokenError(FleetwriteError):
    """The token lets nobody connect: it is not one of ours, was used, or is too old."""
