"""What our own records say of a write that may be at the provider, where the provider alone can not tell."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.dispatch.service import Dispatch
from fleetwrite.kit.database import Database
from fleetwrite.operations import store
from fleetwrite.operations.models import MESSAGES, Operation
from fleetwrite.records.store import was_known

_ALIKE: Final[Mapping[ResourceEnum, tuple[ResourceEnum, ...]]] = {
    **dict.fromkeys(MESSAGES, tuple(MESSAGES)),
    ResourceEnum.DVIR_LOG: (ResourceEnum.DVIR_LOG,),
}
"""The resources whose operations may be mistaken for one of this; the index operations_alike is for these."""

_ADDRESSEES: Final = ("source_recipient_id", "source_recipient_ids", "source_vehicle_id", "source_trailer_id")
"""Who or what such an operation is about, in its payload."""

_REMARKS: Final = ("driver_comment", "certify_comment", "inspected_by")
"""The texts of an inspection."""


class Evidence:
    """Reads what we wrote and knew."""

    def __init__(self, database: Database, dispatch: Dispatch) -> None:
        self._database = database
        self._dispatch = dispatch

    async def count_twins(self, operation: Operation, ago: timedelta) -> int:
        """How many other operations may have put something at the provider, `ago` or later, that looks like this one's.

        Messages look alike that bring the same text to the same driver; inspections, those of the same vehicle or
        trailer with the same texts.
        """
        resources = _ALIKE.get(operation.resource)
        if resources is None:
            return 0
        async with self._database.acquire() as connection:
            alike = await store.select_alike(connection, operation, resources, ago)
            about, remarks = _addressees(operation.payload), _remarks(operation.payload)
            twins = [one for one in alike if about & _addressees(one.payload) and remarks == _remarks(one.payload)]
            waiting = [one.id for one in twins if one.is_pending]
            begun = await self._dispatch.attempted(connection, waiting) if waiting else set[UUID]()
        return sum(not one.is_pending or one.id in begun for one in twins)

    async def knew(self, operation: Operation, source_id: str, ago: timedelta) -> bool:
        """Whether the record with this id was known to us longer ago than `ago`."""
        async with self._database.acquire() as connection:
            return await was_known(connection, operation.connection_id, operation.resource, source_id, ago)


def _addressees(payload: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for name in _ADDRESSEES:
        value = payload.get(name)
        found.update([value] if isinstance(value, str) else value or ())
    return found


def _remarks(payload: Mapping[str, Any]) -> list[list[str]]:
    return [str(payload.get(name) or "").split() for name in _REMARKS]
