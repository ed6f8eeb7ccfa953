"""The id map: which id of ours stands for what at a provider, and what else both sides know it by."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum

NATURAL_KEYS: Final = (
    "vin",
    "license_plate_number",
    "eld_serial_number",
    "external_id",
    "employee_number",
    "username",
    "user_email",
)
"""Attributes by which both sides know a thing without an id of either."""


class MappingState(StrEnum):
    """Whether the provider has the thing."""

    KNOWN = "known"
    DELETED = "deleted"
    RESERVED = "reserved"


class RecordMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the id map.

    Attributes:
        connection_id: the account it is in.
        resource: what it is.
        source_id: the provider's id of it.
        id: ours.
        record_ref: the partner's own name of it.
        state: `known`; `deleted`: the provider has it no more; `reserved`: an import brought the id, and nothing with
            this source_id was met yet.
        fleet_ref: the partner's own name of the fleet.
        source_name: the provider.
        name: of the vehicle, the trailer or the person.
    """

    connection_id: UUID
    resource: ResourceEnum
    source_id: str
    id: UUID
    record_ref: str | None
    state: MappingState
    fleet_ref: str
    source_name: str
    name: str | None
    vin: str | None
    license_plate_number: str | None
    eld_serial_number: str | None
    external_id: str | None
    employee_number: str | None
    username: str | None
    user_email: str | None


class LookUp(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked up; all that is given must hold, and of each list one.

    Attributes:
        connection_id, fleet_refs, resource: narrow where it is looked for.
        ids: ours.
        source_ids: the provider's.
        record_refs: the partner's own.
        keys: attribute of `NATURAL_KEYS` -> texts, upper and lower case alike.
    """

    connection_id: UUID | None = None
    fleet_refs: Collection[str] | None = None
    resource: ResourceEnum | None = None
    ids: Collection[UUID] | None = None
    source_ids: Collection[str] | None = None
    record_refs: Collection[str] | None = None
    keys: Mapping[str, Collection[str]] = {}


class ImportLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an import.

    Attributes:
        line: where it begins in the file; the first has number 1.
        connection_id, resource, source_id: what it is about.
        id: ours from now on; None leaves it as it is.
        record_ref: the partner's own name from now on; None leaves it as it is, an empty one removes it.
    """

    line: int
    connection_id: UUID
    resource: ResourceEnum
    source_id: str
    id: UUID | None
    record_ref: str | None


class NamedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that wants another id for a record that operations name by the one it has."""

    line: int
    id: UUID
    source_id: str


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or would do.

    Attributes:
        applied: whether it was done.
        lines: how many there were, the header apart.
        unchanged: lines that say what is so already.
        ids_changed: records that get another id.
        ids_reserved: ids of what was not met yet.
        record_refs_set, record_refs_removed: partner's own names that come or change, and that go.
    """

    applied: bool
    lines: int
    unchanged: int
    ids_changed: int
    ids_reserved: int
    record_refs_set: int
    record_refs_removed: int
