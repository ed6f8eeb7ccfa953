"""For every connector and each of its creates: the answer is lost though the work was done, and nothing is made twice.

Generated from manifests and examples, so that a new connector is held to it without a line here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.connectors.sdk.examples import Example, Pick, pick
from fleetwrite.connectors.sdk.finding import simulated, simulator_class
from fleetwrite.connectors.sdk.manifest import Offer
from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.kit.egress import HttpAnswer
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.operations.session import ProviderSession
from integration.api.accounts import REGISTRY, examples_of
from integration.operations.endings import DELIVERED, UNKNOWN, endings
from integration.operations.world import FAILED, SUCCESS, World, opened_world

CREATE: Final = ResourceOperationTypeEnum.CREATE

UNPROVABLE: Final[Mapping[tuple[str, ResourceEnum, str], str]] = {
    ("samsara", ResourceEnum.USER, "minimal office user"): "an office user has no mark, and no time",
    ("samsara", ResourceEnum.USER, "full office user"): "an office user has no mark, and no time",
    ("zonar", ResourceEnum.VEHICLE, "full"): "the partner's external_id takes the place of our mark",
    ("zonar", ResourceEnum.TRAILER, "full"): "the partner's external_id takes the place of our mark",
}
"""Creates that are found, and of which nothing shows who made them: they are not taken for ours (ADR 6). Here, too,
nothing is made twice.
"""


@dataclass
class Provider:
    """A world at one provider, and the calls made there that change something; the first of them loses its answer."""

    slug: str
    world: World
    records: Sequence[SourceRecord]
    ids: Mapping[tuple[ResourceEnum, str], UUID]
    changing: list[Call] = field(default_factory=list)

    def held(self) -> int:
        """How many records the provider has in this account, by its own books."""
        simulator = self.world.simulator
        account_id = simulator.demo_accounts()[0].account_id
        return sum(len(simulator.records(account_id, name)) for name in simulator.collections)

    def body(self, example: Example) -> dict[str, Any]:
        """What a partner sends: a text that no other example has, so that their messages are told apart."""
        body = {
            **example.body,
            **{name: self._id(wanted) for name, wanted in example.refers_to.items()},
            **{name: [self._id(one) for one in wanted] for name, wanted in example.lists.items()},
        }
        if "message_text" in body:
            body["message_text"] += f" {uuid4().hex}"
        return body

    def can_tell(self, example: Example) -> bool:
        """Whether the manifest says that such a write can be looked up."""
        can_be_found = self._offer(example).idempotency.can_be_looked_up
        return can_be_found and (self.slug, example.resource, example.name) not in UNPROVABLE

    def calls_wanted(self, example: Example) -> int:
        """How many calls it takes to make it: one, or one for each recipient."""
        if not self._offer(example).is_fanned_out:
            return 1
        return len({self._id(one) for one in example.lists["recipient_ids"]})

    def _offer(self, example: Example) -> Offer:
        offer = REGISTRY.get(self.slug).manifest.offer_of(example.resource, CREATE, example.kind)
        assert offer is not None
        return offer

    def _id(self, wanted: Pick) -> UUID:
        found = pick(wanted, self.records)
        return self.ids[found.resource, found.source_id]


@pytest.fixture(scope="module")
async def provider(
    request: pytest.FixtureRequest,
    postgres_server: EmbeddedPostgres,
    database_clones: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Provider]:
    slug: str = request.param
    folder: Path = tmp_path_factory.mktemp(slug)
    name = await database_clones.take()
    address = f"{postgres_server.dsn.rpartition('/')[0]}/{name}"
    async with opened_world(address, folder, simulator_class(slug)(folder), slug=slug) as world:
        # Those that were there from the start come first, as simulators count their ids up.
        rows = await world.services.database.pool.fetch(
            "SELECT id, resource, source_id, attributes, source_data FROM records ORDER BY length(source_id), source_id"
        )
        records = [
            SourceRecord(
                resource=ResourceEnum(row["resource"]),
                source_id=row["source_id"],
                attributes=row["attributes"],
                source_data=row["source_data"],
            )
            for row in rows
        ]
        ids = {(ResourceEnum(row["resource"]), row["source_id"]): row["id"] for row in rows}
        yield Provider(slug, world, records, ids)
    database_clones.discard(name)


@pytest.fixture
def lossy(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider, at which the answer to the next call that changes something gets lost, when the work is done."""
    send = ProviderSession.send
    provider.changing.clear()

    async def send_and_lose(self: ProviderSession, call: Call, login: Login) -> HttpAnswer:
        if not call.is_read:
            if not provider.changing:
                provider.world.simulator.faults.add(Fault(path="/", kind="commit_then_drop"))
            provider.changing.append(call)
        return await send(self, call, login)

    monkeypatch.setattr(ProviderSession, "send", send_and_lose)
    return provider


@pytest.mark.parametrize(
    ("provider", "example"),
    [
        pytest.param(slug, example, id=f"{slug}-{example.key}")
        for slug in simulated()
        for example in examples_of(slug)
        if example.operation_type is CREATE
    ],
    indirect=["provider"],
    scope="module",
)
async def test_a_create_whose_answer_is_lost_is_made_once(lossy: Provider, example: Example) -> None:
    world, before = lossy.world, lossy.held()
    records = (await world.rows())["records"]

    written = await world.write(example.resource, lossy.body(example), allow_losses=bool(example.losses))
    await world.run_due()
    made_by_one, wanted = lossy.held() - before, lossy.calls_wanted(example)
    await world.work_off()

    operation = await world.operation(written.id)
    lost = lossy.changing[0]
    repeated = [call for call in lossy.changing if (call.method, call.scopes[-1]) == (lost.method, lost.scopes[-1])]
    assert len(repeated) == wanted
    assert made_by_one > 0
    assert lossy.held() - before == made_by_one * wanted
    assert UNKNOWN in endings(operation)
    if lossy.can_tell(example):
        assert (operation.status, endings(operation)[-1]) == (SUCCESS, DELIVERED)
        assert (await world.rows())["records"] - records == 1
        known = await world.services.database.pool.fetchval(
            "SELECT source_id FROM records WHERE id = $1", operation.resource_id
        )
        assert known == operation.source_id
    else:
        assert (operation.status, endings(operation)[-1]) == (FAILED, UNKNOWN)
        assert (await world.rows())["records"] == records


def test_what_is_said_to_be_unprovable_is_there() -> None:
    """An exception that nobody needs any more is taken off the list."""
    shown = {(slug, one.resource, one.name) for slug in simulated() for one in examples_of(slug)}
    assert shown >= UNPROVABLE.keys()
