"""A provider takes each fuel purchase once and never gives its reference back: none is sent twice."""

from decimal import Decimal

import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.operations.errors import ReferenceUsedError
from integration.operations import writes
from integration.operations.endings import AUTH, UNKNOWN, endings
from integration.operations.world import FAILED, SUCCESS, World

FUEL = ResourceEnum.FUEL_TRANSACTION


async def test_the_same_purchase_twice_is_refused_and_names_the_operation_that_has_it(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark())
    first = await world.write(FUEL, body)
    before = await world.rows()
    with pytest.raises(ReferenceUsedError, match=str(first.id)):
        await world.write(FUEL, body)
    await world.work_off()
    with pytest.raises(ReferenceUsedError, match=str(first.id)):
        await world.write(FUEL, body, is_sync=True)
    assert (await world.rows())["operations"] == before["operations"]
    assert len(writes.FUEL.held(world, body["fuel_vendor"])) == 1


async def test_the_same_purchase_in_other_words_is_the_same(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark())
    await world.write(FUEL, body)
    other_words = body | {
        "fuel_volume": Decimal("101.500"),
        "total_cost": body["total_cost"].quantize(Decimal("1.0000")),
        "transaction_time": "2026-05-04T12:00:00+02:00",
        "fuel_vendor": "Shell",
    }
    with pytest.raises(ReferenceUsedError):
        await world.write(FUEL, other_words)


async def test_another_idempotency_key_makes_it_another_purchase(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark())
    await world.deliver(FUEL, body)
    for key in ("a", "b"):
        assert (await world.deliver(FUEL, body, idempotency_key=f"{body['fuel_vendor']}-{key}")).status is SUCCESS
    await world.deliver(FUEL, body, idempotency_key=f"{body['fuel_vendor']}-a")
    purchases = writes.FUEL.held(world, body["fuel_vendor"])
    assert len(purchases) == len({purchase["transactionReference"] for purchase in purchases}) == 3


async def test_a_purchase_that_was_refused_may_be_sent_again(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark())
    world.fault("POST", "/fuel-purchase", "status", status=400)
    assert (await world.deliver(FUEL, body)).status is FAILED
    assert (await world.deliver(FUEL, body)).status is SUCCESS


async def test_a_purchase_that_expired_unsent_may_be_sent_again(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark())
    world.fault("POST", "/fuel-purchase", "status", status=401, count=10**6)
    expired = await world.write(FUEL, body)
    await world.services.database.pool.execute("UPDATE jobs SET expires_at = fleetwrite_now() + interval '1 minute'")
    await world.work_off()
    assert set(endings(await world.operation(expired.id))) == {AUTH}
    world.simulator.faults.clear()
    assert (await world.deliver(FUEL, body)).status is SUCCESS


@pytest.mark.parametrize("is_sync", [True, False], ids=["sync", "async"])
async def test_a_purchase_of_which_nobody_knows_keeps_its_reference(world: World, is_sync: bool) -> None:
    body = writes.FUEL.body(world, writes.new_mark())
    world.fault("POST", "/fuel-purchase", "drop_before")
    operation = await world.deliver(FUEL, body, is_sync=is_sync)
    assert (operation.status, endings(operation)) == (FAILED, [UNKNOWN])
    with pytest.raises(ReferenceUsedError, match=str(operation.id)):
        await world.write(FUEL, body)
    assert (await world.deliver(FUEL, body, idempotency_key=body["fuel_vendor"])).status is SUCCESS


async def test_a_sync_purchase_that_was_not_sent_may_be_sent_again(world: World) -> None:
    body = writes.FUEL.body(world, writes.new_mark())
    await world.simulator.stop()
    try:
        assert (await world.write(FUEL, body, is_sync=True)).status is FAILED
    finally:
        await world.restart_simulator()
    assert (await world.write(FUEL, body, is_sync=True)).status is SUCCESS
