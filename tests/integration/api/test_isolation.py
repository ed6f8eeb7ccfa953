"""No partner sees, changes or even notices what is another's: every endpoint is tried with ids of others in all places.

The calls are generated from the endpoint table (`id_places.py`); who makes them, and whose the ids are: `tenants.py`.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import UUID

import aiohttp
import msgspec
import pytest

from fleetwrite.access.scopes import OPERATORS_ALONE
from fleetwrite.api.app import ENDPOINTS
from fleetwrite.api.endpoint import FORM, Endpoint
from fleetwrite.events.fan_out import FanOut
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from integration.api.conftest import address_in
from integration.api.crossing import (
    BODIES,
    PUBLIC,
    PURCHASE,
    QUERIES,
    READING,
    Other,
    ask,
    call,
    others_than_the_owner,
    send,
    tries,
    try_out,
    untouched,
    view,
)
from integration.api.id_places import (
    UnknownPlaceError,
    choices_of,
    plain,
    request,
    require_known,
    variants_of,
)
from integration.api.inviting import operator_token
from integration.api.tenant import Tenant
from integration.api.tenants import Tenants, opened_tenants
from integration.api.world import HttpAnswer, World

CROSSED: Final = """
    SELECT s.partner_id <> e.partner_id AS is_crossed
    FROM (SELECT id, event_id FROM deliveries UNION ALL SELECT delivery_id, event_id FROM batched_events) told
    JOIN deliveries d USING (id) JOIN subscriptions s ON s.id = d.subscription_id JOIN events e ON e.id = told.event_id
"""
"""Of every event that is delivered: whether that is to somebody whom it does not concern."""

HARMLESS: Final = next(one for one in ENDPOINTS if one.operation_id == "get_health")
"""Takes no ids."""

EVERY_ENDPOINT: Final = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=[one.operation_id for one in ENDPOINTS])
LISTS: Final = [one for one in READING if one.query is not None and "cursor" in one.query.__struct_fields__]
OF_PARTNERS: Final = [one for one in LISTS if one.scope not in OPERATORS_ALONE]

EVERYBODY_ELSE: Final = pytest.mark.parametrize("name", ["stranger", "neighbour"])


@pytest.fixture(scope="module")
async def tenants(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Tenants]:
    name = await database_clones.take()
    async with opened_tenants(address_in(postgres_server, name), tmp_path_factory.mktemp("tenants")) as tenants:
        yield tenants
    database_clones.discard(name)


@pytest.fixture(scope="module")
async def others(tenants: Tenants) -> Mapping[str, Other]:
    return await others_than_the_owner(tenants)


async def hand_on(world: World) -> None:
    """Let events go to whom they concern, as a worker does."""
    fan_out = FanOut(world.services.database, DeliveryPlanner(world.services.dispatch, Batching()).plan)
    while await fan_out.fan_out_once():
        pass


async def read_until(stream: aiohttp.ClientResponse, words: str) -> str:
    """What a stream tells up to the line with these words."""
    told = ""
    async with asyncio.timeout(20):
        while words not in told:
            line = await stream.content.readline()
            assert line, f"the stream ended without {words!r}: {told}"
            told += line.decode()
    return told


class Pallet(msgspec.Struct):
    """A thing that nobody has."""

    pallet_id: str | None = None


class PalletBody(msgspec.Struct):
    """Names one, within another object."""

    filters: Pallet | None = None


class PalletQuery(msgspec.Struct):
    """Names some."""

    stacked_on: list[UUID] | None = None


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"path": "/v2/pallets/{id}"}, "`id` in its path, and no tenant has a 'pallet'"),
        ({"path": "/v2/connections/{connection_id}/pallets/{pallet_id}"}, "`pallet_id` in its path"),
        ({"query": PalletQuery}, "`stacked_on` in its query"),
        ({"body": PalletBody}, "`filters.pallet_id` in its body, and no tenant has a 'pallet'"),
        ({"body": str}, "takes a file"),
    ],
)
def test_a_new_endpoint_with_ids_of_an_unknown_kind_does_not_get_by(
    tenants: Tenants, change: dict[str, Any], names: str
) -> None:
    require_known(HARMLESS, tenants.owner.ids)
    with pytest.raises(UnknownPlaceError, match=re.escape(names)):
        require_known(msgspec.structs.replace(HARMLESS, **change), tenants.owner.ids)


@EVERY_ENDPOINT
def test_what_every_endpoint_takes_is_known(tenants: Tenants, endpoint: Endpoint) -> None:
    require_known(endpoint, tenants.owner.ids)


@EVERYBODY_ELSE
@EVERY_ENDPOINT
async def test_what_is_another_s_is_as_if_it_were_not(
    tenants: Tenants, others: Mapping[str, Other], endpoint: Endpoint, name: str
) -> None:
    other = others[name]
    async with untouched(tenants, other):
        for variant in tries(endpoint, other):
            await try_out(tenants, other, variant)


async def test_the_owner_sees_the_same_after_all_that_others_tried(
    tenants: Tenants, others: Mapping[str, Other]
) -> None:
    before = await view(tenants, tenants.owner)
    assert len(before) > 40
    for other in others.values():
        for endpoint in ENDPOINTS:
            # To fail to log in again and again would lock the owner's client.
            for variant in tries(endpoint, other) if endpoint.media_type != FORM else ():
                theirs = {place: tenants.owner.ids[place.kind] for place in variant.foreign}
                await call(tenants, other.tenant, variant, theirs)
                other.told.update(theirs.values())
    after = await view(tenants, tenants.owner)
    assert {name: (before[name], text) for name, text in after.items() if text != before[name]} == {}


@EVERYBODY_ELSE
@pytest.mark.parametrize("endpoint", READING, ids=[one.operation_id for one in READING])
async def test_nothing_of_another_is_listed_however_one_filters_and_sorts(
    tenants: Tenants, others: Mapping[str, Other], endpoint: Endpoint, name: str
) -> None:
    other = others[name]
    variant = plain(endpoint)
    values = {place: [other.tenant.ids[place.kind]] for place in variant.places}
    for query in choices_of(endpoint):
        made = request(variant, None, {**QUERIES.get(endpoint.operation_id, {}), **query}, values)
        answer = await ask(tenants.world, made, other.tenant.token)
        assert answer.status == (403 if endpoint.scope in OPERATORS_ALONE else 200), f"{made.path}: {answer.text}"
        assert other.leaks(answer) == [], f"{made.path}: {answer.text}"


@EVERYBODY_ELSE
@pytest.mark.parametrize("endpoint", OF_PARTNERS, ids=[one.operation_id for one in OF_PARTNERS])
async def test_another_s_cursors_lead_to_one_s_own_things_alone(
    tenants: Tenants, others: Mapping[str, Other], endpoint: Endpoint, name: str
) -> None:
    owner, other = tenants.owner, others[name]
    variant, query = plain(endpoint), QUERIES.get(endpoint.operation_id, {})

    async def page(by: Tenant, **more: str) -> HttpAnswer:
        values = {place: [by.ids[place.kind]] for place in variant.places}
        return await ask(tenants.world, request(variant, None, {**query, **more}, values), by.token)

    first = (await page(owner, size="1")).json()
    own = (await page(other.tenant)).json()
    for cursor in {text for key, text in first.items() if key != "items" and isinstance(text, str)}:
        answer = await page(other.tenant, cursor=cursor)
        assert answer.status == 200, answer.text
        assert other.leaks(answer) == []
        assert answer.json().get("total") == own.get("total")


WIDE: Final = [
    one
    for one in ENDPOINTS
    if one.method != "GET" and one.scope and one.scope not in OPERATORS_ALONE and not plain(one).places
]
"""What changes things, and can do without ids: where it means all, that has to be all of one's own."""

MEANING_ALL: Final[Mapping[str, Mapping[str, Any]]] = {
    "cancel_operations": {"status": "pending"},
    "retry_operations": {"status": "failed"},
    "backfill_schedules": {"resource": "user"},
}


@EVERYBODY_ELSE
@pytest.mark.parametrize("endpoint", WIDE, ids=[one.operation_id for one in WIDE])
async def test_to_name_nothing_means_nothing_of_another(
    tenants: Tenants, others: Mapping[str, Other], endpoint: Endpoint, name: str
) -> None:
    other = others[name]
    body = MEANING_ALL.get(endpoint.operation_id, BODIES.get(endpoint.operation_id))
    async with untouched(tenants, other):
        answer = await ask(tenants.world, request(plain(endpoint), body, {}, {}), other.tenant.token)
    assert answer.status < 300, answer.text
    assert other.leaks(answer) == [], answer.text


REVOKE: Final = next(one for one in ENDPOINTS if one.operation_id == "revoke_token")

LAST: Final = ("revoke_token", "admin_erase_fleet", "admin_get_erasure")
"""Without a token, and without its fleet, a partner can do nothing more; an erasure is there once it was asked for."""

CONTROL: Final = sorted(
    ENDPOINTS,
    key=lambda one: (
        LAST.index(one.operation_id) + 1 if one.operation_id in LAST else 0,
        one.method == "DELETE" and 9 - one.path.count("/"),
    ),
)
"""In an order in which nothing is deleted before it is used."""

USING_UP: Final = frozenset(
    {
        "accept_invitation",
        "decline_invitation",
        "delete_invitation",
        "cancel_share_agreement",
        "delete_share_agreement",
        "delete_webhook",
        "cancel_operation",
        "retry_operation",
    }
)
"""Operations after which others have nothing to work on: they get something of their own."""


@pytest.mark.parametrize("endpoint", CONTROL, ids=[one.operation_id for one in CONTROL])
async def test_the_same_calls_work_for_whom_the_ids_belong_to(tenants: Tenants, endpoint: Endpoint) -> None:
    """Else it would prove nothing that they do not work for others."""
    control = tenants.control
    token = await operator_token(tenants.world) if endpoint.scope in OPERATORS_ALONE else control.token
    named = variants_of(endpoint, frozenset(control.ids) - PUBLIC)
    for variant in {one.places: one for one in named}.values() if named else [plain(endpoint)]:
        values = {place: [control.ids[place.kind]] for place in variant.places}
        if endpoint.operation_id in USING_UP:
            values.update({place: [control.spare[place.kind].pop()] for place in variant.places})
        answer = await send(tenants, variant, values, token)
        assert answer.status < 300, f"{variant}: {answer.text}"
        # All filters together may mean different things.
        if endpoint in LISTS and len(variant.foreign) == 1:
            assert answer.json()["items"], f"{variant}: {answer.text}"


async def test_no_partner_is_let_in_where_the_operator_alone_is(tenants: Tenants) -> None:
    operators = [one for one in ENDPOINTS if one.scope in OPERATORS_ALONE]
    assert {one.path for one in ENDPOINTS if "/admin/" in one.path} <= {one.path for one in operators}
    for endpoint in operators:
        values = {place: [tenants.owner.ids[place.kind]] for place in plain(endpoint).places}
        answer = await send(tenants, plain(endpoint), values, tenants.owner.token)
        assert answer.status == 403, f"{endpoint.operation_id}: {answer.text}"


async def test_an_idempotency_key_is_each_partner_s_own(tenants: Tenants, others: Mapping[str, Other]) -> None:
    key = tenants.owner.ids["idempotency_key"]
    for other in others.values():
        body = {"connection_id": other.tenant.ids["connection"], "trailer_name": "Trailer 9"}
        answer = await tenants.world.send_json(
            "POST", "/v2/telematics/trailers", body, token=other.tenant.token, Idempotency_Key=key
        )
        assert (answer.status, answer.headers.get("Idempotency-Replayed")) == (202, None), answer.text
        assert other.leaks(answer, [key]) == []


async def test_streams_and_webhooks_tell_nothing_of_what_another_does(
    tenants: Tenants, others: Mapping[str, Other]
) -> None:
    world, owner = tenants.world, tenants.owner
    await hand_on(world)
    for other in others.values():
        headers = {"Authorization": f"Bearer {other.tenant.token}"}
        async with world.http.get(f"{world.url}/v2/fleetwrite/events", headers=headers) as stream:
            await read_until(stream, "listening")
            for tenant in (owner, other.tenant):
                body = {"connection_id": tenant.ids["connection"], "trailer_name": f"{tenant.private} live"}
                written = await world.send_json("POST", "/v2/telematics/trailers", body, token=tenant.token)
                assert written.status == 202, written.text
            await hand_on(world)
            told = await read_until(stream, f"{other.tenant.private} live")
        assert [secret for secret in other.secrets if secret in told] == []
    deliveries = await world.services.database.pool.fetch(CROSSED)
    assert deliveries
    assert not any(row["is_crossed"] for row in deliveries)


async def test_a_token_is_revoked_by_its_partner_alone(tenants: Tenants, others: Mapping[str, Other]) -> None:
    for other in others.values():
        (variant,) = variants_of(REVOKE, {"token"})
        answer = await call(tenants, other.tenant, variant, dict.fromkeys(variant.foreign, tenants.owner.token))
        assert answer.status == 400, answer.text
    assert (await tenants.world.get("/v2/integrations/connections", token=tenants.owner.token)).status == 200


async def test_who_writes_the_same_purchase_is_not_told_of_another_s_operation(tenants: Tenants) -> None:
    owner, neighbour = tenants.owner, tenants.neighbour
    purchase = {**PURCHASE, "total_cost": "77.10", "connection_id": owner.ids["connection"]}
    body = purchase | {"driver_id": owner.ids["driver"], "vehicle_id": owner.ids["vehicle"]}

    async def write(tenant: Tenant) -> HttpAnswer:
        return await tenants.world.send_json("POST", "/v2/telematics/fuel-transactions", body, token=tenant.token)

    operation_id = (await write(owner)).json()["id"]
    again, theirs = await write(owner), await write(neighbour)
    assert (again.status, theirs.status) == (409, 409)
    assert operation_id in again.text
    assert theirs.json() == {
        **again.json(),
        "detail": again.json()["detail"].replace(f"operation {operation_id}", "another operation"),
    }


async def test_who_retries_what_another_wrote_over_is_not_told_of_its_operation(tenants: Tenants) -> None:
    owner, neighbour = tenants.owner, tenants.neighbour

    async def do(tenant: Tenant, method: str, path: str, body: Any = None) -> HttpAnswer:
        return await tenants.world.send_json(method, path, body, token=tenant.token)

    async def write(tenant: Tenant) -> str:
        body = {"connection_id": owner.ids["connection"], "trailer_name": "Trailer 10"}
        answer = await do(tenant, "PATCH", f"/v2/telematics/trailers/{owner.ids['trailer']}", body)
        assert answer.status == 202, answer.text
        return str(answer.json()["id"])

    first = await write(neighbour)
    assert (await do(neighbour, "POST", f"/v2/fleetwrite/operations/{first}/cancel")).status == 200
    later = await write(owner)
    refused = await do(neighbour, "POST", f"/v2/fleetwrite/operations/{first}/retry")
    assert refused.status == 409
    assert "written since, by another operation" in refused.text
    assert later not in refused.text
    own = await write(neighbour)
    assert own in (await do(neighbour, "POST", f"/v2/fleetwrite/operations/{first}/retry")).text
