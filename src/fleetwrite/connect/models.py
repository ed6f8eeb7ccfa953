"""What the connect page keeps: visits, consents under way, and what a fleet is shown."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser may do for a while.

    Attributes:
        secret_hash: SHA-256 of what its cookie holds.
        invitation_id: of a visitor who answered one: may connect that fleet to providers, and nothing else.
        fleet_ids: for which fleets it may act. A visitor by mail acts for all that are registered under the address.
    """

    secret_hash: bytes
    invitation_id: UUID | None
    fleet_ids: tuple[UUID, ...]

    @property
    def may_manage(self) -> bool:
        """Whether it may see what was written, and pause or end things.

        Whoever has a magic link may be the partner who sent it, or anybody to whom it was forwarded.
        """
        return self.invitation_id is None


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is sent to a provider's page to consent.

    Attributes:
        settings: of the connection that comes of it.
        connection_id: the connection that is to log in by it; None: a new one is made.
    """

    fleet_id: UUID
    tsp_slug: str
    settings: Mapping[str, str]
    connection_id: UUID | None = None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as the fleet sees it in whose name it was written."""

    id: UUID
    created_at: datetime
    partner_name: str
    tsp_slug: str
    resource: str
    operation_type: str
    status: str
