"""The organizations on both sides, and the agreement between them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import (
    PartnerCategory,
    PartnerPropertyKeyEnum,
    ShareAgreementStatusEnum,
    ShareLevelEnum,
)
from fleetwrite.contract.orgs import SHAREABLE

Levels = Mapping[ResourceEnum, ShareLevelEnum]

EVERYTHING: Final[Levels] = MappingProxyType(dict.fromkeys(SHAREABLE, ShareLevelEnum.READ_WRITE))
"""The scopes of an agreement that holds nothing back."""

READ_ALL: Final[Levels] = MappingProxyType(dict.fromkeys(SHAREABLE, ShareLevelEnum.READ))
"""What an invitation asks for that names nothing; the contract's default."""

LONGEST_NAME: Final = 255
"""Characters of a name or a fleet_ref: far above any that we have seen, and an index holds some 2,700 bytes."""


class Party(StrEnum):
    """Who acts on an agreement. Their word weighs in this order: the last one's most."""

    PARTNER = "partner"
    FLEET = "fleet"
    OPERATOR = "operator"

    @property
    def weight(self) -> int:
        """Whose pause outlasts whose wish to go on."""
        return list(Party).index(self)


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who acts: `id` is the partner's or the fleet's, None for the operator. What is not theirs they do not
    see.
    """

    party: Party
    id: UUID | None = None

    @classmethod
    def partner(cls, partner_id: UUID) -> "Actor":
        """A partner."""
        return cls(party=Party.PARTNER, id=partner_id)

    @classmethod
    def fleet(cls, fleet_id: UUID) -> "Actor":
        """A fleet."""
        return cls(party=Party.FLEET, id=fleet_id)


OPERATOR: Final = Actor(party=Party.OPERATOR)


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A company that writes to the accounts of fleets; `slug` is its name in tokens.

    Attributes:
        is_operator: it is who runs this installation, and shares in nothing.
    """

    id: UUID
    name: str
    slug: str
    description: str | None
    websites: tuple[str, ...] | None
    categories: tuple[PartnerCategory, ...]
    is_sandbox: bool
    parent_partner_id: UUID | None
    is_operator: bool
    created_at: datetime
    updated_at: datetime


class NewPartner(msgspec.Struct, frozen=True, kw_only=True):
    """A partner about to be made; see `Partner`."""

    name: str
    slug: str
    description: str | None = None
    websites: tuple[str, ...] | None = None
    categories: tuple[PartnerCategory, ...] = ()
    is_sandbox: bool = False
    parent_partner_id: UUID | None = None
    is_operator: bool = False


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """One thing kept of a partner."""

    id: UUID
    partner_id: UUID
    key: PartnerPropertyKeyEnum
    value: str
    created_at: datetime


class NewFleet(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet about to be made: what its invitation, or an operator, says of it."""

    name: str
    websites: tuple[str, ...] | None = None
    regulatory_id: str | None = None
    regulatory_id_type: str | None = None
    registered_email: str | None = None
    registered_phone: str | None = None
    country_code: str | None = None


class Fleet(NewFleet, frozen=True, kw_only=True):
    """A company with vehicles and accounts at providers."""

    id: UUID
    created_at: datetime
    updated_at: datetime


class SharedFleet(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet as one partner sees it: under its own name for it, and with the invitation that brought it."""

    fleet: Fleet
    fleet_ref: str
    invitation_id: UUID | None


class ShareAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet shares with a partner, and when; `fleet_ref` is the partner's own name for the fleet.

    It counts while its status is active and its time runs (`expires_at` None: for ever). `status` is as of now: one
    whose time is over is expired, also before that was written down. `paused_by` stays while it is paused, and also
    when it expires meanwhile.
    """

    id: UUID
    partner_id: UUID
    fleet_id: UUID
    fleet_ref: str
    status: ShareAgreementStatusEnum
    scopes: Levels
    effective_at: datetime
    expires_at: datetime | None
    invitation_id: UUID | None
    paused_by: Party | None
    created_at: datetime
    updated_at: datetime
