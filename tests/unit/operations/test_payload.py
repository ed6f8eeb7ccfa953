from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES, FuelTransactionCreate, TrailerUpdate, WriteBody
from fleetwrite.operations.payload import body_of, nulls, own_fields, without_nulls

CONNECTION = "0198c0de-0000-7000-8000-00000000000c"
RECORD = "0198c0de-0000-7000-8000-0000000000aa"
JSON = msgspec.json.Encoder(decimal_format="number")

MINIMAL: dict[ResourceEnum, dict[str, Any]] = {
    ResourceEnum.MESSAGE: {"sender_id": RECORD, "recipient_id": RECORD},
    ResourceEnum.GROUP_MESSAGE: {"sender_id": RECORD, "recipient_ids": [RECORD]},
    ResourceEnum.DVIR_LOG: {"driver_id": RECORD},
    ResourceEnum.FUEL_TRANSACTION: {
        "driver_id": RECORD,
        "vehicle_id": RECORD,
        "fuel_volume": Decimal("0.10000000000000000000000001"),
        "fuel_volume_unit": "US_GALLON",
        "transaction_time": "2026-05-04T10:00:00+02:00",
        "total_cost": Decimal("412.60"),
    },
}


def body(body_type: type[WriteBody], **fields: Any) -> Any:
    return msgspec.json.decode(JSON.encode({"connection_id": CONNECTION, **fields}), type=body_type)


def test_nulls_are_told_from_what_is_absent() -> None:
    update = body(TrailerUpdate, notes=None, trailer_name="T", total_axles=0, is_active=False)
    assert nulls(update) == ("notes",)
    assert without_nulls(update) == body(TrailerUpdate, trailer_name="T", total_axles=0, is_active=False)


def test_a_body_without_nulls_stays_as_it_is() -> None:
    update = body(TrailerUpdate, trailer_name="T")
    assert without_nulls(update) is update


def test_a_payload_has_what_was_sent_and_neither_the_connection_nor_nulls() -> None:
    update = body(TrailerUpdate, notes=None, trailer_name="T", total_axles=0, is_active=False)
    assert own_fields(update, ()) == {"trailer_name": "T", "total_axles": 0, "is_active": False}


def test_a_field_that_is_emptied_is_shown_as_null() -> None:
    update = body(TrailerUpdate, trailer_name="T")
    assert own_fields(update, ("notes",)) == {"notes": None, "trailer_name": "T"}


@pytest.mark.parametrize("key", WRITE_BODIES, ids=lambda key: f"{key[1].value} {key[0].value}")
def test_a_body_comes_back_whole_from_its_payload(key: tuple[ResourceEnum, ResourceOperationTypeEnum]) -> None:
    original = body(WRITE_BODIES[key], **MINIMAL.get(key[0], {}))
    shown = own_fields(original, ("notes",)) | {"source_driver_id": "7", "source_recipient_ids": ["7"]}
    assert body_of(JSON.encode(shown).decode(), f'"{CONNECTION}"', *key) == original


def test_numbers_keep_every_digit_on_the_way_through_a_payload() -> None:
    original = body(FuelTransactionCreate, **MINIMAL[ResourceEnum.FUEL_TRANSACTION])
    key = (ResourceEnum.FUEL_TRANSACTION, ResourceOperationTypeEnum.CREATE)
    back = body_of(JSON.encode(own_fields(original, ())).decode(), f'"{CONNECTION}"', *key)
    assert isinstance(back, FuelTransactionCreate)
    assert (str(back.fuel_volume), str(back.total_cost)) == ("0.10000000000000000000000001", "412.60")
