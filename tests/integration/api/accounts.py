"""Connections of a world to every provider's simulator, with the records that are there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import structs

from fleetwrite.connectors.sdk import finding
from fleetwrite.connectors.sdk.capabilities import GroupSending, group_sending
from fleetwrite.connectors.sdk.connector import Connector, SourceRecord
from fleetwrite.connectors.sdk.examples import Example, pick
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.simulator.limits import Limit
from fleetwrite.connectors.sdk.suite.session import Control, DirectSession
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy
from integration.api.world import World
from integration.api.write_bodies import WriteEndpoint
from integration.records.keeping import keep

REGISTRY = Registry.load()
SLUGS = sorted(connector.manifest.slug for connector in REGISTRY)


def examples_of(slug: str) -> list[Example]:
    """A connector's examples; of a group message that is sent one by one, those of a message, to two people at once."""
    examples = [*finding.examples_of(slug)]
    if group_sending(REGISTRY.get(slug).manifest) is GroupSending.ONE_BY_ONE:
        examples += [_to_a_group(one) for one in examples if one.resource is ResourceEnum.MESSAGE]
    return examples


def _to_a_group(example: Example) -> Example:
    recipient = example.refers_to["recipient_id"]
    return structs.replace(
        example,
        resource=ResourceEnum.GROUP_MESSAGE,
        refers_to={field: wanted for field, wanted in example.refers_to.items() if field != "recipient_id"},
        lists={"recipient_ids": (recipient, structs.replace(recipient, nth=recipient.nth + 1), recipient)},
    )


@dataclass(frozen=True)
class ProviderAccount:
    """A connection to a simulator that runs."""

    connector: Connector
    connection_id: str
    credentials: Mapping[str, str]
    url: str
    control: Control
    records: Sequence[SourceRecord]
    ids: Mapping[tuple[ResourceEnum, str], UUID]

    def id_of(self, wanted: Any) -> str:
        found = pick(wanted, self.records)
        return str(self.ids[found.resource, found.source_id])

    def body(self, example: Example) -> dict[str, Any]:
        """The body of an example, as a partner sends it."""
        return {
            **example.body,
            "connection_id": self.connection_id,
            **{field: self.id_of(wanted) for field, wanted in example.refers_to.items()},
            **{field: [self.id_of(one) for one in wanted] for field, wanted in example.lists.items()},
        }

    def path(self, example: Example) -> str:
        target = "" if example.target is None else self.id_of(example.target)
        return WriteEndpoint(example.resource, example.operation_type).path(target)


def method_of(example: Example) -> str:
    return "POST" if example.operation_type is ResourceOperationTypeEnum.CREATE else "PATCH"


@asynccontextmanager
async def connected(world: World, slug: str, folder: Path) -> AsyncIterator[ProviderAccount]:
    """The first demo account of a provider's simulator, connected for the partner of `world`."""
    connector = REGISTRY.get(slug)
    simulator = finding.simulator_class(slug)(folder)
    url = await simulator.start()
    try:
        simulator.replace_limits(Limit(requests=1_000_000, per_seconds=1))  # nobody paces the calls here
        account = simulator.demo_accounts()[0]
        policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
        async with Egress(policy) as egress:
            session = DirectSession(
                egress, connector, Login(base_url=url, credentials=account.credentials, settings=account.settings)
            )
            listed = [
                record
                for listing in connector.manifest.listings
                async for page in connector.list_records(listing.resource, session)
                for record in page.records
            ]
            agreement = await world.services.orgs.ensure_shared_fleet(UUID(world.partner_id), f"of-{slug}", slug)
            made = await world.services.connections.create(
                fleet_id=agreement.fleet_id,
                tsp_slug=slug,
                credentials=session.login.credentials,
                settings={**account.settings, "base_url": url},
            )
            async with world.services.database.transaction() as connection:
                ids = await keep(connection, made.id, listed)
            yield ProviderAccount(
                connector=connector,
                connection_id=str(made.id),
                credentials=session.login.credentials,
                url=url,
                control=Control(egress, url),
                records=listed,
                ids=ids,
            )
    finally:
        await simulator.stop()
