"""A record: one thing at a provider, as we know it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.tsps import SourceName
from fleetwrite.kit.ids import derive_id
from fleetwrite.records.references import Source


def record_id(connection_id: UUID, resource: ResourceEnum, source_id: str) -> UUID:
    """Our id of a provider's thing, unless a partner brought another: the same however often, and from wherever, it is
    read.
    """
    return derive_id(connection_id, resource, source_id)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One thing at a provider.

    Attributes:
        id: ours, derived from connection, resource and source_id unless a partner brought its own.
        connection_id: the account it is in.
        resource: what it is.
        source_id: the provider's id of it.
        attributes: what we know of it, by the contract's field names.
        source_data: the provider's own JSON; empty where it was not asked for.
        source_data_hash: SHA-256 in hex of the provider's JSON with sorted keys.
        occurred_at: when it happened according to the provider or the write, else when we first heard of it.
        created_at: when we first heard of it.
        updated_at: when anything of this changed.
        deleted_at: since when the provider does not have it any more.
    """

    id: UUID
    connection_id: UUID
    resource: ResourceEnum
    source_id: str
    attributes: Mapping[str, Any]
    source_data: Mapping[str, Any]
    source_data_hash: str
    occurred_at: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class SharedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as one partner sees it: with the fleet that shares it, and the provider."""

    record: Record
    fleet_id: UUID
    fleet_ref: str
    tsp_slug: str
    source_name: SourceName


class WrittenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a successful write tells of a record.

    Attributes:
        connection_id: the account it is in.
        resource: what was written.
        source_id: the provider's id of it.
        attributes: the body's fields, as far as the provider holds them; those not named keep their values.
        source_data: what the provider answered; empty when that says nothing of the record.
    """

    connection_id: UUID
    resource: ResourceEnum
    source_id: str
    attributes: Mapping[str, Any]
    source_data: Mapping[str, Any]


class Verb(StrEnum):
    """What became of a record, as the contract's events say it."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a list or a write changed of a record.

    Attributes:
        id: ours.
        source: what the provider knows it by.
        verb: what became of it; None where nothing did that anybody would be told.
    """

    id: UUID
    source: Source
    verb: Verb | None
