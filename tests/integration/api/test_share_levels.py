"""What a fleet does not share can be neither written nor read: every write and every read of the endpoint table."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import UUID

import pytest

from fleetwrite.api.endpoint import Endpoint
from fleetwrite.api.records import RECORDS
from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum, ShareLevelEnum
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.orgs.models import EVERYTHING, OPERATOR, READ_ALL, Levels
from fleetwrite.records.rendering import READ_MODELS
from fleetwrite.records.store import upsert_many
from integration.api.conftest import address_in
from integration.api.error_bodies import error_body
from integration.api.world import HttpAnswer, World, opened_world
from integration.api.write_bodies import ENDPOINTS, WriteEndpoint

READ_WRITE: Final = ShareLevelEnum.READ_WRITE


def governing(resource: ResourceEnum) -> ResourceEnum:
    """By whose level a resource is shared."""
    return ResourceEnum.MESSAGE if resource is ResourceEnum.GROUP_MESSAGE else resource


def without(levels: Levels, resource: ResourceEnum) -> Levels:
    return {name: level for name, level in levels.items() if name is not governing(resource)}


@pytest.fixture(scope="module")
async def sharing(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A world of its own: whoever shares something else in it is in nobody's way. It has a record of each resource."""
    name = await database_clones.take()
    async with opened_world(address_in(postgres_server, name), tmp_path_factory.mktemp("sharing")) as world:
        for connected in (world.first, world.second):
            listed = [
                SourceRecord(resource=resource, source_id="900", attributes={}, source_data={})
                for resource in READ_MODELS
            ]
            async with world.services.database.transaction() as connection:
                await upsert_many(connection, UUID(connected.id), listed)
        yield world
    database_clones.discard(name)


async def share(world: World, levels: Levels) -> None:
    """Let the first fleet share this and nothing else, and forget any pause."""
    agreement = await world.services.orgs.agreement_of(UUID(world.partner_id), world.first.fleet_ref)
    assert agreement is not None
    await world.services.agreements.change(
        OPERATOR, agreement.id, scopes=levels, status=ShareAgreementStatusEnum.ACTIVE
    )


async def write(world: World, endpoint: WriteEndpoint, query: str = "") -> HttpAnswer:
    path = endpoint.path(endpoint.target(world.first))
    return await world.send_json(endpoint.method, f"{path}{query}", endpoint.body(world))


@pytest.mark.parametrize("query", ["", "?is_sync=true", "?dry_run=true"])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: str(endpoint.name))
async def test_a_write_needs_read_write_of_its_resource_and_of_no_other(
    sharing: World, endpoint: WriteEndpoint, query: str
) -> None:
    resource = governing(endpoint.resource)
    before = await sharing.row_counts()
    for levels, words in (
        (without(EVERYTHING, resource), "neither read nor write"),
        ({**EVERYTHING, resource: ShareLevelEnum.READ}, "only read"),
    ):
        await share(sharing, levels)
        refused = await write(sharing, endpoint, query)
        assert refused.status == 403
        assert words in error_body(refused).detail
    after = await sharing.row_counts()
    assert after | {"events": 0} == before | {"events": 0}

    await share(sharing, {**READ_ALL, resource: READ_WRITE})
    if query != "?is_sync=true":  # nobody is at the other end
        accepted = await write(sharing, endpoint, query)
        assert accepted.status in {200, 202}, accepted.text


@pytest.mark.parametrize("status", ["paused", "cancelled", "expired", "not begun"])
async def test_an_agreement_that_does_not_count_stops_new_writes_at_once_and_leaves_accepted_ones(
    fresh_world: World, status: str
) -> None:
    endpoint = next(one for one in ENDPOINTS if one.resource is ResourceEnum.MESSAGE)
    accepted = (await write(fresh_world, endpoint)).json()
    failing: Mapping[str, str] = {
        "paused": "status = 'paused'",
        "cancelled": "status = 'cancelled'",
        "expired": "expires_at = fleetwrite_now()",
        "not begun": "effective_at = fleetwrite_now() + interval '1 hour'",
    }
    await fresh_world.services.database.pool.execute(
        f"UPDATE share_agreements SET {failing[status]} WHERE fleet_ref = 'fleet-1'"  # noqa: S608 - texts of this test
    )

    refused = await write(fresh_world, endpoint)
    assert refused.status == 403
    assert "share-agreements" in error_body(refused).detail
    path = f"/v2/fleetwrite/operations/{accepted['id']}"
    # It is the partner's own: followed to its end, which comes as ever.
    assert (await fresh_world.get(path)).json()["status"] == "pending"
    await fresh_world.send_json("POST", f"{path}/cancel", None)
    retried = await fresh_world.send_json("POST", f"{path}/retry", None)
    assert retried.status == 403
    for read in (
        f"/v2/integrations/connections/{fresh_world.first.id}",
        f"/v2/telematics/vehicles/{fresh_world.first.records['vehicle']}",
    ):
        assert (await fresh_world.get(read)).status == 403


@pytest.mark.parametrize("endpoint", RECORDS, ids=lambda endpoint: str(endpoint.operation_id))
async def test_reading_needs_read_of_the_resource_and_of_no_other(sharing: World, endpoint: Endpoint) -> None:
    resource = ResourceEnum(endpoint.operation_id.removeprefix("list_").removeprefix("get_").removesuffix("s"))
    rows = await sharing.services.database.pool.fetch(
        "SELECT id FROM records WHERE connection_id = $1 AND resource = $2", UUID(sharing.first.id), resource.value
    )
    ids = {str(row["id"]) for row in rows}
    assert ids

    async def seen() -> set[str]:
        if "{id}" not in endpoint.path:
            listed = (await sharing.get(f"{endpoint.path}?connection_id={sharing.first.id}")).json()
            assert listed["total"] == len(listed["items"])
            return {item["id"] for item in listed["items"]}
        answers = {one: await sharing.get(endpoint.path.replace("{id}", one)) for one in ids}
        refused = [answer for answer in answers.values() if answer.status != 200]
        assert all(answer.status == 403 and error_body(answer) for answer in refused)
        return {one for one, answer in answers.items() if answer.status == 200}

    await share(sharing, without(EVERYTHING, resource))
    assert await seen() == set()
    await share(sharing, {governing(resource): ShareLevelEnum.READ})
    assert await seen() == ids


async def test_a_list_leaves_out_only_the_fleet_that_does_not_share(sharing: World) -> None:
    await share(sharing, without(EVERYTHING, ResourceEnum.VEHICLE))
    refs = {item["fleet_ref"] for item in (await sharing.get("/v2/telematics/vehicles")).json()["items"]}
    assert refs == {"fleet-2"}


@pytest.mark.parametrize("resource", READ_MODELS)
async def test_the_id_map_shows_and_takes_what_can_be_read(sharing: World, resource: ResourceEnum) -> None:
    line = f"connection_id,resource,source_id,record_ref\n{sharing.first.id},{resource},900,mine\n"

    async def answers() -> tuple[int, int, int]:
        found = (await sharing.get(f"/v2/fleetwrite/records?source_ids=900&connection_id={sharing.first.id}")).json()
        exported = (await sharing.get(f"/v2/fleetwrite/records/export?resource={resource}")).text
        checked = await sharing.send(
            "POST",
            "/v2/fleetwrite/records/import",
            content=line.encode(),
            headers={"Content-Type": "text/csv", "Authorization": f"Bearer {sharing.token}"},
        )
        kinds = [item for item in found["items"] if item["resource"] == resource]
        return len(kinds), exported.count(sharing.first.id) and 1, checked.status

    await share(sharing, without(EVERYTHING, resource))
    assert await answers() == (0, 0, 422)
    await share(sharing, {governing(resource): ShareLevelEnum.READ})
    assert await answers() == (1, 1, 200)
