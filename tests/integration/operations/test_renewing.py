"""Sessions are renewed ahead of their end, by one process; and who may no more is found out before a write needs it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleetwrite.connectors.motive.simulator import MotiveSimulator
from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.connectors.wialon.simulator import SIMULATOR as WIALON
from fleetwrite.contract.enums import ConnectionStatusEnum
from integration.operations.outages import breaker, staled_events, status_of
from integration.operations.world import World, opened_world

SESSION = timedelta(hours=2)
DUE = SESSION * 0.86


@pytest.fixture
async def motive(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(database_url, tmp_path, MotiveSimulator(tmp_path), slug="motive") as world:
        yield world


def grants(world: World) -> list[str]:
    """The grants by which the provider was asked for tokens, refused ones among them."""
    entries = [msgspec.json.decode(entry) for page in world.simulator.storage.log_pages(0) for entry in page]
    return [entry["body"]["grant_type"] for entry in entries if entry["path"] == "/oauth/token"]


async def session_of(world: World) -> Any:
    return await world.services.database.pool.fetchrow(
        "SELECT generation, expires_at - fleetwrite_now() AS left FROM login_sessions WHERE connection_id = $1",
        world.connection.id,
    )


async def test_a_session_is_renewed_once_while_it_still_works(motive: World) -> None:
    await motive.shift(SESSION * 0.74)
    assert await motive.services.renewer.renew_due() == 0
    await motive.shift(DUE - SESSION * 0.74)
    assert (await session_of(motive))["left"] > timedelta(minutes=10)
    assert await motive.services.renewer.renew_due() == 1
    after = await session_of(motive)
    assert (after["generation"], after["left"] > timedelta(minutes=119)) == (2, True)
    assert await motive.services.renewer.renew_due() == 0
    assert grants(motive) == ["authorization_code", "refresh_token"]
    # What the renewal gave is what the next one needs.
    await motive.shift(DUE)
    assert await motive.services.renewer.renew_due() == 1
    assert (await session_of(motive))["generation"] == 3
    assert await status_of(motive) is ConnectionStatusEnum.ACTIVE


async def test_connections_of_which_nothing_is_sent_are_renewed_when_they_send_again(motive: World) -> None:
    await motive.set_status(ConnectionStatusEnum.PAUSED)
    await motive.shift(DUE)
    assert await motive.services.renewer.renew_due() == 0
    await motive.set_status(ConnectionStatusEnum.ACTIVE)
    await motive.services.steering.set_tsp_paused("motive", paused=True)
    assert await motive.services.renewer.renew_due() == 0
    await motive.services.steering.set_tsp_paused("motive", paused=False)
    assert await motive.services.renewer.renew_due() == 1
    assert (await session_of(motive))["generation"] == 2


async def test_a_refused_renewal_parks_the_connection_before_a_write_needs_it(motive: World) -> None:
    motive.simulator.faults.add(Fault(method="POST", path="/oauth/token", kind="status", status=400))
    await motive.shift(DUE)
    await motive.services.renewer.renew_due()
    assert await status_of(motive) is ConnectionStatusEnum.STALE
    assert len(await staled_events(motive, motive.connection.id)) == 1
    assert await motive.services.renewer.renew_due() == 0


async def test_a_renewal_that_does_not_get_through_is_tried_again_a_minute_later(motive: World) -> None:
    motive.simulator.faults.add(Fault(method="POST", path="/oauth/token", kind="status", status=503))
    await motive.shift(DUE)
    await motive.services.renewer.renew_due()
    assert (await session_of(motive))["generation"] == 1
    assert await status_of(motive) is ConnectionStatusEnum.ACTIVE
    assert (await breaker(motive)).failures == 1
    assert await motive.services.renewer.renew_due() == 0
    await motive.shift(timedelta(seconds=61))
    assert await motive.services.renewer.renew_due() == 1
    assert (await session_of(motive))["generation"] == 2


async def test_a_session_of_minutes_is_made_when_somebody_needs_it(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url, tmp_path, WIALON(tmp_path), slug="wialon") as world:
        assert (await session_of(world))["generation"] == 1
        await world.shift(timedelta(hours=1))
        assert await world.services.renewer.renew_due() == 0
