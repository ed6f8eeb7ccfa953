from typing import Any

import pytest

from connectors.geotab.geotab_provider import ANY_ID, create
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

MINIMAL: dict[str, Any] = {"driver_id": ANY_ID, "vehicle_id": ANY_ID, "occurred_at": "2026-11-02T08:15:00.1239-06:00"}
SENT: dict[str, Any] = {
    "device": {"id": "b1"},
    "driver": {"id": "b4"},
    "dateTime": "2026-11-02T14:15:00.123Z",
    "logType": "Unknown",
    "defectList": {"id": "GroupDefectsId"},
}


def inspection(fields: dict[str, Any], **changes: Any) -> Write:
    return create(ResourceEnum.DVIR_LOG, {**MINIMAL, **fields}, **changes)


CASES: dict[str, tuple[Write, dict[str, Any], list[str]]] = {
    "of an unknown type": (inspection({}), SENT, []),
    "before a trip": (inspection({"log_type": "pre_trip"}), {**SENT, "logType": "PreTrip"}, []),
    "after a trip": (inspection({"log_type": "post_trip"}), {**SENT, "logType": "PostTrip"}, []),
    "a mechanic's": (inspection({"log_type": "mechanic"}), {**SENT, "isInspectedByDriver": False}, []),
    "of a trailer": (inspection({"vehicle_id": None, "trailer_id": ANY_ID}), {**SENT, "device": {"id": "b7"}}, []),
    "of both, the trailer lost": (inspection({"trailer_id": ANY_ID}, allow_losses=True), SENT, ["trailer_id"]),
    "by a list of the fleet's": (
        inspection({}, settings={"defect_list_id": "b278A"}),
        {**SENT, "defectList": {"id": "b278A"}},
        [],
    ),
    "safe": (inspection({"is_safety_critical": False}), {**SENT, "isSafeToOperate": True}, []),
    "unsafe": (inspection({"is_safety_critical": True}), {**SENT, "isSafeToOperate": False}, []),
    "no defects": (inspection({"defect_count": 0}), {**SENT, "isSafeToOperate": True}, []),
    "defects that are counted": (
        inspection({"defect_count": 2}),
        {**SENT, "isSafeToOperate": False},
        ["defect_count"],
    ),
    "defects that are minor": (
        inspection({"defect_count": 1, "is_safety_critical": False}),
        {**SENT, "isSafeToOperate": True},
        ["defect_count"],
    ),
    "defects that are named": (
        inspection({"defects": ["brakes", "mirrors"]}, allow_losses=True),
        {**SENT, "isSafeToOperate": False, "driverRemark": "Defects: brakes, mirrors"},
        ["defects"],
    ),
    "remarks": (
        inspection({"driver_comment": "Mirror cracked", "certify_comment": "Replaced", "inspected_by": "Jo"}),
        {**SENT, "driverRemark": "Mirror cracked\nCertification: Replaced\nInspected by: Jo"},
        [],
    ),
    "miles": (inspection({"odometer": 100.5, "odometer_unit": "miles"}), {**SENT, "odometer": 161739}, []),
    "kilometres": (inspection({"odometer": 100.5, "odometer_unit": "kilo_meters"}), {**SENT, "odometer": 100500}, []),
    "metres": (inspection({"odometer": 100.5, "odometer_unit": "meters"}), {**SENT, "odometer": 100}, []),
}


@pytest.mark.parametrize("name", CASES)
def test_inspections_become_logs(name: str) -> None:
    write, expected, losses = CASES[name]
    translation = CONNECTOR.translate(write)
    assert (translation.call.body or {})["params"]["entity"] == expected
    assert [loss.field for loss in translation.losses] == losses


FAULTS: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "nothing inspected, at no time": (
        create(ResourceEnum.DVIR_LOG, {"driver_id": ANY_ID}),
        [("occurred_at", ErrorType.REQUIRED_BY_TSP), ("vehicle_id", ErrorType.REQUIRED_BY_TSP)],
    ),
    "two at once": (inspection({"trailer_id": ANY_ID}), [("trailer_id", ErrorType.LOSS)]),
    "defects by our names": (inspection({"defects": ["brakes"]}), [("defects", ErrorType.LOSS)]),
    "fewer than none": (inspection({"defect_count": -1}), [("defect_count", ErrorType.RANGE)]),
    "no unit": (inspection({"odometer": 1}), [("odometer_unit", ErrorType.REQUIRED_BY_TSP)]),
    "backwards": (inspection({"odometer": -1, "odometer_unit": "miles"}), [("odometer", ErrorType.RANGE)]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_geotab_can_not_hold_is_refused_in_terms_of_our_fields(name: str) -> None:
    write, expected = FAULTS[name]
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == expected
