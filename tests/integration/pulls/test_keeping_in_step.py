"""What a pull makes of records, and whom it tells: seen from outside, against a real simulator."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import BaseTelematicsEvent, WebhookCreate
from fleetwrite.contract.telematics_reads import TrailerRead, VehicleRead
from integration.operations.world import NORTHWIND, SUCCESS, World, as_json
from integration.pulls.looking import (
    A_MINUTE,
    TRAILER,
    USER,
    VEHICLE,
    bring_back,
    change,
    id_of,
    keys_of,
    listen,
    names_in,
    read,
    remove,
    row,
    schedule,
    share,
    told,
)


async def test_the_first_pull_keeps_all_that_is_listed(world: World) -> None:
    assert len(world.vehicles) == len(keys_of(world, "vehicle"))
    assert len(world.trailers) == len(keys_of(world, "trailer"))
    assert {len(world.drivers), len(world.office_users)} == {8, 3}
    assert set(world.vehicles) == {id_of(world, VEHICLE, key) for key in keys_of(world, "vehicle")}


async def test_a_record_that_was_never_seen_is_added(world: World) -> None:
    await listen(world, "vehicle.*")
    storage = world.simulator.storage
    first = storage.collection(NORTHWIND, "assets")[keys_of(world, "vehicle")[0]]
    key = str(int(keys_of(world, "vehicle")[0]) + 500)
    bring_back(world, "assets", key, {**first, "id": key, "name": "Unit 42", "vin": "1XKYDP9X7MJ430042"})

    await world.pull()

    ((name, data),) = await told(world)
    assert name == "vehicle.added"
    assert data == as_json(await read(world, VEHICLE, key))
    assert (data["id"], data["vehicle_name"]) == (str(id_of(world, VEHICLE, key)), "Unit 42")
    assert "source_data" not in data
    await world.pull()
    assert await told(world) == []


async def test_what_changed_is_modified_and_the_rest_stays_untouched(world: World) -> None:
    await listen(world, "vehicle.*", "trailer.*", "user.*")
    changed, other = keys_of(world, "vehicle")[:2]
    before = await row(world, VEHICLE, other)
    await world.shift(A_MINUTE)
    change(world, "assets", changed, name="Renamed")

    await world.pull()

    ((name, data),) = await told(world)
    assert (name, data["vehicle_name"]) == ("vehicle.modified", "Renamed")
    assert msgspec.convert(data, VehicleRead).id == id_of(world, VEHICLE, changed)
    assert await row(world, VEHICLE, other) == before


async def test_what_changes_in_the_providers_own_data_only_is_kept_and_not_told(world: World) -> None:
    await listen(world, "vehicle.*")
    (key, *_) = keys_of(world, "vehicle")
    change(world, "assets", key, harshAccelerationSettingType="heavyDuty")
    await world.pull()
    assert (await row(world, VEHICLE, key))["source_data"]["harshAccelerationSettingType"] == "heavyDuty"
    assert await told(world) == []


async def test_what_a_whole_list_does_not_show_any_more_is_gone_and_comes_back_as_the_same(world: World) -> None:
    await listen(world, "trailer.*")
    (key, *_) = keys_of(world, "trailer")
    record = remove(world, "assets", key)
    await world.shift(A_MINUTE)
    await world.pull()

    ((name, data),) = await told(world)
    assert name == "trailer.removed"
    assert data.keys() == set(BaseTelematicsEvent.__struct_fields__)
    gone = msgspec.convert(data, BaseTelematicsEvent)
    assert (gone.id, gone.source_id, gone.fleet_ref) == (id_of(world, TRAILER, key), key, "fleet-1")
    assert gone.deleted_at == (await row(world, TRAILER, key))["deleted_at"]
    shown = await read(world, TRAILER, key)
    assert (shown.deleted_at, shown.updated_at) == (gone.deleted_at, gone.deleted_at)
    await world.pull()
    assert await told(world) == []

    bring_back(world, "assets", key, record)
    await world.pull()
    ((name, data),) = await told(world)
    assert (name, data["id"], data["deleted_at"]) == ("trailer.modified", str(gone.id), None)


async def test_a_pull_that_did_not_reach_the_end_takes_nothing_for_gone(world: World) -> None:
    (driver,) = [one for one in world.held("drivers") if one["name"] == "Ana Ruiz"]
    remove(world, "drivers", driver["id"])
    await world.shift(A_MINUTE)
    # Office users and active drivers are read; then those who are not active.
    world.fault("GET", "/users", "delay", delay_s=0.001)
    world.fault("GET", "/fleet/drivers", "delay", delay_s=0.001)
    world.fault("GET", "/fleet/drivers", "status", status=400)
    await world.services.schedules.pull_soon([world.connection.id])
    await world.run_pulls(await world.claim_pulls())
    assert (await row(world, USER, driver["id"]))["deleted_at"] is None
    await world.pull()
    await world.pull()
    assert (await row(world, USER, driver["id"]))["deleted_at"] is not None


async def test_who_changed_lists_while_they_were_read_is_not_taken_for_gone(world: World) -> None:
    await listen(world, "user.*")
    ana, ben = (one for one in world.held("drivers") if one["name"] in {"Ana Ruiz", "Ben Carter"})
    records = {one["id"]: remove(world, "drivers", one["id"]) for one in (ana, ben)}
    await world.shift(A_MINUTE)
    # Neither list of drivers showed them: not the first one, and when they were in that, not the second one.
    await world.pull()
    assert await told(world) == []
    bring_back(world, "drivers", ana["id"], records[ana["id"]])
    await world.pull()
    # Whom two readings did not show, is gone; whom the second one showed, was there all the time.
    assert [(name, data["id"]) for name, data in await told(world)] == [
        ("user.removed", str(id_of(world, USER, ben["id"])))
    ]
    remove(world, "drivers", ana["id"])
    await world.pull()
    assert await told(world) == []


async def test_only_who_subscribed_is_told(world: World) -> None:
    other = await world.services.orgs.ensure_partner("Umbrella", "umbrella")
    wanted = WebhookCreate(url="http://127.0.0.1:9/", event_name=WebhookSubscribableEvent.VEHICLE_ALL)
    await world.services.subscriptions.create(other.id, wanted)
    await listen(world, "vehicle.removed", "trailer.*")
    for name in ("first", "second"):
        change(world, "assets", keys_of(world, "vehicle")[0], name=name)
        change(world, "assets", keys_of(world, "trailer")[0], name=name)
        await world.pull()
    # `told` sees to it that nobody else was.
    assert names_in(await told(world)) == ["trailer.modified"] * 2


async def test_only_of_what_the_fleet_shares_anything_is_told(world: World) -> None:
    await listen(world, "vehicle.*", "trailer.*")
    await share(world, TRAILER)
    for resource in ("vehicle", "trailer"):
        change(world, "assets", keys_of(world, resource)[0], name="renamed")
    await world.pull()
    assert names_in(await told(world)) == ["trailer.modified"]


async def test_a_write_that_succeeds_tells_of_its_record_at_once(world: World) -> None:
    await listen(world, "trailer.*")
    made = await world.deliver(TRAILER, {"trailer_name": "Reefer 12"})
    assert made.status is SUCCESS
    ((name, data),) = await told(world)
    assert (name, data["id"], data["trailer_name"]) == ("trailer.added", str(made.resource_id), "Reefer 12")
    assert data == as_json(await read(world, TRAILER, made.source_id or ""))

    await world.deliver(TRAILER, {"trailer_name": "Reefer 13"}, made.resource_id)
    ((name, data),) = await told(world)
    assert (name, data["trailer_name"]) == ("trailer.modified", "Reefer 13")

    await world.deliver(TRAILER, {"trailer_name": "Reefer 13"}, made.resource_id)
    assert await told(world) == []


async def test_a_pull_after_a_write_has_nothing_new_to_tell(world: World) -> None:
    await listen(world, "trailer.*")
    made = await world.deliver(TRAILER, {"trailer_name": "Reefer 12", "vin": "1JJV532D7KL123456", "oem": "Utility"})
    await world.shift(A_MINUTE)
    await world.pull()
    added, *modified = await told(world)
    assert added[0] == "trailer.added"
    # What only this list shows may come on top; nothing that was written is lost, shown or not.
    for _, data in modified:
        assert {name: data[name] for name in ("trailer_name", "vin", "oem")} == {
            "trailer_name": "Reefer 12",
            "vin": "1JJV532D7KL123456",
            "oem": "Utility",
        }
    shown = await read(world, TRAILER, made.source_id or "")
    assert isinstance(shown, TrailerRead)
    assert (shown.trailer_name, shown.vin, shown.oem) == ("Reefer 12", "1JJV532D7KL123456", "Utility")
    await world.pull()
    assert await told(world) == []


async def test_a_page_read_before_a_write_does_not_undo_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await listen(world, "vehicle.*")
    (key, *_) = keys_of(world, "vehicle")
    store_page = world.services.pull_handler._storer.store_page

    async def written_meanwhile(*page: Any, **how: Any) -> Any:
        """The page is read; before it is stored, a write is made and settled."""
        monkeypatch.undo()
        wrote = await world.deliver(VEHICLE, {"vehicle_name": "Written"}, id_of(world, VEHICLE, key))
        assert wrote.status is SUCCESS
        return await store_page(*page, **how)

    await world.shift(A_MINUTE)
    monkeypatch.setattr(world.services.pull_handler._storer, "store_page", written_meanwhile)
    await world.pull()

    shown = await read(world, VEHICLE, key)
    assert isinstance(shown, VehicleRead)
    assert shown.vehicle_name == "Written"
    assert names_in(await told(world)) == ["vehicle.modified"]
    await world.shift(A_MINUTE)
    await world.pull()
    assert names_in(await told(world)) == []


async def test_what_was_written_while_a_list_was_read_is_not_taken_for_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    store_page = world.services.pull_handler._storer.store_page

    async def written_meanwhile(pull: Any, *page: Any, **how: Any) -> Any:
        if pull.schedule.resource is TRAILER and not made:
            operation = await world.deliver(TRAILER, {"trailer_name": str(uuid4())})
            made.append(operation.source_id or "")
        return await store_page(pull, *page, **how)

    monkeypatch.setattr(world.services.pull_handler._storer, "store_page", written_meanwhile)
    await world.pull()
    assert (await row(world, TRAILER, made[0]))["deleted_at"] is None


async def test_a_write_right_before_a_pull_is_not_taken_for_gone_while_lists_may_lag(world: World) -> None:
    made = await world.deliver(TRAILER, {"trailer_name": "Slow to show"})
    record = remove(world, "assets", made.source_id or "")  # the list does not show it yet
    await world.pull()
    assert (await row(world, TRAILER, made.source_id or ""))["deleted_at"] is None
    bring_back(world, "assets", made.source_id or "", record)
    await world.shift(A_MINUTE)
    await world.pull()
    assert (await row(world, TRAILER, made.source_id or ""))["deleted_at"] is None


async def test_the_next_execution_begins_an_interval_after_the_last_one_did(world: World) -> None:
    assert await world.claim_pulls() == []
    one = await schedule(world, VEHICLE)
    await world.shift(timedelta(seconds=one.execution_interval_seconds - 5))
    assert await world.claim_pulls() == []
    await world.shift(timedelta(seconds=6))
    jobs = await world.claim_pulls()
    assert len(jobs) == 3
    await world.run_pulls(jobs)
    assert await world.claim_pulls() == []
    after = await schedule(world, VEHICLE)
    assert after.next_execution_at - one.next_execution_at >= timedelta(seconds=one.execution_interval_seconds)
    assert after.last_data_at is not None
