"""Inspections in Samsara's terms: its API takes those of mechanics, written by an office user."""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.instants import write_instant
from fleetwrite.connectors.samsara.mapping import DVIR_LOG, PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.units import to_metres
from fleetwrite.connectors.sdk.write import Translation, UnofferedWriteError, Write
from fleetwrite.contract.enums import DvirLogTypeEnum
from fleetwrite.contract.errors import ErrorType

# The setting that holds the user in whose name drivers' inspections are filed.
AUTHOR_SETTING = "dvir_author_id"

# About 25 times the way to the moon: no odometer gets there, and it fits the documented 64 bits.
MAX_ODOMETER_METRES = Decimal(10**10)


def translate_dvir(write: Write) -> Translation:
    """A mechanic's inspection.

    Raises:
        UnofferedWriteError: it is a driver's, which Samsara takes from its Driver App alone.
    """
    draft = Draft(write, DVIR_LOG, provider=PROVIDER)
    draft.fill()
    _put_type(draft)
    _put_author(draft)
    _put_subject(draft)
    _put_safety(draft)
    _put_odometer(draft)
    _put_notes(draft)
    losses = draft.settle()
    return Translation(call=endpoints.CREATE_DVIR.call(body=draft.body), losses=losses)


def _put_type(draft: Draft) -> None:
    log_type = draft.given("log_type")
    if log_type in {DvirLogTypeEnum.PRE_TRIP, DvirLogTypeEnum.POST_TRIP}:
        raise UnofferedWriteError(
            f"Samsara does not take {log_type.value} inspections by its API: drivers file them in the Samsara Driver "
            "App. What can be written is a mechanic's inspection (log_type mechanic)."
        )
    if log_type is not DvirLogTypeEnum.MECHANIC:
        # An inspection is a legal record: what nobody called a mechanic's is not filed as one.
        draft.fault(
            "log_type",
            ErrorType.REQUIRED_BY_TSP,
            "Samsara takes inspections of mechanics only. If this is one, say so: log_type mechanic.",
        )
    draft.put("type", "mechanic")


def _put_author(draft: Draft) -> None:
    inspector = draft.write.references["driver_id"]
    if inspector.attributes.get("is_driver") is False:
        draft.put("authorId", inspector.source_id)
        return
    author_id = draft.write.settings.get(AUTHOR_SETTING)
    if not author_id:
        draft.fault(
            "driver_id",
            ErrorType.REQUIRED_BY_TSP,
            "Samsara wants an office user as the author of an inspection, and this user is a driver. Name an office "
            "user here, or set dvir_author_id in the settings of this connection.",
        )
        return
    draft.put("authorId", author_id)
    draft.lose("driver_id", "Samsara's inspection names its author only, which is the configured office user.")


def _put_subject(draft: Draft) -> None:
    vehicle = draft.write.references.get("vehicle_id")
    trailer = draft.write.references.get("trailer_id")
    if vehicle is not None:
        draft.put("vehicleId", vehicle.source_id)
        if trailer is not None:
            draft.lose(
                "trailer_id",
                "Samsara files one inspection for a vehicle and another for a trailer: send the trailer's by itself.",
                essential=True,
            )
    elif trailer is not None:
        draft.put("trailerId", trailer.source_id)
    else:
        draft.fault(
            "vehicle_id", ErrorType.REQUIRED_BY_TSP, "Samsara wants to know what was inspected: a vehicle or a trailer."
        )


def _put_safety(draft: Draft) -> None:
    defects = draft.given("defects") or []
    defect_count: int = draft.given("defect_count") or 0
    if defect_count < 0:
        draft.fault("defect_count", ErrorType.RANGE, "A number of defects is not negative.")
    if defect_count > 0:
        draft.lose("defect_count", "Samsara keeps safe or unsafe, not how many defects there are.")
    if defects:
        draft.lose("defects", "Samsara takes no new defects by its API.", essential=True)
    is_unsafe = draft.given("is_safety_critical") is True or defect_count > 0 or bool(defects)
    draft.put("safetyStatus", "unsafe" if is_unsafe else "safe")


def _put_odometer(draft: Draft) -> None:
    odometer: Decimal | None = draft.given("odometer")
    unit = draft.given("odometer_unit")
    if odometer is None:
        return
    if unit is None:
        draft.fault("odometer_unit", ErrorType.REQUIRED_BY_TSP, "An odometer without a unit can not be converted.")
        return
    metres = to_metres(odometer, unit)
    if not 0 <= metres <= MAX_ODOMETER_METRES:
        draft.fault("odometer", ErrorType.RANGE, f"Must be 0 to {MAX_ODOMETER_METRES} metres.")
        return
    draft.put("odometerMeters", int(metres.to_integral_value(rounding=ROUND_HALF_EVEN)))


def _put_notes(draft: Draft) -> None:
    """The comment as it is, and a labelled line for each thing that has no field of its own."""
    occurred_at: datetime | None = draft.given("occurred_at")
    if occurred_at is not None:
        draft.lose("occurred_at", "Samsara dates an inspection when it is filed.", essential=True)
    labelled = {
        "Certification": draft.given("certify_comment"),
        "Inspected by": draft.given("inspected_by"),
        "Inspected at": None if occurred_at is None else write_instant(occurred_at),
        "Defects": ", ".join(defect.value for defect in draft.given("defects") or []),
    }
    comment = draft.given("driver_comment")
    lines = [comment] if comment else []
    lines += [f"{label}: {text}" for label, text in labelled.items() if text]
    if lines:
        draft.put("mechanicNotes", "\n".join(lines))
