"""The tables against the contract: nothing may be dropped because nobody thought of it."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from fleetwrite.connectors.motive import mapping
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.manifest import Offer
from fleetwrite.connectors.sdk.mapping import Coded, NoPlace
from fleetwrite.contract.enums import EngineType
from fleetwrite.contract.telematics import WRITE_BODIES
from fleetwrite.contract.timezones import TimezoneCodeEnum

OFFERS = {f"{o.resource.value}.{o.operation_type.value}.{o.kind}": o for o in CONNECTOR.manifest.offers}
# A year in which every change that is known now has been made.
WEEKS = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(weeks=week) for week in range(53)]


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_every_field_of_the_contract_has_a_row(offer: Offer) -> None:
    body = WRITE_BODIES[offer.resource, offer.operation_type]

    # The connection routes the write and is no part of it.
    assert set(offer.table) == set(body.__struct_fields__) - {"connection_id"}


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_every_loss_has_a_reason_in_a_sentence(offer: Offer) -> None:
    reasons = [rule.reason for rule in offer.table.values() if isinstance(rule, NoPlace)]
    reasons += [rule.otherwise for rule in offer.table.values() if isinstance(rule, Coded) and rule.otherwise]

    assert reasons
    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_every_engine_type_is_a_fuel_but_those_that_motive_calls_other() -> None:
    assert set(EngineType) - set(mapping.FUEL_TYPES) == {
        EngineType.HYDROGEN,
        EngineType.ELECTRICITY,
        EngineType.HYBRID,
    }


@pytest.mark.parametrize("zones", mapping.ZONES.values(), ids=mapping.ZONES)
def test_zones_of_one_name_keep_the_same_time(zones: tuple[TimezoneCodeEnum, ...]) -> None:
    offsets = {zone.value: _offsets(zone) for zone in zones}

    assert offsets == dict.fromkeys(offsets, offsets[zones[0].value])


def test_no_zone_has_two_names() -> None:
    assert len(mapping.ZONE_NAMES) == sum(map(len, mapping.ZONES.values()))


def _offsets(zone: TimezoneCodeEnum) -> list[timedelta | None]:
    """By the data that is installed with the tests: the machine's own may be older."""
    with files("tzdata").joinpath("zoneinfo", *zone.value.split("/")).open("rb") as data:
        info = ZoneInfo.from_file(data)
    return [week.astimezone(info).utcoffset() for week in WEEKS]
