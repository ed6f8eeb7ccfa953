"""Which body fields hold our ids, of what kind, and how they are turned into the provider's."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from fleetwrite.connectors.sdk.write import SourceReference
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType, ValidationErrorDetail
from fleetwrite.contract.telematics import WriteBody
from fleetwrite.records.models import Record
from fleetwrite.records.references import REFERENCES

TARGET: Final = "id"
"""The path id of a PATCH among a write's references."""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The references of one body: single ones, and lists."""

    single: Mapping[str, SourceReference]
    lists: Mapping[str, tuple[SourceReference, ...]]


def referenced_ids(resource: ResourceEnum, body: WriteBody) -> dict[str, tuple[UUID, ...]]:
    """Our ids in `body`, by field. A field that is absent or null has none and is left out."""
    found: dict[str, tuple[UUID, ...]] = {}
    for field in REFERENCES.get(resource, {}):
        value = getattr(body, field)
        if isinstance(value, UUID):
            found[field] = (value,)
        elif isinstance(value, list):
            found[field] = tuple(value)
    return found


def check_references(
    resource: ResourceEnum, body: WriteBody, ids: Mapping[str, tuple[UUID, ...]], records: Mapping[UUID, Record]
) -> list[ValidationErrorDetail]:
    """One fault for each id that is unknown in the body's connection or of another kind.

    A record of another connection counts as unknown, so that nobody learns of records that are not theirs.
    """
    faults: list[ValidationErrorDetail] = []
    for field, field_ids in ids.items():
        wanted = REFERENCES[resource][field]
        for place, record_id in enumerate(field_ids):
            path = f"body.{field}.{place}" if _is_list(body, field) else f"body.{field}"
            record = records.get(record_id)
            if record is None or record.connection_id != body.connection_id or record.deleted_at is not None:
                faults.append(
                    ValidationErrorDetail(
                        path=path,
                        input=str(record_id),
                        message=f"No {wanted} with this id is known in connection {body.connection_id};"
                        " list the connection's records for its ids.",
                        error_type=ErrorType.UNKNOWN_ID,
                    )
                )
            elif record.resource != wanted:
                faults.append(
                    ValidationErrorDetail(
                        path=path,
                        input=str(record_id),
                        message=f"This is the id of a {record.resource}; the id of a {wanted} is needed here.",
                        error_type=ErrorType.WRONG_KIND,
                    )
                )
    return faults


def resolve(
    resource: ResourceEnum, ids: Mapping[str, tuple[UUID, ...]], references: Mapping[UUID, SourceReference]
) -> Resolved:
    """The provider's side of `ids`; every id must be among `references`."""
    lists = {name for name in REFERENCES.get(resource, {}) if name.endswith("_ids")}
    return Resolved(
        single={name: references[of[0]] for name, of in ids.items() if name not in lists and name != TARGET},
        lists={name: tuple(references[one] for one in of) for name, of in ids.items() if name in lists},
    )


def source_fields(resolved: Resolved) -> dict[str, str | list[str]]:
    """What a payload shows beside our ids: `source_driver_id` beside `driver_id`, and so on."""
    single = {f"source_{name}": reference.source_id for name, reference in resolved.single.items()}
    lists = {f"source_{name}": [one.source_id for one in of] for name, of in resolved.lists.items()}
    return {**single, **lists}


def _is_list(body: WriteBody, field: str) -> bool:
    return isinstance(getattr(body, field), list)
