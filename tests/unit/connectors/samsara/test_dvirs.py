from typing import Any

import pytest

from connectors.samsara.samsara_writes import ANY_ID, OFFICE_USER, TRAILER, VEHICLE, create
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import UnofferedWriteError, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

BY_OFFICE_USER = {"driver_id": OFFICE_USER, "vehicle_id": VEHICLE}
MINIMAL = {"driver_id": ANY_ID, "vehicle_id": ANY_ID, "log_type": "mechanic"}
SENT = {"authorId": "21001", "type": "mechanic", "safetyStatus": "safe", "vehicleId": VEHICLE.source_id}


def dvir(fields: dict[str, Any], **changes: Any) -> Write:
    return create(ResourceEnum.DVIR_LOG, {**MINIMAL, **fields}, **{"references": BY_OFFICE_USER, **changes})


CASES: dict[str, tuple[Write, dict[str, Any], list[str]]] = {
    "minimal": (dvir({}), SENT, []),
    "all that Samsara holds": (
        dvir(
            {
                "inspected_by": "Uwe Krause",
                "defect_count": 0,
                "defects": [],
                "is_safety_critical": False,
                "driver_comment": "wipers replaced",
                "certify_comment": "fit for the road",
                "odometer": 150000.5,
                "odometer_unit": "miles",
            }
        ),
        {
            **SENT,
            # 150000.5 mi x 1609.344 = 241402404.672 m
            "odometerMeters": 241402405,
            "mechanicNotes": "wipers replaced\nCertification: fit for the road\nInspected by: Uwe Krause",
        },
        [],
    ),
    "comment alone": (dvir({"driver_comment": "ok"}), {**SENT, "mechanicNotes": "ok"}, []),
    "unsafe by flag": (dvir({"is_safety_critical": True}), {**SENT, "safetyStatus": "unsafe"}, []),
    "unsafe by count": (
        dvir({"is_safety_critical": False, "defect_count": 2}),
        {**SENT, "safetyStatus": "unsafe"},
        ["defect_count"],
    ),
    "defects and time, losses allowed": (
        dvir(
            {"defects": ["brakes", "tires"], "occurred_at": "2026-03-04T15:21:00-06:00"},
            allow_losses=True,
        ),
        {
            **SENT,
            "safetyStatus": "unsafe",
            "mechanicNotes": "Inspected at: 2026-03-04T21:21:00Z\nDefects: brakes, tires",
        },
        ["defects", "occurred_at"],
    ),
    "trailer": (
        dvir({"vehicle_id": None, "trailer_id": ANY_ID}, references={"driver_id": OFFICE_USER, "trailer_id": TRAILER}),
        {
            "authorId": "21001",
            "type": "mechanic",
            "safetyStatus": "safe",
            "trailerId": TRAILER.source_id,
        },
        [],
    ),
    "vehicle and trailer, losses allowed": (
        dvir({"trailer_id": ANY_ID}, references={**BY_OFFICE_USER, "trailer_id": TRAILER}, allow_losses=True),
        SENT,
        ["trailer_id"],
    ),
    "by the configured author": (
        create(ResourceEnum.DVIR_LOG, MINIMAL),
        {**SENT, "authorId": "21007"},
        ["driver_id"],
    ),
    "metres halfway to even": (
        dvir({"odometer": 1000.5, "odometer_unit": "meters"}),
        {**SENT, "odometerMeters": 1000},
        [],
    ),
    "kilometres": (dvir({"odometer": 1.5, "odometer_unit": "kilo_meters"}), {**SENT, "odometerMeters": 1500}, []),
}


@pytest.mark.parametrize(("write", "body", "losses"), CASES.values(), ids=CASES)
def test_inspections_are_translated(write: Write, body: dict[str, Any], losses: list[str]) -> None:
    translation = CONNECTOR.translate(write)

    assert (translation.call.method, translation.call.path) == ("POST", "/fleet/dvirs")
    assert translation.call.body == body
    assert [loss.field for loss in translation.losses] == losses


@pytest.mark.parametrize("log_type", ["pre_trip", "post_trip"])
def test_a_drivers_inspection_is_not_offered_whatever_else_is_wrong(log_type: str) -> None:
    with pytest.raises(UnofferedWriteError, match="log_type mechanic"):
        CONNECTOR.translate(dvir({"log_type": log_type, "vehicle_id": None}, settings={}))


RANGE, REQUIRED, LOSS = ErrorType.RANGE, ErrorType.REQUIRED_BY_TSP, ErrorType.LOSS
REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "type not said": (dvir({"log_type": "unknown"}), [("log_type", REQUIRED)]),
    "nothing inspected": (
        dvir({"vehicle_id": None}, references={"driver_id": OFFICE_USER}),
        [("vehicle_id", REQUIRED)],
    ),
    "two things inspected": (
        dvir({"trailer_id": ANY_ID}, references={**BY_OFFICE_USER, "trailer_id": TRAILER}),
        [("trailer_id", LOSS)],
    ),
    "nobody to write it": (create(ResourceEnum.DVIR_LOG, MINIMAL, settings={}), [("driver_id", REQUIRED)]),
    "new defects and a time": (
        dvir({"defects": ["brakes"], "occurred_at": "2026-03-04T15:21:00Z"}),
        [("defects", LOSS), ("occurred_at", LOSS)],
    ),
    "odometer without unit": (dvir({"odometer": 5}), [("odometer_unit", REQUIRED)]),
    "negative odometer": (dvir({"odometer": -5, "odometer_unit": "meters"}), [("odometer", RANGE)]),
    "odometer beyond reason": (dvir({"odometer": 1e8, "odometer_unit": "miles"}), [("odometer", RANGE)]),
    "negative count": (dvir({"defect_count": -1}), [("defect_count", RANGE)]),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_samsara_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults
