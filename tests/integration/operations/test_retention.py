"""Operations are kept for a configured time after their end, and what must outlive them does."""

from datetime import timedelta

import pytest

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.operations.errors import OperationNotFoundError, ReferenceUsedError
from integration.operations import writes
from integration.operations.world import SUCCESS, World

KEPT = timedelta(days=180)


async def test_an_operation_is_removed_with_its_attempts_when_its_time_is_over(fresh_world: World) -> None:
    world = fresh_world
    ended = await world.deliver(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()}, idempotency_key="once")
    assert ended.status is SUCCESS
    await world.shift(KEPT - timedelta(hours=1))
    assert (await world.services.sweeper.sweep())["operations"] == 0
    await world.shift(timedelta(hours=2))
    assert (await world.services.sweeper.sweep())["operations"] == 1
    with pytest.raises(OperationNotFoundError):
        await world.operation(ended.id)
    rows = await world.rows()
    assert (rows["operations"], rows["attempts"]) == (0, 0)
    assert await world.services.database.pool.fetchval("SELECT count(*) FROM idempotency_keys") == 0


async def test_an_operation_that_still_waits_is_never_removed(fresh_world: World) -> None:
    waiting = await fresh_world.write(ResourceEnum.TRAILER, {"trailer_name": writes.new_mark()})
    await fresh_world.shift(KEPT * 3)
    assert (await fresh_world.services.sweeper.sweep())["operations"] == 0
    assert (await fresh_world.operation(waiting.id)).id == waiting.id


async def test_a_reference_that_the_provider_took_stays_used_when_its_operation_is_gone(fresh_world: World) -> None:
    world = fresh_world
    body = writes.FUEL.body(world, writes.new_mark())
    first = await world.deliver(ResourceEnum.FUEL_TRANSACTION, body)
    assert first.status is SUCCESS
    await world.shift(KEPT + timedelta(hours=1))
    assert (await world.services.sweeper.sweep())["operations"] == 1
    with pytest.raises(ReferenceUsedError, match="another operation already carries this one"):
        await world.write(ResourceEnum.FUEL_TRANSACTION, body)
