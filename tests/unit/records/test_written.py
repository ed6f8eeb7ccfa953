"""From the fields of a body to the attributes that reads show."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from fleetwrite.contract.enums import DistanceUnitEnum, FuelVolumeUnitEnum, ResourceEnum
from fleetwrite.records.references import REFERENCES
from fleetwrite.records.rendering import OWN_FIELDS, READ_MODELS
from fleetwrite.records.written import our_ids, told_attributes, told_time

FUEL, DVIR_LOG, MESSAGE, GROUP_MESSAGE, VEHICLE = (
    ResourceEnum.FUEL_TRANSACTION,
    ResourceEnum.DVIR_LOG,
    ResourceEnum.MESSAGE,
    ResourceEnum.GROUP_MESSAGE,
    ResourceEnum.VEHICLE,
)
AT = datetime(2026, 5, 4, 10, tzinfo=UTC)


def told(resource: ResourceEnum, **fields: Any) -> dict[str, Any]:
    return dict(told_attributes(resource, fields, {}))


@pytest.mark.parametrize(
    ("unit", "metres"),
    [(DistanceUnitEnum.METERS, "1.5"), (DistanceUnitEnum.KILO_METERS, "1500"), (DistanceUnitEnum.MILES, "2414.016")],
)
@pytest.mark.parametrize("resource", [FUEL, DVIR_LOG])
def test_an_odometer_is_read_in_metres(resource: ResourceEnum, unit: DistanceUnitEnum, metres: str) -> None:
    assert told(resource, odometer=Decimal("1.5"), odometer_unit=unit) == {"odometer": Decimal(metres)}


@pytest.mark.parametrize(
    ("unit", "cubic_metres"),
    [
        (FuelVolumeUnitEnum.CUBIC_METER, "100"),
        (FuelVolumeUnitEnum.LITER, "0.1"),
        (FuelVolumeUnitEnum.US_GALLON, "0.3785411784"),
        (FuelVolumeUnitEnum.IMPERIAL_GALLON, "0.454609"),
    ],
)
def test_a_volume_is_read_in_cubic_metres(unit: FuelVolumeUnitEnum, cubic_metres: str) -> None:
    assert told(FUEL, fuel_volume=Decimal(100), fuel_volume_unit=unit) == {"fuel_volume": Decimal(cubic_metres)}


def test_what_lacks_its_unit_or_its_other_half_is_not_guessed() -> None:
    assert told(FUEL, odometer=Decimal(1), latitude=Decimal(1)) == {}
    assert told(DVIR_LOG, odometer_unit=DistanceUnitEnum.MILES) == {}


def test_a_place_is_a_point_longitude_first() -> None:
    fields = {"latitude": Decimal("32.78"), "longitude": Decimal("-96.8"), "location_string": "Dallas"}
    assert told(FUEL, **fields) == {
        "location": {"type": "Point", "coordinates": [Decimal("-96.8"), Decimal("32.78")]},
        "location_string": "Dallas",
    }


@pytest.mark.parametrize(("cost", "text"), [(Decimal("412.60"), "412.60"), (Decimal("1E+2"), "100"), ("7.10", "7.10")])
def test_money_is_a_text_with_the_digits_it_was_sent_with(cost: Any, text: str) -> None:
    assert told(FUEL, total_cost=cost) == {"total_cost": text}


def test_the_time_of_the_body_is_that_of_the_record() -> None:
    assert told_time(FUEL, {"transaction_time": AT}) == AT
    assert told_time(DVIR_LOG, {"occurred_at": AT}) == AT
    assert told_time(DVIR_LOG, {}) is told_time(MESSAGE, {"message_text": "x"}) is None
    assert told(FUEL, transaction_time=AT) == told(DVIR_LOG, occurred_at=AT) == {}


def test_a_message_that_the_provider_took_was_sent() -> None:
    assert told(MESSAGE, message_text="x") == {"message_text": "x", "status": "sent"}
    assert told(GROUP_MESSAGE) == {"status": "sent"}


def test_what_a_body_points_to_is_kept_by_the_providers_ids() -> None:
    driver, vehicle, unknown = uuid4(), uuid4(), uuid4()
    source_ids = {driver: "D", vehicle: "V"}
    fields = {"driver_id": driver, "vehicle_id": vehicle, "co_driver_id": unknown}
    assert our_ids(FUEL, fields) == {driver, vehicle, unknown}
    assert told_attributes(FUEL, fields, source_ids) == {"source_driver_id": "D", "source_vehicle_id": "V"}
    several = {"recipient_ids": [vehicle, unknown, driver]}
    assert our_ids(GROUP_MESSAGE, several) == {driver, vehicle, unknown}
    assert told_attributes(GROUP_MESSAGE, several, source_ids)["source_recipient_ids"] == ["V", "D"]


def test_what_is_no_event_is_kept_as_it_was_written() -> None:
    fields = {"vehicle_name": "Truck", "odometer_unit": "km", "notes": None, "driver_id": UUID(int=1)}
    assert told_attributes(VEHICLE, fields, {}) == fields


def test_every_reference_of_a_read_is_looked_up() -> None:
    """A field with our id and one with the provider's beside it: all but conversations and groups are records."""
    found = {
        resource: {
            name
            for name in OWN_FIELDS[model]
            if name.endswith(("_id", "_ids")) and f"source_{name}" in OWN_FIELDS[model]
        }
        - {"thread_id", "group_id"}
        for resource, model in READ_MODELS.items()
    }
    assert {resource: fields for resource, fields in found.items() if fields} == {
        resource: set(fields) for resource, fields in REFERENCES.items()
    }
