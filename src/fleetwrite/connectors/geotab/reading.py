"""What Geotab holds, in our terms, page by page."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from fleetwrite.connectors.geotab import endpoints, rpc
from fleetwrite.connectors.geotab.activity import FIELD
from fleetwrite.connectors.geotab.assets import TRAILERS, VEHICLES
from fleetwrite.connectors.geotab.comments import notes_in
from fleetwrite.connectors.geotab.endpoints import Operation
from fleetwrite.connectors.geotab.instants import read_instant
from fleetwrite.connectors.geotab.mapping import COUNTRIES
from fleetwrite.connectors.geotab.rpc import Entity
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, RecordPage, Session, SourceRecord
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum
from fleetwrite.kit.retry_after import answered_at

PAGE: Final = 500
"""A device has some four kilobytes, so that a page has two megabytes: half of what an answer may have."""

_CLOCK_ERROR: Final = timedelta(seconds=30)
"""What was just put out of use ended by a clock of ours, which may be ahead of Geotab's."""

_COUNTRIES: Final = {short: long for long, short in COUNTRIES.items()}

Attributes = dict[str, Any]


class _List(msgspec.Struct, frozen=True):
    """How the records of a resource are listed, and what they are in our terms."""

    operation: Operation
    search: Mapping[str, Any]
    read: Callable[[Entity], Attributes]


async def list_records(resource: ResourceEnum, session: Session, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Every record of `resource`, those out of use, too, by id. The cursor is the last id of a page.

    A short page may not be the last one: only an empty one says that nothing follows.

    Raises:
        ProviderAnswerError: a page could not be read, or the next one does not go on behind it.
    """
    listed, last_id = _LISTS[resource], cursor
    while True:
        call = listed.operation.call(
            search=listed.search,
            resultsLimit=PAGE,
            sort={"sortBy": "id", "sortDirection": "asc", "offset": last_id},
        )
        answer = await session.call(call)
        items = rpc.entities(call, answer)
        if not items:
            yield RecordPage(records=(), cursor=None, is_last=True)
            return
        following = str(items[-1]["id"])
        if following == last_id:
            raise ProviderAnswerError(f"Geotab lists nothing but {last_id} behind {last_id}.", answer)
        last_id = following
        at = answered_at(answer.headers)
        yield RecordPage(
            records=[_to_record(resource, item, listed.read, at) for item in items], cursor=last_id, is_last=False
        )


def read_vehicle(item: Entity) -> Attributes:
    """A vehicle's attributes by the contract's names."""
    return {"vehicle_name": item.get("name"), **_read_asset(item)}


def read_trailer(item: Entity) -> Attributes:
    """A trailer's attributes by the contract's names."""
    return {"trailer_name": item.get("name"), **_read_asset(item)}


def read_user(item: Entity) -> Attributes:
    """A user's attributes by the contract's names."""
    name = str(item.get("name") or "")
    return {
        "username": name,
        "user_email": name if "@" in name else None,
        "is_driver": item.get("isDriver") is True,
        "user_designation": item.get("designation"),
        "first_name": item.get("firstName"),
        "last_name": item.get("lastName"),
        "phone_number": item.get("phoneNumber"),
        "country_code": _COUNTRIES.get(str(item.get("countryCode"))),
        "license_region": item.get("licenseProvince"),
        "license_number": item.get("licenseNumber"),
        "employee_number": item.get("employeeNo"),
        "carrier_number": item.get("carrierNumber"),
        "notes": notes_in(str(item.get("comment") or "")),
        "allow_yard_move": item.get("isYardMoveEnabled"),
        "allow_personal_conveyance": item.get("isPersonalConveyanceEnabled"),
        "allow_adverse_driving": item.get("isAdverseDrivingEnabled"),
        "default_time_zone": item.get("timeZoneId"),
    }


_LISTS: Final[Mapping[ResourceEnum, _List]] = {
    ResourceEnum.VEHICLE: _List(endpoints.GET_DEVICE, {"groups": [{"id": VEHICLES}]}, read_vehicle),
    ResourceEnum.TRAILER: _List(endpoints.GET_DEVICE, {"groups": [{"id": TRAILERS}]}, read_trailer),
    ResourceEnum.USER: _List(endpoints.GET_USER, {}, read_user),
}


def _read_asset(item: Entity) -> Attributes:
    return {
        "oem": item.get("vinInfoMake"),
        "model_type": item.get("vinInfoModel"),
        "model_year": _read_year(item.get("vinInfoYear")),
        "vin": item.get("vehicleIdentificationNumber"),
        # A question mark stands for a VIN that the engine did not tell.
        "engine_vin": str(item.get("engineVehicleIdentificationNumber") or "").replace("?", ""),
        "license_plate_region": item.get("licenseState"),
        "license_plate_number": item.get("licensePlate"),
        "notes": notes_in(str(item.get("comment") or "")),
        "eld_serial_number": item.get("serialNumber"),
        "eld_device_type": item.get("deviceType"),
    }


def _read_year(text: Any) -> int | None:
    year = str(text or "")
    return int(year) if year.isascii() and year.isdecimal() else None


def _to_record(
    resource: ResourceEnum, item: Entity, read: Callable[[Entity], Attributes], at: datetime
) -> SourceRecord:
    """A record; what Geotab has empty, it has not. `at` is now by Geotab's clock."""
    ends_at = read_instant(item.get(FIELD))
    is_active = ends_at is None or ends_at > at + _CLOCK_ERROR
    attributes = {**read(item), "is_active": is_active}
    if resource is ResourceEnum.USER:
        attributes["status"] = (UserStatusEnum.ACTIVE if is_active else UserStatusEnum.INACTIVE).value
    return SourceRecord(
        resource=resource,
        source_id=str(item["id"]),
        attributes={name: value for name, value in attributes.items() if value not in (None, "")},
        source_data=item,
    )
