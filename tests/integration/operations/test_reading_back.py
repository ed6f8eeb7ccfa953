"""What was written can be read: in the contract's units, with both sides' ids, under ids that a partner brought."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from fleetwrite.contract.enums import MessageStatusEnum, ResourceEnum
from fleetwrite.contract.telematics_reads import (
    DvirLogRead,
    FuelTransactionRead,
    GroupMessageRead,
    MessageRead,
    Point,
)
from fleetwrite.kit.keyset import Window
from fleetwrite.records.errors import InvalidImportError
from fleetwrite.records.listing import RecordFilter
from fleetwrite.records.rendering import ReadModel
from integration.operations import writes
from integration.operations.world import SUCCESS, World

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def read(world: World, resource: ResourceEnum, source_id: str | None) -> ReadModel:
    """The record as its list shows it."""
    wanted = RecordFilter(resource=resource, source_ids=[str(source_id)], occurred_from=LONG_AGO)
    counted = await world.services.records.page(world.partner_id, wanted, Window())
    (record,) = counted.page.items
    return record


async def source_ids(world: World, *ids: UUID) -> list[str]:
    rows = await world.services.database.pool.fetch("SELECT id, source_id FROM records WHERE id = ANY($1)", list(ids))
    found = {row["id"]: row["source_id"] for row in rows}
    return [found[one] for one in ids]


async def bring(world: World, *rows: tuple[Any, ...]) -> None:
    """Import ids: resource, source_id, id."""
    lines = ["connection_id,resource,source_id,id", *(",".join(map(str, (world.connection.id, *row))) for row in rows)]
    await world.services.id_map.import_file(world.partner_id, "\n".join(lines).encode(), apply=True)


async def test_a_message_is_read_as_it_was_sent(world: World) -> None:
    mark = writes.new_mark()
    operation = await world.deliver(ResourceEnum.MESSAGE, writes.MESSAGE.body(world, mark))
    message = await read(world, ResourceEnum.MESSAGE, operation.source_id)
    assert isinstance(message, MessageRead)
    assert (message.id, message.message_text) == (operation.resource_id, f"Gate {mark}")
    assert (message.recipient_id, message.status) == (world.drivers[0], MessageStatusEnum.SENT)
    assert [message.source_recipient_id] == await source_ids(world, world.drivers[0])
    # Samsara has no place for a sender: nobody there would know who it was.
    assert (message.sender_id, message.source_sender_id) == (None, None)
    assert len(message.message_hash or "") == 64
    assert message.occurred_at == message.created_at


async def test_a_group_message_is_read_with_all_its_recipients(world: World) -> None:
    body = writes.GROUP_MESSAGE.body(world, writes.new_mark()) | {"recipient_ids": list(world.drivers[:2])}
    operation = await world.deliver(ResourceEnum.GROUP_MESSAGE, body)
    message = await read(world, ResourceEnum.GROUP_MESSAGE, operation.source_id)
    assert isinstance(message, GroupMessageRead)
    assert message.recipient_ids == list(world.drivers[:2])
    assert message.source_recipient_ids == await source_ids(world, *world.drivers[:2])


async def test_an_inspection_is_read_in_metres(world: World) -> None:
    body = writes.DVIR_LOG.body(world, writes.new_mark()) | {"odometer": Decimal(100), "odometer_unit": "miles"}
    operation = await world.deliver(ResourceEnum.DVIR_LOG, body)
    inspection = await read(world, ResourceEnum.DVIR_LOG, operation.source_id)
    assert isinstance(inspection, DvirLogRead)
    assert (inspection.odometer, inspection.odometer_km) == (Decimal("160934.4"), Decimal("160.9344"))
    assert (inspection.vehicle_id, inspection.log_type) == (world.vehicles[0], "mechanic")
    assert [inspection.source_vehicle_id] == await source_ids(world, world.vehicles[0])


async def test_a_fuel_purchase_is_read_with_its_time_place_and_volume(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark()) | {"latitude": Decimal("32.78"), "longitude": Decimal("-96.8")}
    del body["location_string"]
    operation = await world.deliver(ResourceEnum.FUEL_TRANSACTION, body, allow_losses=True)
    assert operation.status is SUCCESS, operation.logs
    purchase = await read(world, ResourceEnum.FUEL_TRANSACTION, operation.source_id)
    assert isinstance(purchase, FuelTransactionRead)
    assert purchase.occurred_at == datetime(2026, 5, 4, 10, tzinfo=UTC)
    assert purchase.fuel_volume == Decimal("0.1015")
    assert purchase.total_cost == str(body["total_cost"])
    assert purchase.location == Point(coordinates=[Decimal("-96.8"), Decimal("32.78")])
    assert (purchase.driver_id, purchase.vehicle_id) == (world.drivers[0], world.vehicles[0])
    assert purchase.odometer_unit == "m"


async def test_a_write_that_succeeds_answers_with_the_id_that_was_brought_for_it(fresh_world: World) -> None:
    world = fresh_world
    before = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    # The simulator counts its ids.
    next_ids = [str(int(before.source_id or 0) + step) for step in range(1, 20)]
    brought = {source_id: uuid4() for source_id in next_ids}
    await bring(world, *(("trailer", source_id, record_id) for source_id, record_id in brought.items()))
    operation = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    assert operation.status is SUCCESS
    assert operation.resource_id == brought[operation.source_id or ""]
    assert (await world.events(operation.id))[-1][1]["resource_id"] == str(operation.resource_id)
    assert (await read(world, ResourceEnum.TRAILER, operation.source_id)).id == operation.resource_id
    answered = await world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, is_sync=True)
    assert answered.resource_id == brought[answered.source_id or ""]


async def test_writes_take_an_id_that_was_brought_and_not_the_one_it_replaced(fresh_world: World) -> None:
    world = fresh_world
    (source_id,) = await source_ids(world, world.drivers[0])
    old, brought = world.drivers[0], uuid4()
    await bring(world, ("user", source_id, brought))
    updated = await world.deliver(ResourceEnum.USER, {"phone_number": "+15555550123"}, brought)
    assert (updated.status, updated.resource_id, updated.source_id) == (SUCCESS, brought, source_id)
    sent = await world.deliver(
        ResourceEnum.MESSAGE, writes.MESSAGE.body(world, writes.new_mark()) | {"recipient_id": brought}
    )
    assert sent.payload["source_recipient_id"] == source_id
    message = await read(world, ResourceEnum.MESSAGE, sent.source_id)
    assert msgspec.structs.asdict(message)["recipient_id"] == brought
    # A pull keeps it, and nobody can change it any more: operations name it.
    await world.pull()
    assert (await read(world, ResourceEnum.USER, source_id)).id == brought
    with pytest.raises(InvalidImportError, match="operations name it"):
        await bring(world, ("user", source_id, old))
