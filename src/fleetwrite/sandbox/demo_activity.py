"""The demo's writes of what happens on the road: messages, an inspection, a fuel purchase.

What is expected is written down here from Samsara's documentation, in Samsara's own words and units, and not computed
by the connector: it is what the connector is judged by.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from fleetwrite.sandbox.expectations import Cast, DemoWrite, ExpectedCall, ExpectedRecord, Later, Matching
from fleetwrite.sandbox.partner import Json

_MESSAGE_PATH: Final = "/v1/fleet/messages"

_LOST_IN_MESSAGES: Final = frozenset({"sender_id"})
"""Samsara sends messages in the name of dispatch, and Fleetwrite has to say so."""

_DALLAS: Final = timezone(timedelta(hours=-6))
"""An offset that is not Samsara's, so that a time which is not converted is noticed."""


def message(name: str, sender: Json, driver: Json, text: str, *, is_sync: bool = False) -> DemoWrite:
    """A message to one driver; Samsara's oldest endpoint, which wants ids as numbers."""
    number = int(driver["source_id"])
    return DemoWrite(
        name=name,
        path="/v2/telematics/messages",
        body={"sender_id": sender["id"], "recipient_id": driver["id"], "message_text": text},
        is_sync=is_sync,
        losses=_LOST_IN_MESSAGES,
        call=ExpectedCall(
            method="POST", path=_MESSAGE_PATH, known_by="text", body={"driverIds": [number], "text": text}
        ),
        records=(_held_message(number, text),),
    )


def group_message(sender: Json, drivers: Sequence[Json], text: str) -> DemoWrite:
    """A message to several drivers: one call, and a message for each of them."""
    numbers = [int(driver["source_id"]) for driver in drivers]
    return DemoWrite(
        name="send group message",
        path="/v2/telematics/group-messages",
        body={
            "sender_id": sender["id"],
            "recipient_ids": [driver["id"] for driver in drivers],
            "message_text": text,
        },
        losses=_LOST_IN_MESSAGES,
        call=ExpectedCall(
            method="POST", path=_MESSAGE_PATH, known_by="text", body={"driverIds": numbers, "text": text}
        ),
        records=tuple(_held_message(number, text) for number in numbers),
    )


def _held_message(driver_number: int, text: str) -> ExpectedRecord:
    return ExpectedRecord(
        collection="messages",
        known_by={"driverId": driver_number, "text": text},
        fields={"sender": {"type": "dispatch"}, "isRead": False},
    )


def inspection(cast: Cast, tag: str) -> DemoWrite:
    """A mechanic's inspection report, written by an office user."""
    author, vehicle = cast.office_user["source_id"], cast.vehicle["source_id"]
    notes = f"Brakes adjusted, job {tag}\nInspected by: R. Wrench"
    # 1200.5 miles are 1,932,017.472 metres.
    held = {"type": "mechanic", "safetyStatus": "safe", "odometerMeters": 1932017, "mechanicNotes": notes}
    return DemoWrite(
        name="file mechanic DVIR",
        path="/v2/telematics/dvir-logs",
        body={
            "driver_id": cast.office_user["id"],
            "vehicle_id": cast.vehicle["id"],
            "log_type": "mechanic",
            "is_safety_critical": False,
            "driver_comment": f"Brakes adjusted, job {tag}",
            "inspected_by": "R. Wrench",
            "odometer": 1200.5,
            "odometer_unit": "miles",
        },
        call=ExpectedCall(
            method="POST",
            path="/fleet/dvirs",
            known_by="mechanicNotes",
            body={**held, "authorId": author, "vehicleId": vehicle},
        ),
        records=(
            ExpectedRecord(
                collection="dvirs",
                known_by={"mechanicNotes": notes},
                fields={
                    **held,
                    "id": Later.SOURCE_ID,
                    "vehicle": {"id": vehicle},
                    "authorSignature": {"signatoryUser": {"id": author}},
                },
            ),
        ),
    )


def fuel_purchase(cast: Cast, tag: str, now: datetime) -> DemoWrite:
    """A fuel purchase at `now` (aware, UTC), in units that are not Samsara's."""
    place = f"Pump 7, 1 Main St, Dallas TX ({tag})"
    held = {
        "vehicleId": cast.vehicle["source_id"],
        "driverId": cast.drivers[0]["source_id"],
        "transactionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "transactionLocation": place,
        # 109 US gallons of exactly 3.785411784 litres.
        "fuelQuantityLiters": "412.609884456",
        "transactionPrice": {"amount": "371.34", "currency": "usd"},
        "iftaFuelType": "Diesel",
        "merchantName": "Demo Fuel Stop",
        "transactionReference": Matching("[A-Za-z0-9-]{1,32}"),
    }
    return DemoWrite(
        name="record fuel purchase",
        path="/v2/telematics/fuel-transactions",
        body={
            "driver_id": cast.drivers[0]["id"],
            "vehicle_id": cast.vehicle["id"],
            "transaction_time": now.astimezone(_DALLAS).isoformat(timespec="seconds"),
            "location_string": place,
            "fuel_volume": 109,
            "fuel_volume_unit": "US_GALLON",
            "total_cost": "371.34",
            "currency": "USD",
            "fuel_type": "DIESEL",
            "fuel_vendor": "Demo Fuel Stop",
        },
        call=ExpectedCall(method="POST", path="/fuel-purchase", known_by="transactionLocation", body=held),
        records=(
            ExpectedRecord(
                collection="fuel-purchase",
                known_by={"transactionLocation": place},
                fields={**held, "uuid": Later.SOURCE_ID},
            ),
        ),
    )
