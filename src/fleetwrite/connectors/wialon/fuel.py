"""Fuel transactions in Wialon's terms: fillings that are registered for a unit.

Wialon has a place for time, place, volume and cost. Whatever else a transaction says (whose it is, in which currency)
goes into the description, together with the operation's id, by which it is found after a lost answer.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from fleetwrite.connectors.sdk.connector import Session, WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Absent, Finding, Found, Lookalike, Outcome, Rejected
from fleetwrite.connectors.sdk.units import convert, round_to_places, to_text
from fleetwrite.connectors.sdk.write import Call, SourceReference, Translation, Write
from fleetwrite.connectors.wialon.mapping import FUEL_TRANSACTION, PROVIDER
from fleetwrite.connectors.wialon.outcomes import gone, read_outcome, unlisted_source_id
from fleetwrite.connectors.wialon.reading import BASE, read_item
from fleetwrite.connectors.wialon.sent_messages import FILLING, load
from fleetwrite.connectors.wialon.services import REGISTER_FILLING, params_of
from fleetwrite.contract.enums import FuelVolumeUnitEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.telematics import FuelTransactionCreate

MEASURED_IN: Final[Mapping[int, FuelVolumeUnitEnum]] = {
    0: FuelVolumeUnitEnum.LITER,
    1: FuelVolumeUnitEnum.US_GALLON,
    2: FuelVolumeUnitEnum.IMPERIAL_GALLON,
}
"""A unit's system of measures -> what its volumes are in. Of the fourth, "metric with gallons", nobody says which."""

# Exact for volumes of three decimals in any unit, which is what pumps show, but where litres become gallons.
VOLUME_PLACES: Final = 9
# Above a million litres a truck's filling is a slip of the unit or the point; below, nine places fit into the fifteen
# digits that a double keeps.
MAX_LITRES: Final = Decimal(10**6)
# Wialon keeps costs as doubles, which hold fifteen digits. Money is never rounded here: what is longer is refused.
COST_DIGITS: Final = 15
# A large fleet's yearly bill: beyond is a slip of the point.
MAX_COST: Final = Decimal(10**9)

_MARK: Final = "Fleetwrite "


def translate_fuel(write: Write) -> Translation:
    """A fuel transaction, its volume in litres; `carry_out` turns them into gallons where the unit is measured so."""
    draft = Draft(write, FUEL_TRANSACTION, provider=PROVIDER)
    draft.fill()
    _put_time(draft)
    _put_volume(draft)
    _put_cost(draft)
    _put_coordinates(draft)
    losses = draft.settle()
    params = {
        "itemId": int(write.references["vehicle_id"].source_id),
        "location": "",
        "deviation": 0,
        **draft.body,
        "description": "; ".join(_describe(draft)),
    }
    return Translation(call=REGISTER_FILLING.call(params), losses=losses)


async def carry_out(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Register a filling in the measures of its unit; see `Connector.carry_out`."""
    params = params_of(call)
    unit = await read_item(session, params["itemId"], BASE)
    if unit is None:
        return gone(call, f"unit {params['itemId']}")
    measured_in = MEASURED_IN.get(unit.get("mu", 0))
    if measured_in is None:
        return Rejected(
            details=f"vehicle_id: unit {unit['id']} ({unit.get('nm')}) is measured in gallons, and Wialon does not say "
            "in which. Change its system of measures in Wialon to metric, U.S. or imperial."
        )
    complete = REGISTER_FILLING.call({**params, "volume": _volume(write, measured_in)})
    return read_outcome(write, complete, await session.call(complete))


async def look_up(write: Write, call: Call, session: Session) -> Finding:
    """Whether the filling is registered for its unit, by the operation's id in its description.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    params = params_of(call)
    at = datetime.fromtimestamp(params["date"], UTC)
    fillings = await load(session, FILLING, params["itemId"], at, at)
    for filling in fillings:
        if write.operation_id.hex in str(filling):
            return Found(source_id=unlisted_source_id(write), source_data=filling)
    # Where it should be that Wialon drops descriptions, ours would carry no mark.
    if any(_MARK not in str(filling) for filling in fillings):
        return Lookalike(source_id=f"a filling of unit {params['itemId']} at {at.isoformat()}", key="vehicle and time")
    return Absent()


def _put_time(draft: Draft) -> None:
    at = draft.given("transaction_time")
    if at is not None:
        draft.put("date", int(at.timestamp()))


def _put_volume(draft: Draft) -> None:
    volume = _volume(draft.write, FuelVolumeUnitEnum.LITER)
    if not 0 < volume <= MAX_LITRES:
        draft.fault("fuel_volume", ErrorType.RANGE, f"Wialon takes more than 0 and at most {MAX_LITRES} litres here.")
        return
    draft.put("volume", volume)


def _volume(write: Write, measured_in: FuelVolumeUnitEnum) -> Decimal:
    body = write.body
    if not isinstance(body, FuelTransactionCreate):
        raise TypeError(f"{type(body).__name__} is no fuel transaction.")
    return round_to_places(convert(body.fuel_volume, body.fuel_volume_unit, measured_in), VOLUME_PLACES)


def _put_cost(draft: Draft) -> None:
    cost: Decimal | None = draft.given("total_cost")
    if cost is None:
        draft.put("cost", 0)
    elif not 0 <= cost <= MAX_COST:
        draft.fault("total_cost", ErrorType.RANGE, f"This must be from 0 to {MAX_COST}; a refund is no filling.")
    elif len(cost.normalize().as_tuple().digits) > COST_DIGITS:
        draft.fault(
            "total_cost",
            ErrorType.RANGE,
            f"Wialon keeps {COST_DIGITS} digits of a cost, and money is not rounded here.",
        )
    else:
        draft.put("cost", cost)


def _put_coordinates(draft: Draft) -> None:
    """Longitude and latitude; 0 and 0 is how Wialon's users say that there are none."""
    given = {field: draft.given(field) for field in ("longitude", "latitude")}
    for (field, value), largest in zip(given.items(), (180, 90), strict=True):
        if value is not None and abs(value) > largest:
            draft.fault(field, ErrorType.RANGE, f"This must be from -{largest} to {largest} degrees.")
        elif value is None and any(other is not None for other in given.values()):
            draft.fault(field, ErrorType.MISSING, "Wialon takes both coordinates, or none.")
    draft.put("x", given["longitude"] or 0)
    draft.put("y", given["latitude"] or 0)


def _describe(draft: Draft) -> Iterator[str]:
    """What Wialon has no place for, in words, and the mark."""
    references = draft.write.references
    odometer, odometer_unit = draft.given("odometer"), draft.given("odometer_unit")
    texts = {
        "vendor": draft.given("fuel_vendor"),
        "fuel": draft.given("fuel_type"),
        "driver": _name(references.get("driver_id")),
        "co-driver": _name(references.get("co_driver_id")),
        "currency": draft.given("currency"),
        "odometer": odometer is not None and f"{to_text(odometer)} {odometer_unit or ''}".rstrip(),
        "jurisdiction": draft.given("transaction_jurisdiction"),
    }
    yield from (f"{name} {text}" for name, text in texts.items() if text)
    yield f"{_MARK}{draft.write.operation_id.hex}"


def _name(user: SourceReference | None) -> str | None:
    if user is None:
        return None
    parts = (user.attributes.get("first_name"), user.attributes.get("last_name"))
    return " ".join(str(part) for part in parts if part) or user.source_id
