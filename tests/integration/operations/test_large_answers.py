"""Lists that come in one answer may be large; what a write is answered may not."""

from pathlib import Path

from fleetwrite.connectors.sdk.write import LIST_ANSWER_BYTES, Call
from fleetwrite.connectors.webfleet.simulator.server import WebfleetSimulator
from fleetwrite.kit.egress import MAX_ANSWER_BYTES
from integration.operations.outages import breaker, write_trailers
from integration.operations.world import SUCCESS, World, opened_world

MANY = 60
LONG = "x" * (2 * MAX_ANSWER_BYTES // MANY)


class LargeFleet(WebfleetSimulator):
    """An account whose list of vehicles has twice the bytes that are taken of other answers."""

    def prepare(self) -> None:
        super().prepare()
        account = next(iter(self._accounts))
        for number in range(MANY):
            row = {"objectuid": f"large-{number}", "objectno": f"L{number}", "objectname": "Large", "description": LONG}
            self.storage.put(account, "vehicles", row["objectuid"], row)


async def test_a_list_without_pages_is_read_whole(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url, tmp_path, LargeFleet(tmp_path), slug="webfleet") as world:
        known = await world.services.database.pool.fetchval(
            "SELECT count(*) FROM records WHERE attributes ->> 'vehicle_name' = 'Large'"
        )
    assert known == MANY


def test_only_a_list_may_be_large() -> None:
    listing = Call(method="GET", path="/", scopes=("a",), is_list=True)
    looking = Call(method="GET", path="/", scopes=("a",))
    writing = Call(method="POST", path="/", scopes=("a",), is_list=True)
    taken = [one.max_answer_bytes for one in (listing, looking, writing)]
    assert taken == [LIST_ANSWER_BYTES, MAX_ANSWER_BYTES, MAX_ANSWER_BYTES]


async def test_a_write_that_is_answered_with_too_much_is_looked_up_and_its_host_is_not_to_blame(world: World) -> None:
    world.fault("POST", "/fleet/trailers", "status", status=200, body="x" * (MAX_ANSWER_BYTES + 1), count=5)
    written = await write_trailers(world, 5)
    await world.run_due()
    for one in written:
        (log,) = (await world.operation(one.id)).logs
        assert log.error_details is not None
        assert log.error_details.startswith("outcome_unknown: ")
        assert f"is larger than the {MAX_ANSWER_BYTES} bytes that are taken" in log.error_details
    assert not (await breaker(world)).is_open
    await world.work_off()
    assert {(await world.operation(one.id)).status for one in written} == {SUCCESS}
