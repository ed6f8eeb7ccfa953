"""Exact conversion of volumes and distances: decimals in, decimals out, no float on the way."""

from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal

from fleetwrite.contract.enums import DistanceUnitEnum, FuelVolumeUnitEnum

LITRES_PER_UNIT: Mapping[FuelVolumeUnitEnum, Decimal] = {
    FuelVolumeUnitEnum.LITER: Decimal(1),
    # 231 cubic inches of 2.54 cm, by definition.
    FuelVolumeUnitEnum.US_GALLON: Decimal("3.785411784"),
    # The Weights and Measures Act 1985 (United Kingdom); Canada defines the same gallon.
    FuelVolumeUnitEnum.IMPERIAL_GALLON: Decimal("4.54609"),
    FuelVolumeUnitEnum.CUBIC_METER: Decimal(1000),
}

METRES_PER_UNIT: Mapping[DistanceUnitEnum, Decimal] = {
    DistanceUnitEnum.METERS: Decimal(1),
    DistanceUnitEnum.KILO_METERS: Decimal(1000),
    # The international mile of 1959.
    DistanceUnitEnum.MILES: Decimal("1609.344"),
}

# The longest factor has ten digits; a body of 256 KiB is the longest number that can reach us. The default of 28 digits
# would round silently.
_WIDE = Context(prec=300_000, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN)


def to_litres(volume: Decimal, unit: FuelVolumeUnitEnum) -> Decimal:
    """Return `volume` in litres, exactly."""
    return _WIDE.multiply(volume, LITRES_PER_UNIT[unit])


def to_metres(distance: Decimal, unit: DistanceUnitEnum) -> Decimal:
    """Return `distance` in metres, exactly."""
    return _WIDE.multiply(distance, METRES_PER_UNIT[unit])


def convert(
    value: Decimal, unit: FuelVolumeUnitEnum | DistanceUnitEnum, to: FuelVolumeUnitEnum | DistanceUnitEnum
) -> Decimal:
    """Return `value` in the unit `to`: exactly where that unit is metric, else to far more digits than anyone keeps.

    Raises:
        ValueError: one is a unit of volume and the other one of distance.
    """
    if isinstance(unit, FuelVolumeUnitEnum) and isinstance(to, FuelVolumeUnitEnum):
        return _divide(to_litres(value, unit), LITRES_PER_UNIT[to])
    if isinstance(unit, DistanceUnitEnum) and isinstance(to, DistanceUnitEnum):
        return _divide(to_metres(value, unit), METRES_PER_UNIT[to])
    raise ValueError(f"{unit} can not be converted to {to}.")


def _divide(number: Decimal, factor: Decimal) -> Decimal:
    # Most quotients never end. All digits of the number and forty more are exact for those that do.
    return Context(prec=len(number.as_tuple().digits) + 40, Emax=MAX_EMAX, Emin=MIN_EMIN).divide(number, factor)


def round_to_places(number: Decimal, places: int) -> Decimal:
    """Return `number` with at most `places` digits after the point, halves to even; shorter ones stay as they are."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return number
    return number.quantize(Decimal(1).scaleb(-places), context=_WIDE)


def to_text(number: Decimal) -> str:
    """Return `number` as plain digits: no exponent, the zeros it was written with."""
    return format(number, "f")


def to_shortest_text(number: Decimal) -> str:
    """Return `number` as plain digits without zeros at the end: equal numbers give equal texts."""
    text = to_text(number)
    shortest = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if shortest == "-0" else shortest
