"""The organizations on both sides, and the agreement between them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum


class ShareLevel(StrEnum):
    """What a fleet lets a partner do with one resource."""

    READ = "read"
    READ_WRITE = "read_write"


EVERYTHING: Final[Mapping[str, str]] = MappingProxyType(
    {resource.value: ShareLevel.READ_WRITE.value for resource in ResourceEnum}
)
"""The scopes of an agreement that holds nothing back."""


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A company that writes to the accounts of fleets; `slug` is its name in tokens."""

    id: UUID
    name: str
    slug: str
    created_at: datetime
    updated_at: datetime


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """A company with vehicles and accounts at providers."""

    id: UUID
    name: str
    created_at: datetime
    updated_at: datetime


class ShareAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet shares with a partner, and when; `fleet_ref` is the partner's own name for the fleet.

    It counts while its status is active and its time runs (`expires_at` None: for ever).
    """

    id: UUID
    partner_id: UUID
    fleet_id: UUID
    fleet_ref: str
    status: str
    scopes: Mapping[str, str]
    effective_at: datetime
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
