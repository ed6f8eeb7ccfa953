"""Fuel purchases in Motive's terms. The reference number, which the contract has no field for, carries our mark."""

from decimal import Decimal

from fleetwrite.connectors.motive.endpoints import CREATE_FUEL_PURCHASE
from fleetwrite.connectors.motive.ids import read_number
from fleetwrite.connectors.motive.instants import write_instant
from fleetwrite.connectors.motive.mapping import CURRENCIES, FUEL_TRANSACTION, FUEL_TYPES, PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.units import convert, round_to_places
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.enums import DistanceUnitEnum, EngineType, FuelVolumeUnitEnum
from fleetwrite.contract.errors import ErrorType

# A pump shows three decimals; a metric volume of another unit has at most five more.
VOLUME_PLACES = 8
# More than any currency has. Money is never rounded here: what is longer is refused.
MONEY_PLACES = 6
# A tank ship's load and a large fleet's yearly bill: beyond is a slip of the unit or the point.
MAX_VOLUME = Decimal(10**8)
MAX_AMOUNT = Decimal(10**9)
# Well above the odometer of any truck, in miles or kilometres.
MAX_ODOMETER = Decimal(10**8)

_VOLUME_UNITS = {FuelVolumeUnitEnum.US_GALLON: "gal", FuelVolumeUnitEnum.LITER: "ltr"}
_DISTANCE_UNITS = {DistanceUnitEnum.MILES: "MI", DistanceUnitEnum.KILO_METERS: "KM"}


def reference_of(write: Write) -> str:
    """The reference number of a purchase, by which it is looked up."""
    return f"FW-{write.operation_id.hex}"


def translate_fuel(write: Write) -> Translation:
    """A fuel purchase."""
    draft = Draft(write, FUEL_TRANSACTION, provider=PROVIDER)
    draft.fill()
    draft.put("vehicle_id", read_number(draft, "vehicle_id", write.references["vehicle_id"]))
    _put_driver(draft)
    if (transaction_time := draft.given("transaction_time")) is not None:
        draft.put("purchased_at", write_instant(transaction_time))
    _put_fuel_type(draft)
    _put_volume(draft)
    _put_odometer(draft)
    _put_cost(draft)
    draft.put("ref_no", reference_of(write))
    losses = draft.settle()
    return Translation(call=CREATE_FUEL_PURCHASE.call(body=draft.body), losses=losses)


def _put_driver(draft: Draft) -> None:
    driver = draft.write.references["driver_id"]
    if driver.attributes.get("is_driver") is not True:
        draft.fault("driver_id", ErrorType.WRONG_KIND, "Motive takes a driver here, and this user is not known as one.")
    draft.put("driver_id", read_number(draft, "driver_id", driver))


def _put_fuel_type(draft: Draft) -> None:
    fuel_type: EngineType | None = draft.given("fuel_type")
    if fuel_type is None:
        return
    if fuel_type in FUEL_TYPES:
        draft.put("fuel_type", FUEL_TYPES[fuel_type])
    else:
        known = ", ".join(sorted(FUEL_TYPES))
        draft.fault("fuel_type", ErrorType.ENUM, f"Motive takes {known}.")


def _put_volume(draft: Draft) -> None:
    given: Decimal = draft.given("fuel_volume")
    given_in: FuelVolumeUnitEnum = draft.given("fuel_volume_unit")
    unit = given_in if given_in in _VOLUME_UNITS else FuelVolumeUnitEnum.LITER
    volume = convert(given, given_in, unit)
    # Compared before it is rounded or written: a number like 1E+9999 must not be spelled out.
    if volume > MAX_VOLUME:
        draft.fault("fuel_volume", ErrorType.RANGE, f"More than {MAX_VOLUME} {unit.value} is no purchase.")
        return
    volume = round_to_places(volume, VOLUME_PLACES)
    if volume <= 0:
        draft.fault("fuel_volume", ErrorType.RANGE, "A purchase has a volume above zero.")
        return
    draft.put("fuel", volume)
    draft.put("fuel_unit", _VOLUME_UNITS[unit])


def _put_odometer(draft: Draft) -> None:
    given: Decimal | None = draft.given("odometer")
    given_in: DistanceUnitEnum | None = draft.given("odometer_unit")
    if given is None or given_in is None:
        if given is not None or given_in is not None:
            missing = "odometer" if given is None else "odometer_unit"
            draft.fault(missing, ErrorType.REQUIRED_BY_TSP, "Send odometer and odometer_unit together, or neither.")
        return
    unit = given_in if given_in in _DISTANCE_UNITS else DistanceUnitEnum.KILO_METERS
    distance = convert(given, given_in, unit)
    if not 0 <= distance <= MAX_ODOMETER:
        draft.fault("odometer", ErrorType.RANGE, f"Must be 0 to {MAX_ODOMETER} {unit.value}.")
        return
    draft.put("odometer", int(round_to_places(distance, 0)))
    draft.put("odometer_unit", _DISTANCE_UNITS[unit])


def _put_cost(draft: Draft) -> None:
    currency: str | None = draft.given("currency")
    if currency is not None and currency.upper() not in CURRENCIES:
        draft.fault("currency", ErrorType.ENUM, f"Motive takes {' and '.join(sorted(CURRENCIES))}.")
    elif currency is not None:
        draft.put("currency", currency.upper())
    cost: Decimal | None = draft.given("total_cost")
    if cost is None:
        return
    if currency is None:
        draft.fault("currency", ErrorType.REQUIRED_BY_TSP, "An amount needs its currency: USD or CAD.")
    if not 0 <= cost <= MAX_AMOUNT:
        draft.fault("total_cost", ErrorType.RANGE, f"Must be 0 to {MAX_AMOUNT}.")
    elif round_to_places(cost, MONEY_PLACES) != cost:
        draft.fault(
            "total_cost", ErrorType.RANGE, f"Must have at most {MONEY_PLACES} decimals; it is not rounded here."
        )
    else:
        # -0 has no meaning as a price.
        draft.put("total_cost", round_to_places(cost, MONEY_PLACES).copy_abs())
