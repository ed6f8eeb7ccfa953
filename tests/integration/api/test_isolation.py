"""No partner sees, changes or even notices what is another's: every endpoint is tried with ids of others in all places.

The calls are generated from the endpoint table (`id_places.py`); who makes them, and whose the ids are: `tenants.py`.
"""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from fleetwrite.access.scopes import OPERATORS_ALONE
from fleetwrite.api.app import ENDPOINTS
from fleetwrite.api.endpoint import FORM, Endpoint
from fleetwrite.events.fan_out import FanOut
from fleetwrite.kit.ids import new_id
from fleetwrite.kit.postgres import EmbeddedPostgres
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from integration.api.conftest import address_in
from integration.api.id_places import (
    Place,
    Request,
    Variant,
    choices_of,
    plain,
    request,
    require_known,
    variants_of,
)
from integration.api.inviting import operator_token
from integration.api.tenants import Tenant, Tenants, is_of_fleet, opened_tenants
from integration.api.world import NOWHERE, HttpAnswer, World

LOSSES: Final = {"Fleetwrite-Losses": "allow"}

PURCHASE: Final = {
    "fuel_volume": 101.5,
    "fuel_volume_unit": "LITER",
    "transaction_time": "2026-05-04T10:00:00Z",
    "location_string": "Dallas, TX",
    "total_cost": "412.60",
    "currency": "USD",
}

BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "create_vehicle": {"vehicle_name": "Truck 7"},
    "update_vehicle": {"vehicle_name": "Truck 8"},
    "create_trailer": {"trailer_name": "Trailer 7"},
    "update_trailer": {"trailer_name": "Trailer 8"},
    "create_user": {"username": "j.doe", "first_name": "Jane", "last_name": "Doe", "is_driver": True},
    "update_user": {"first_name": "Joan", "last_name": "Doe"},
    "create_message": {"message_text": "Gate 4"},
    "create_group_message": {"message_text": "Gate 4"},
    "create_dvir_log": {"log_type": "mechanic", "driver_comment": "all fine"},
    "create_fuel_transaction": PURCHASE,
    "cancel_operations": {"size": 1},
    "retry_operations": {"size": 1},
    "import_records": {"resource": "vehicle"},
    "update_connection": {"description": "Depot"},
    "create_schedule": {"resource": "user"},
    "backfill_schedules": {"resource": "trailer"},
    "replace_connection_budgets": {"budgets": []},
    "create_webhook": {
        "url": f"{NOWHERE}/new",
        "event_name": "resource_operation.failed",
        "secret": "chosen by the caller",
    },
    "create_partner": {"name": "Newcomer"},
    "create_partner_properties": {"key": "default_success_redirect_url", "value": "https://example.com/"},
    "admin_create_partner": {"name": "Another newcomer"},
    "admin_import_connections": {"tsp": "samsara", "credentials.token": "samsara_api_test"},
    "get_token": {"grant_type": "client_credentials"},
}
"""What bodies need besides ids."""

AMOUNTS: Final = itertools.count(100)
"""A purchase of another amount is another purchase."""

ADDRESSES: Final = itertools.count()

LONG: Final = 12
"""Characters of what can not stand in an answer by chance: a provider's short numbers can."""

QUERIES: Final[Mapping[str, Mapping[str, Any]]] = {"list_resource_operations": {"resource": "vehicle"}}
"""What queries need besides ids."""

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
CURSOR: Final = re.compile(r'("\w+_page(?:_backwards)?":)"[^"]*"')
VARYING: Final = frozenset({"x-request-id", "content-length", "date"})
"""Headers that differ from answer to answer."""

PUBLIC: Final = frozenset({"tsp"})
"""Kinds of what is the same for everybody."""

IS_THE_OTHER: Final = frozenset({"client", "secret"})
"""Whoever shows both is that client."""

TOLD_APART: Final[Mapping[tuple[str, str], str]] = {
    ("revoke_token", "token"): "RFC 7009: what is no token needs no revoking (200), another's is refused (400).",
    ("import_records", "id"): "Ids of records are unique here, so that one that is taken can not be brought again.",
}
"""By operation and place: where an answer shows that somebody has this, and why. Nothing is changed or told by it."""

UNWATCHED: Final = frozenset({"login_failures", "request_rates"})
"""Tables of what others may cause, or asking alone: failures to log in under a name, and how much a partner asks."""

ALL_ROWS: Final = """
    SELECT format('SELECT %L, t::text FROM %I AS t', table_name, table_name)
    FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""

CROSSED: Final = """
    SELECT s.partner_id <> e.partner_id AS is_crossed
    FROM (SELECT id, event_id FROM deliveries UNION ALL SELECT delivery_id, event_id FROM batched_events) told
    JOIN deliveries d USING (id) JOIN subscriptions s ON s.id = d.subscription_id JOIN events e ON e.id = told.event_id
"""
"""Of every event that is delivered: whether that is to somebody whom it does not concern."""

EVERY_ENDPOINT: Final = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=[one.operation_id for one in ENDPOINTS])
READING: Final = [one for one in ENDPOINTS if one.method == "GET"]
LISTS: Final = [one for one in READING if one.query is not None and "cursor" in one.query.__struct_fields__]

EVERYBODY_ELSE: Final = pytest.mark.parametrize("name", ["stranger", "neighbour"])


@pytest.fixture(scope="module")
async def tenants(
    postgres_server: EmbeddedPostgres, database_clones: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Tenants]:
    name = await database_clones.take()
    async with opened_tenants(address_in(postgres_server, name), tmp_path_factory.mktemp("tenants")) as tenants:
        yield tenants
    database_clones.discard(name)


@dataclass(frozen=True, repr=False)  # it would fill screens of every failure
class Other:
    """Somebody who is not the owner, and what he must not see.

    Attributes:
        kinds: of what the owner has for itself alone, as far as this one is concerned.
        secrets: ids and marks of the owner that this one does not know.
        told: what it has told itself, and may see again.
        rows: of the database, that hold such secrets.
    """

    tenant: Tenant
    kinds: frozenset[str]
    secrets: frozenset[str]
    told: set[str]
    rows: Counter[tuple[str, str]]

    def leaks(self, answer: HttpAnswer, sent: Iterable[str] = ()) -> list[str]:
        """The owner's secrets in an answer."""
        text = f"{answer.headers}\n{answer.text}"
        for one in sorted({*sent, *self.told}, key=len, reverse=True):
            text = text.replace(one, "")
        return [secret for secret in self.secrets if secret in text]


@pytest.fixture(scope="module")
async def others(tenants: Tenants) -> Mapping[str, Other]:
    owner, stranger, neighbour = tenants.owner, tenants.stranger, tenants.neighbour
    spare = frozenset(one for many in owner.spare.values() for one in many)
    shown = ids_in(await view(tenants, owner))
    kinds = frozenset(owner.ids) - PUBLIC
    private = frozenset(kind for kind in kinds if not is_of_fleet(kind))

    async def other(tenant: Tenant, kinds: frozenset[str], mark: str) -> Other:
        ids = {owner.ids[kind] for kind in kinds if len(owner.ids[kind]) >= LONG}
        secrets = ({*ids, *spare, *shown} - ids_in(await view(tenants, tenant))) | {mark}
        return Other(tenant, kinds, frozenset(secrets), set(), await rows_of(tenants, secrets))

    return {
        "stranger": await other(stranger, kinds, owner.mark),
        "neighbour": await other(neighbour, private, owner.private),
    }


async def call(tenants: Tenants, by: Tenant, variant: Variant, theirs: Mapping[Place, str]) -> HttpAnswer:
    """Call with `theirs` in the foreign places, beside what is the caller's own where a place takes many."""
    values = {place: [by.ids[place.kind]] for place in variant.places - variant.foreign}
    for place, known in theirs.items():
        is_mixed = place.is_list and len(variant.foreign) == 1 and place.kind in by.ids
        values[place] = [by.ids[place.kind], known] if is_mixed else [known]
    return await send(tenants, variant, values, by.token)


async def send(tenants: Tenants, variant: Variant, values: Mapping[Place, list[str]], token: str) -> HttpAnswer:
    endpoint = variant.endpoint
    body = dict(BODIES.get(endpoint.operation_id, {}))
    query = dict(QUERIES.get(endpoint.operation_id, {}))
    if endpoint.operation_id == "create_connection":
        body["credentials"], query["settings"] = tenants.provider.credentials(), tenants.provider.settings()
    if endpoint.operation_id == "create_fuel_transaction":
        body["total_cost"] = str(next(AMOUNTS))
    return await ask(tenants.world, request(variant, body, query, values), token)


async def ask(world: World, made: Request, token: str) -> HttpAnswer:
    """The answer; of a stream, its beginning."""
    # Failed logins from one address would lock it.
    address = f"203.0.113.{next(ADDRESSES) % 256}"
    headers = {**made.headers, **LOSSES, "Authorization": f"Bearer {token}", "X-Forwarded-For": address}
    if not made.is_stream:
        return await world.send(made.method, made.path, content=made.content, headers=headers)
    async with world.http.request(made.method, world.url + made.path, headers=headers) as answer:
        content = await answer.content.readline() if answer.status == 200 else await answer.read()
        return HttpAnswer(answer.status, answer.headers, content)


def likeness(answer: HttpAnswer, sent: Iterable[str] = ()) -> tuple[int, dict[str, str], str]:
    """What has to be the same in answers to requests that differ in nothing but ids."""
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in VARYING}
    text = answer.text
    for one in sorted(sent, key=len, reverse=True):
        text = text.replace(one, "<sent>")
    return answer.status, headers, CURSOR.sub(r"\1<cursor>", TIME.sub("<time>", UUID_TEXT.sub("<id>", text)))


def of_nobody(known: str) -> str:
    """As this id, but nobody has it. It begins the same, so that it comes in the same place where ids are sorted."""
    return f"{known[:24]}{new_id().hex[-12:]}" if UUID_TEXT.fullmatch(known) else f"{known}-of-nobody"


def ids_in(texts: Mapping[str, str]) -> frozenset[str]:
    return frozenset(found for text in texts.values() for found in UUID_TEXT.findall(text))


def can_name(tenant: Tenant, variant: Variant) -> bool:
    """Whether it has something for each place."""
    return all(place.kind in tenant.ids for place in variant.places)


async def view(tenants: Tenants, by: Tenant) -> dict[str, str]:
    """All that a partner can read of its own."""
    seen = {}
    for endpoint in READING:
        variant = plain(endpoint)
        is_public = endpoint.scope is None and not variant.places
        if is_public or endpoint.scope in OPERATORS_ALONE or not can_name(by, variant):
            continue
        answer = await call(tenants, by, variant, {})
        seen[endpoint.operation_id] = CURSOR.sub("", answer.text)
    return seen


async def rows_of(tenants: Tenants, secrets: Collection[str]) -> Counter[tuple[str, str]]:
    """Every row of the database that holds one of these, and has to do with the owner alone."""
    pool = tenants.world.services.database.pool
    texts = " UNION ALL ".join(row[0] for row in await pool.fetch(ALL_ROWS))
    ids = {secret for secret in secrets if UUID_TEXT.fullmatch(secret)}
    marks = sorted({*secrets} - ids)
    not_alone = {str(tenant.partner_id) for tenant in (tenants.stranger, tenants.neighbour, tenants.control)}
    found: Counter[tuple[str, str]] = Counter()
    for table, text in await pool.fetch(texts):
        named = set(UUID_TEXT.findall(text))
        is_the_owner_s = not named.isdisjoint(ids) or any(mark in text for mark in marks)
        if table not in UNWATCHED and is_the_owner_s and named.isdisjoint(not_alone):
            found[table, text] += 1
    return found


async def assert_untouched(tenants: Tenants, other: Other) -> None:
    """The owner's rows are as they were when this was asked last."""
    before, now = other.rows.copy(), await rows_of(tenants, other.secrets)
    # Only the call that did it fails.
    other.rows.clear()
    other.rows.update(now)
    assert (now - before, before - now) == (Counter(), Counter())


async def hand_on(world: World) -> None:
    """Let events go to whom they concern, as a worker does."""
    fan_out = FanOut(world.services.database, DeliveryPlanner(world.services.dispatch, Batching()).plan)
    while await fan_out.fan_out_once():
        pass


def tries(endpoint: Endpoint, other: Other) -> list[Variant]:
    """The calls that are to be tried: all but those that show the owner's own credentials."""
    return [
        variant
        for variant in variants_of(endpoint, other.kinds)
        if not {place.kind for place in variant.foreign} >= IS_THE_OTHER
    ]


async def try_out(tenants: Tenants, other: Other, variant: Variant) -> None:
    """Name what is the owner's, and then what is nobody's: there must be no difference."""
    theirs = {place: tenants.owner.ids[place.kind] for place in variant.foreign}
    nobodys = {place: of_nobody(known) for place, known in theirs.items()}
    answer = await call(tenants, other.tenant, variant, theirs)
    elsewhere = await call(tenants, other.tenant, variant, nobodys)
    assert answer.status < 500, f"{variant}: {answer.text}"
    assert other.leaks(answer, theirs.values()) == [], f"{variant}: {answer.text}"
    if not any((variant.endpoint.operation_id, place.name) in TOLD_APART for place in variant.foreign):
        assert likeness(answer, theirs.values()) == likeness(elsewhere, nobodys.values()), str(variant)
    if answer.status < 300 and variant.endpoint.method != "GET":
        other.told.update(theirs.values(), nobodys.values())


@EVERY_ENDPOINT
def test_what_every_endpoint_takes_is_known(tenants: Tenants, endpoint: Endpoint) -> None:
    require_known(endpoint, tenants.owner.ids)


@EVERYBODY_ELSE
@EVERY_ENDPOINT
async def test_what_is_another_s_is_as_if_it_were_not(
    tenants: Tenants, others: Mapping[str, Other], endpoint: Endpoint, name: str
) -> None:
    other = others[name]
    for variant in tries(endpoint, other):
        await try_out(tenants, other, variant)
    await assert_untouched(tenants, other)


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
    if not can_name(other.tenant, variant):
        pytest.skip("there is nothing of its own to ask for")
    values = {place: [other.tenant.ids[place.kind]] for place in variant.places}
    for query in choices_of(endpoint):
        made = request(variant, None, query, values)
        answer = await ask(tenants.world, made, other.tenant.token)
        assert other.leaks(answer) == [], f"{made.path}: {answer.text}"


@EVERYBODY_ELSE
@pytest.mark.parametrize("endpoint", LISTS, ids=[one.operation_id for one in LISTS])
async def test_another_s_cursors_lead_to_one_s_own_things_alone(
    tenants: Tenants, others: Mapping[str, Other], endpoint: Endpoint, name: str
) -> None:
    if endpoint.scope in OPERATORS_ALONE:
        pytest.skip("no partner gets a cursor of it")
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


REVOKE: Final = next(one for one in ENDPOINTS if one.operation_id == "revoke_token")

CONTROL: Final = sorted(
    ENDPOINTS,
    key=lambda one: (one.operation_id == "revoke_token", one.method == "DELETE" and 9 - one.path.count("/")),
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
        await assert_untouched(tenants, other)


async def test_streams_and_webhooks_tell_nothing_of_what_another_does(
    tenants: Tenants, others: Mapping[str, Other]
) -> None:
    world, owner = tenants.world, tenants.owner
    await hand_on(world)
    for other in others.values():
        headers = {"Authorization": f"Bearer {other.tenant.token}"}
        async with world.http.get(f"{world.url}/v2/fleetwrite/events", headers=headers) as stream:
            while b"listening" not in await stream.content.readline():
                pass
            for tenant in (owner, other.tenant):
                body = {"connection_id": tenant.ids["connection"], "trailer_name": f"{tenant.private} live"}
                written = await world.send_json("POST", "/v2/telematics/trailers", body, token=tenant.token)
                assert written.status == 202, written.text
            await hand_on(world)
            told = b""
            async with asyncio.timeout(20):
                while f"{other.tenant.private} live".encode() not in told:
                    told += await stream.content.readline()
        assert [secret for secret in other.secrets if secret.encode() in told] == []
    crossed = await world.services.database.pool.fetch(CROSSED)
    assert [row["is_crossed"] for row in crossed] == [False] * len(crossed) != []


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
