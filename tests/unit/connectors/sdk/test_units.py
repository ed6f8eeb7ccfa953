from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetwrite.connectors.sdk.units import (
    LITRES_PER_UNIT,
    METRES_PER_UNIT,
    round_to_places,
    to_litres,
    to_metres,
    to_shortest_text,
    to_text,
)
from fleetwrite.contract.enums import DistanceUnitEnum, FuelVolumeUnitEnum


@pytest.mark.parametrize(
    ("volume", "unit", "litres"),
    [
        ("412.6", FuelVolumeUnitEnum.LITER, "412.6"),
        ("109", FuelVolumeUnitEnum.US_GALLON, "412.609884456"),
        ("90.75", FuelVolumeUnitEnum.IMPERIAL_GALLON, "412.5576675"),
        ("0.4126", FuelVolumeUnitEnum.CUBIC_METER, "412.6"),
    ],
)
def test_volumes_become_litres_exactly(volume: str, unit: FuelVolumeUnitEnum, litres: str) -> None:
    assert to_litres(Decimal(volume), unit) == Decimal(litres)


@pytest.mark.parametrize(
    ("distance", "unit", "metres"),
    [
        ("241401.6", DistanceUnitEnum.METERS, "241401.6"),
        ("150", DistanceUnitEnum.MILES, "241401.6"),
        ("241.4016", DistanceUnitEnum.KILO_METERS, "241401.6"),
    ],
)
def test_distances_become_metres_exactly(distance: str, unit: DistanceUnitEnum, metres: str) -> None:
    assert to_metres(Decimal(distance), unit) == Decimal(metres)


def test_every_unit_of_the_contract_has_a_factor() -> None:
    assert set(LITRES_PER_UNIT) == set(FuelVolumeUnitEnum)
    assert set(METRES_PER_UNIT) == set(DistanceUnitEnum)


@given(
    volume=st.decimals(min_value=Decimal("0.001"), max_value=Decimal(10**9), places=3),
    unit=st.sampled_from(FuelVolumeUnitEnum),
)
def test_volumes_round_trip_exactly(volume: Decimal, unit: FuelVolumeUnitEnum) -> None:
    text = to_text(round_to_places(to_litres(volume, unit), 12))

    assert (Decimal(text) / LITRES_PER_UNIT[unit]).quantize(Decimal("0.001")) == volume
    assert Decimal(text) == volume * LITRES_PER_UNIT[unit]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal(-(10**12)), max_value=Decimal(10**12)))
def test_equal_numbers_have_the_same_shortest_text(number: Decimal) -> None:
    text = to_shortest_text(number)

    assert "E" not in text
    assert Decimal(text) == number
    assert to_shortest_text(number + Decimal("0.00")) == to_shortest_text(number + 0)


@pytest.mark.parametrize(
    ("number", "places", "rounded"),
    [("1.25", 1, "1.2"), ("1.35", 1, "1.4"), ("1.5", 3, "1.5"), ("1E-400000", 12, "0")],
)
def test_rounding_goes_to_even_and_never_lengthens(number: str, places: int, rounded: str) -> None:
    assert round_to_places(Decimal(number), places) == Decimal(rounded)


def test_a_number_longer_than_usual_contexts_is_not_rounded() -> None:
    volume = Decimal("1." + "3" * 60)

    assert to_litres(volume, FuelVolumeUnitEnum.CUBIC_METER) == Decimal("1333." + "3" * 57)
