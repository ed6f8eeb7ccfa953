"""What is special about Traccar, against its simulator over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.traccar.traccar_server import Server, fleet, serve
from connectors.traccar.traccar_writes import DRIVER, VEHICLE, create, message, update
from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import Applied, Rejected, Transient
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.connectors.traccar.addressing import MOST_ASKED
from fleetwrite.connectors.traccar.connector import CONNECTOR
from fleetwrite.connectors.traccar.reading import PAGE_SIZE
from fleetwrite.connectors.traccar.simulator import demo_fleets
from fleetwrite.contract.enums import ResourceEnum

# Ids in the first demonstration fleet, by the order in which the simulator makes them.
REPORTED, LINKED, LINKED_TWICE, ALONE = "1", "2", "3", "4"
SECOND_DEVICE = 2


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with the demonstration fleets."""
    async with serve(tmp_path) as started:
        yield started


# Messages


async def test_a_message_to_a_driver_whom_a_device_reports_is_sent_there_at_once(server: Server) -> None:
    outcome = await server.deliver(write := message(REPORTED))

    assert isinstance(outcome, Applied)
    assert outcome.source_id == f"fleetwrite:{write.operation_id.hex}"
    (sent,) = server.held("commands")
    assert (sent["deviceId"], sent["type"], sent["attributes"], sent["sent"]) == (
        1,
        "message",
        {"message": "Dock 4"},
        True,
    )


async def test_a_message_to_a_driver_who_is_linked_to_a_device_waits_there_and_keeps_an_id_of_ours(
    server: Server,
) -> None:
    outcome = await server.deliver(write := message(LINKED))

    assert isinstance(outcome, Applied)
    assert outcome.source_id == f"fleetwrite:{write.operation_id.hex}"
    (queued,) = server.held("commands")
    assert (queued["deviceId"], queued["sent"]) == (SECOND_DEVICE, False)
    assert outcome.source_data["deviceId"] == SECOND_DEVICE


async def test_what_a_device_reports_counts_more_than_links(server: Server) -> None:
    await server.call("POST", "/api/permissions", {"deviceId": SECOND_DEVICE, "driverId": int(REPORTED)})

    assert isinstance(await server.deliver(message(REPORTED)), Applied)
    (sent,) = server.held("commands")
    assert sent["deviceId"] == 1


@pytest.mark.parametrize(
    ("driver_id", "words"),
    [
        (ALONE, ("driver_has_no_vehicle", "Link the driver")),
        (LINKED_TWICE, ("driver_has_several_vehicles", "3, 4")),
        ("4711", ("no driver 4711",)),
    ],
)
async def test_a_message_that_would_not_surely_reach_the_driver_is_refused_and_not_sent(
    server: Server, driver_id: str, words: tuple[str, ...]
) -> None:
    outcome = await server.deliver(message(driver_id))

    assert isinstance(outcome, Rejected)
    assert all(word in outcome.details for word in words), outcome.details
    assert await server.written() == []


async def test_a_driver_whom_two_devices_report_gets_no_message(tmp_path: Path) -> None:
    devices = tuple(
        {"name": f"Unit {number}", "uniqueId": str(number), "protocol": "huabao", "driver": "K1"} for number in (1, 2)
    )
    async with serve(tmp_path, [fleet(drivers=({"name": "Ana", "uniqueId": "K1"},), devices=devices)]) as server:
        outcome = await server.deliver(message("1"))
        assert isinstance(outcome, Rejected)
        assert "driver_has_several_vehicles: the devices 1, 2" in outcome.details
        assert await server.written() == []


@pytest.mark.parametrize("more", [{"protocol": "teltonika"}, {"linked": ["K1"]}], ids=["knows none", "never reported"])
async def test_a_device_that_shows_no_messages_gets_none(tmp_path: Path, more: dict[str, Any]) -> None:
    device = {"name": "Unit 1", "uniqueId": "1", **({"driver": "K1"} if "protocol" in more else {}), **more}
    async with serve(tmp_path, [fleet(drivers=({"name": "Ana", "uniqueId": "K1"},), devices=(device,))]) as server:
        outcome = await server.deliver(message("1"))
        assert isinstance(outcome, Rejected)
        assert "shows no messages" in outcome.details
        assert await server.written() == []


async def test_links_are_not_asked_of_a_large_fleet(tmp_path: Path) -> None:
    devices = tuple({"name": f"Unit {number}", "uniqueId": str(number)} for number in range(MOST_ASKED + 1))
    async with serve(tmp_path, [fleet(drivers=({"name": "Ana", "uniqueId": "K1"},), devices=devices)]) as server:
        outcome = await server.deliver(message("1"))
        assert isinstance(outcome, Rejected)
        assert "processing.useLinkedDriver" in outcome.details
        assert len(await server.control.requests()) == 3


async def test_the_device_is_found_before_anything_is_written(server: Server) -> None:
    await server.control.add_fault({"path": "/api/positions", "kind": "status", "status": 500})
    with pytest.raises(ProviderAnswerError):
        await server.deliver(message(REPORTED))
    assert await server.written() == []


# Updates


async def test_an_update_leaves_alone_what_it_does_not_name(server: Server) -> None:
    before = next(device for device in server.held("devices") if device["id"] == 1)
    write = update(
        ResourceEnum.VEHICLE,
        "1",
        {"vehicle_name": "Unit 101a", "vin": None, "notes": "Repainted"},
        cleared=frozenset({"vin"}),
    )

    assert isinstance(await server.deliver(write), Applied)
    after = next(device for device in server.held("devices") if device["id"] == 1)
    assert before["attributes"] == {"vin": "1XKYDP9X1MJ431001", "speedLimit": 48.6}
    assert after == {
        **before,
        "name": "Unit 101a",
        "attributes": {"speedLimit": 48.6, "notes": "Repainted"},
    }


@pytest.mark.parametrize(
    ("resource", "path"), [(ResourceEnum.VEHICLE, "/api/devices/1"), (ResourceEnum.USER, "/api/drivers/1")]
)
async def test_an_update_of_what_is_gone_is_refused_and_nothing_is_sent(
    server: Server, resource: ResourceEnum, path: str
) -> None:
    await server.call("DELETE", path)
    outcome = await server.deliver(update(resource, "1", {"notes": "Repainted"}))

    assert isinstance(outcome, Rejected)
    assert "it was deleted" in outcome.details
    assert await server.written() == [("DELETE", path)]


async def test_an_update_whose_record_can_not_be_read_sends_nothing(server: Server) -> None:
    await server.control.add_fault({"path": "/api/devices", "kind": "status", "status": 502})
    with pytest.raises(ProviderAnswerError):
        await server.deliver(update(ResourceEnum.VEHICLE, "1", {"notes": "Repainted"}))
    assert await server.written() == []


async def test_an_update_may_be_repeated_after_a_failure_of_the_server(server: Server) -> None:
    await server.control.add_fault({"path": "/api/devices", "kind": "status", "method": "PUT", "status": 500})
    outcome = await server.deliver(update(ResourceEnum.VEHICLE, "1", {"notes": "Repainted"}))
    assert isinstance(outcome, Transient)


# Refusals: always 400, always a stack trace


@pytest.mark.parametrize(
    "write",
    [
        create(ResourceEnum.VEHICLE, {**VEHICLE, "eld_serial_number": "862464061000002"}),
        update(ResourceEnum.VEHICLE, "1", {"eld_serial_number": "862464061000002"}),
        create(ResourceEnum.USER, {**DRIVER, "employee_number": "1002AF31C2"}),
        update(ResourceEnum.USER, "1", {"employee_number": "1002AF31C2"}),
    ],
    ids=lambda write: f"{write.resource.value}.{write.operation_type.value}",
)
async def test_who_holds_the_identifier_is_named(server: Server, write: Write) -> None:
    outcome = await server.deliver(write)

    assert isinstance(outcome, Rejected)
    kind, field = (
        ("driver", "employee_number") if write.resource is ResourceEnum.USER else ("device", "eld_serial_number")
    )
    assert outcome.details.startswith(f"Traccar has {kind} 2 with the same {field} ")


async def test_a_stranger_on_the_server_whom_the_user_can_not_see_is_suspected(server: Server) -> None:
    outcome = await server.deliver(create(ResourceEnum.VEHICLE, {**VEHICLE, "eld_serial_number": "862464062000001"}))

    assert isinstance(outcome, Rejected)
    assert "a device with this eld_serial_number that the token's user can not see" in outcome.details
    assert "Exception" not in outcome.details
    assert "862464062000001" not in outcome.details


async def test_what_an_earlier_attempt_made_is_found_when_the_second_is_refused(server: Server) -> None:
    write = create(ResourceEnum.VEHICLE, VEHICLE)
    first = await server.deliver(write)
    assert isinstance(first, Applied)
    count = len(server.held("devices"))

    second = await server.deliver(write)

    assert isinstance(second, Applied)
    assert second.source_id == first.source_id
    assert len(server.held("devices")) == count


async def test_a_user_who_may_not_write_is_told_so_without_the_stack_trace(tmp_path: Path) -> None:
    async with serve(tmp_path, [msgspec.structs.replace(demo_fleets()[0], readonly=True)]) as server:
        for write in (create(ResourceEnum.USER, DRIVER), update(ResourceEnum.VEHICLE, "1", {"notes": "n"})):
            outcome = await server.deliver(write)
            assert isinstance(outcome, Rejected)
            assert "a user who may not write" in outcome.details
            assert "SecurityException" not in outcome.details
        outcome = await server.deliver(message(REPORTED))
        assert isinstance(outcome, Rejected)
        assert "SecurityException" not in outcome.details


async def test_an_answer_of_something_else_is_no_login(server: Server) -> None:
    page = {"path": "/api/commands/types", "kind": "status", "status": 200, "body": "<html>It works!</html>"}
    await server.control.add_fault(page)
    with pytest.raises(ProviderAnswerError):
        await CONNECTOR.check_login(server.session())


# Lists


async def test_nothing_is_left_out_of_a_list_that_loses_records_between_two_pages(tmp_path: Path) -> None:
    devices = tuple({"name": f"Unit {number:04}", "uniqueId": str(number)} for number in range(PAGE_SIZE + 50))
    async with serve(tmp_path, [fleet(devices=devices)]) as server:
        pages = CONNECTOR.list_records(ResourceEnum.VEHICLE, server.session())
        first = await anext(pages)
        for record in first.records[:10]:
            await server.call("DELETE", f"/api/devices/{record.source_id}")
        rest = [record.source_id async for page in pages for record in page.records]

        assert len(first.records) == PAGE_SIZE
        assert len(rest) == 50
        assert {str(device["id"]) for device in server.held("devices")} <= {
            *rest,
            *(r.source_id for r in first.records),
        }


async def test_records_of_one_name_on_both_sides_of_a_page_are_listed_once_each(tmp_path: Path) -> None:
    # The first name is alone, so that the end of the page parts two of one name.
    devices = tuple({"name": f"Unit {-(-number // 2):04}", "uniqueId": str(number)} for number in range(PAGE_SIZE + 51))
    async with serve(tmp_path, [fleet(devices=devices)]) as server:
        assert devices[PAGE_SIZE - 1]["name"] == devices[PAGE_SIZE]["name"]
        ids = await server.ids(ResourceEnum.VEHICLE)
        assert sorted(ids, key=int) == [str(device["id"]) for device in server.held("devices")]


@pytest.mark.parametrize("count", [PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1])
async def test_a_server_without_pages_is_listed_once(tmp_path: Path, count: int) -> None:
    drivers = tuple({"name": f"Ana {number}", "uniqueId": str(number)} for number in range(count))
    async with serve(tmp_path, [fleet(drivers=drivers)], has_pages=False) as server:
        ids = await server.ids(ResourceEnum.USER)
        assert len(ids) == len(set(ids)) == count


async def test_a_driver_is_found_behind_the_first_page(tmp_path: Path) -> None:
    drivers = tuple({"name": f"Ana {number:04}", "uniqueId": str(number)} for number in range(PAGE_SIZE + 1))
    async with serve(tmp_path, [fleet(drivers=drivers)]) as server:
        write = create(ResourceEnum.USER, {**DRIVER, "employee_number": str(PAGE_SIZE)})
        outcome = await server.deliver(write)
        assert isinstance(outcome, Rejected)
        assert f"driver {PAGE_SIZE + 1} with the same employee_number" in outcome.details
