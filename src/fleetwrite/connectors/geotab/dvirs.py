"""Inspections in Geotab's terms: a log of a device, whose defects are those of Geotab's own lists."""

from typing import Final

from fleetwrite.connectors.geotab import endpoints
from fleetwrite.connectors.geotab.instants import write_instant
from fleetwrite.connectors.geotab.mapping import DVIR_LOG, LOG_TYPES
from fleetwrite.connectors.geotab.rpc import PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.enums import DvirLogTypeEnum
from fleetwrite.contract.errors import ErrorType

DEFECT_LIST_SETTING: Final = "defect_list_id"
"""The setting that holds the list of defects by which inspections are made."""

ALL_DEFECTS: Final = "GroupDefectsId"
"""The built-in group above all lists of defects."""


def translate_dvir(write: Write) -> Translation:
    """An inspection by a driver, or by a mechanic."""
    draft = Draft(write, DVIR_LOG, provider=PROVIDER)
    draft.fill()
    _put_subject(draft)
    draft.put("driver", {"id": write.references["driver_id"].source_id})
    if (occurred_at := draft.given("occurred_at")) is not None:
        draft.put("dateTime", write_instant(occurred_at))
    log_type = draft.given("log_type")
    draft.put("logType", LOG_TYPES[log_type])
    if log_type is DvirLogTypeEnum.MECHANIC:
        draft.put("isInspectedByDriver", False)
    draft.put("defectList", {"id": write.settings.get(DEFECT_LIST_SETTING) or ALL_DEFECTS})
    _put_safety(draft)
    _put_remark(draft)
    losses = draft.settle()
    return Translation(call=endpoints.ADD_DVIR.call(entity=draft.body), losses=losses)


def _put_subject(draft: Draft) -> None:
    vehicle = draft.write.references.get("vehicle_id")
    trailer = draft.write.references.get("trailer_id")
    subject = vehicle or trailer
    if subject is None:
        draft.fault(
            "vehicle_id", ErrorType.REQUIRED_BY_TSP, "Geotab wants to know what was inspected: a vehicle or a trailer."
        )
        return
    draft.put("device", {"id": subject.source_id})
    if vehicle is not None and trailer is not None:
        draft.lose(
            "trailer_id",
            "Geotab files one inspection for a vehicle and another for a trailer: send the trailer's by itself.",
            essential=True,
        )


def _put_safety(draft: Draft) -> None:
    """What is said of safety; an inspection of which nothing is said is left open."""
    defects = draft.given("defects") or []
    defect_count: int | None = draft.given("defect_count")
    if defect_count is not None and defect_count < 0:
        draft.fault("defect_count", ErrorType.RANGE, "A number of defects is not negative.")
    if defect_count:
        draft.lose("defect_count", "Geotab counts the defects of its own lists.")
    if defects:
        draft.lose(
            "defects", "Geotab knows defects by lists of its own, which differ from fleet to fleet.", essential=True
        )
    is_critical: bool | None = draft.given("is_safety_critical")
    if is_critical is not None:
        draft.put("isSafeToOperate", not is_critical)
    elif defects or defect_count is not None:
        draft.put("isSafeToOperate", not (defects or defect_count))


def _put_remark(draft: Draft) -> None:
    """The comment as it is, and a labelled line for each thing that has no field of its own."""
    labelled = {
        "Certification": draft.given("certify_comment"),
        "Inspected by": draft.given("inspected_by"),
        "Defects": ", ".join(defect.value for defect in draft.given("defects") or []),
    }
    comment = draft.given("driver_comment")
    lines = [comment] if comment else []
    lines += [f"{label}: {text}" for label, text in labelled.items() if text]
    if lines:
        draft.put("driverRemark", "\n".join(lines))
