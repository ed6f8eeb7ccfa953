"""Which device a driver is with: messages of Traccar go to devices.

Traccar knows it in two ways. A device's last position names the driver whose key or card its reader saw, or whom the
server filled in by its setting `processing.useLinkedDriver`. And drivers are linked to devices by hand. The first is
asked for all devices at once. The second only tells the drivers of one device, so that it is asked last, and of small
fleets.
"""

from collections.abc import Iterable
from typing import Final

from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Rejected
from fleetwrite.connectors.traccar.endpoints import DEVICES, DRIVERS, LIST_COMMAND_TYPES, LIST_POSITIONS
from fleetwrite.connectors.traccar.reading import Item, fetch_list, is_trailer, read_one

MOST_ASKED: Final = 100
"""Devices whose drivers are asked for, one by one, for each message: a second or two at a server that is near."""

MESSAGE_TYPE: Final = "message"
"""The type of command that shows a text to the driver. A `custom` one is an instruction to the tracker itself."""


async def find_device(driver_id: str, session: Session) -> int | Rejected:
    """The device that shows a message to this driver, or why there is none.

    Raises:
        ProviderAnswerError: Traccar did not answer a question.
    """
    driver = await read_one(session, DRIVERS, driver_id)
    if driver is None:
        return Rejected(details=f"Traccar has no driver {driver_id} that this token's user may see.")
    found = await _reporting(driver, session)
    if not found:
        linked = await _linked(driver, session)
        if linked is None:
            return Rejected(
                details=f"driver_has_no_vehicle: no device of Traccar reports driver {driver_id}, and which ones are "
                f"linked to a driver can be asked of fleets of up to {MOST_ASKED} devices only. Let the devices report "
                "their drivers, or set processing.useLinkedDriver on the server."
            )
        found = linked
    if len(found) != 1:
        return Rejected(details=_unclear(driver_id, found))
    (device_id,) = found
    types = await fetch_list(session, LIST_COMMAND_TYPES.call(query=(("deviceId", str(device_id)),)))
    if MESSAGE_TYPE not in {one.get("type") for one in types}:
        return Rejected(
            details=f"Driver {driver_id} is with device {device_id}, whose kind of tracker shows no messages (or which "
            "has never reported, so that Traccar does not know its kind)."
        )
    return device_id


def _unclear(driver_id: str, found: Iterable[int]) -> str:
    if not found:
        return (
            f"driver_has_no_vehicle: no device of Traccar reports driver {driver_id}, and none is linked to them. Link "
            "the driver to a device in Traccar (Devices, Connections, Drivers)."
        )
    names = ", ".join(map(str, sorted(found)))
    return (
        f"driver_has_several_vehicles: the devices {names} of Traccar all name driver {driver_id}, and the message "
        "might reach somebody else. Leave the driver with one of them."
    )


async def _reporting(driver: Item, session: Session) -> set[int]:
    """The devices whose last position names the driver."""
    positions = await fetch_list(session, LIST_POSITIONS.call())
    return {
        position["deviceId"]
        for position in positions
        if (position.get("attributes") or {}).get("driverUniqueId") == driver["uniqueId"]
    }


async def _linked(driver: Item, session: Session) -> set[int] | None:
    """The devices that the driver is linked to; None: there are too many to ask."""
    devices = await fetch_list(session, DEVICES.list.call(query=(("limit", str(MOST_ASKED + 1)),)))
    if len(devices) > MOST_ASKED:
        return None
    linked = set()
    for device_id in [device["id"] for device in devices if not is_trailer(device)]:
        drivers = await fetch_list(session, DRIVERS.list.call(query=(("deviceId", str(device_id)),)))
        if any(one["id"] == driver["id"] for one in drivers):
            linked.add(device_id)
    return linked
