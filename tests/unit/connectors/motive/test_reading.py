from typing import Any

import pytest

from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.motive.reading import read_trailer, read_user, read_vehicle
from fleetwrite.connectors.sdk.connector import ProviderAnswerError, RecordPage
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import HttpAnswer
from unit.connectors.motive.scripts import Script, answered

AT = "Wed, 04 Mar 2026 21:21:00 GMT"


def page(plural: str, *ids: int, total: int = 0, **pagination: int) -> HttpAnswer:
    items = [{plural.removesuffix("s"): {"id": one}} for one in ids]
    return answered(200, {plural: items, "pagination": {"total": total or len(ids), **pagination}}, Date=AT)


async def pages(resource: ResourceEnum, script: Script, cursor: str | None = None) -> list[RecordPage]:
    return [page async for page in CONNECTOR.list_records(resource, script, cursor)]


def asked(script: Script) -> list[dict[str, str]]:
    return [dict(call.query) for call in script.calls]


async def test_vehicles_are_read_to_the_end_and_then_by_what_changed_since_the_beginning() -> None:
    script = Script(page("vehicles", 1, total=101), page("vehicles", 2, total=101))

    first, last = await pages(ResourceEnum.VEHICLE, script)

    assert asked(script) == [{"per_page": "100", "page_no": "1"}, {"per_page": "100", "page_no": "2"}]
    assert (first.is_last, last.is_last) == (False, True)
    script = Script(page("vehicles", 2, total=101))
    assert [one.cursor for one in await pages(ResourceEnum.VEHICLE, script, first.cursor)] == [last.cursor]
    assert asked(script) == [{"per_page": "100", "page_no": "2"}]
    # Two minutes before the first page was answered, by Motive's clock.
    script = Script(page("vehicles"))
    (changes,) = await pages(ResourceEnum.VEHICLE, script, last.cursor)
    assert asked(script) == [{"updated_after": "2026-03-04T21:19:00Z", "per_page": "100", "page_no": "1"}]
    assert (changes.is_last, changes.records) == (True, [])


async def test_trailers_are_read_by_state_and_from_any_page_on() -> None:
    script = Script(page("assets", 1, total=150), page("assets", 2, total=150), page("assets"))

    found = await pages(ResourceEnum.TRAILER, script)

    assert [(one["status"], one["page_no"]) for one in asked(script)] == [
        *(("active", "1"), ("active", "2")),
        ("deactivated", "1"),
    ]
    assert [one.cursor for one in found] == ["active 2", "deactivated 1", None]
    script = Script(page("assets", 7, total=201), page("assets", 8, total=201))
    assert [one.cursor for one in await pages(ResourceEnum.TRAILER, script, "deactivated 2")] == ["deactivated 3", None]


async def test_pages_are_counted_as_motive_counts_them() -> None:
    script = Script(page("users", 1, total=30, per_page=25), page("users", 2, total=30, per_page=25), page("users"))

    assert [one.cursor for one in await pages(ResourceEnum.USER, script)] == ["active 2", "deactivated 1", None]


async def test_a_page_without_anything_ends_a_list_whatever_the_total_says() -> None:
    assert [one.is_last for one in await pages(ResourceEnum.VEHICLE, Script(page("vehicles", total=500)))] == [True]


@pytest.mark.parametrize("answer", [answered(500, b""), answered(200, b"<html>"), answered(200, {"vehicles": None})])
async def test_a_list_that_can_not_be_read_is_no_empty_one(answer: HttpAnswer) -> None:
    with pytest.raises(ProviderAnswerError, match="/v1/vehicles"):
        await pages(ResourceEnum.VEHICLE, Script(answer))


def given(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def test_a_vehicle_is_read_with_its_gateway() -> None:
    item = {
        "number": "7",
        "status": "deactivated",
        "year": "2016",
        "fuel_type": "propane",
        "availability_details": {"availability_status": "out_of_service"},
        "eld_device": {"id": 2, "identifier": "0000748", "model": "lbb-1"},
        "external_ids": [
            {"id": 1, "external_id": "o", "integration_name": "fleetwrite_operation"},
            {"id": 2, "external_id": "p", "integration_name": "partner_vehicle"},
        ],
    }

    assert given(read_vehicle(item)) == {
        "vehicle_name": "7",
        "model_year": 2016,
        "is_active": False,
        "status": "OUT_OF_SERVICE",
        "external_id": "p",
        "eld_id": "2",
        "eld_serial_number": "0000748",
        "eld_device_type": "lbb-1",
        "engine_type": "PROPANE",
    }


def test_what_motive_does_not_say_is_not_made_up() -> None:
    assert given(read_vehicle({"id": 1, "eld_device": None, "year": "n/a", "fuel_type": "a55"})) == {"is_active": True}
    assert given(read_trailer({"id": 1, "type": "custom", "external_ids": None})) == {
        "is_active": True,
        "trailer_type": "custom",
    }
    assert given(read_user({"id": 1, "role": "admin", "time_zone": "Hawaii", "cycle": None})) == {
        "is_active": True,
        "status": "ACTIVE",
        "is_driver": False,
    }
