"""What can be wrong with organizations and their agreements."""

from fleetwrite.kit.errors import FleetwriteError


class BadSlugError(FleetwriteError):
    """A partner's slug is not made of what slugs are made of."""


class AgreementExistsError(FleetwriteError):
    """The partner has an agreement with this fleet, or for this fleet_ref, already."""
