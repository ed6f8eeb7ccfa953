"""Calls by one partner that name what is another's, and what must not come of them."""

import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from fleetwrite.access.scopes import OPERATORS_ALONE
from fleetwrite.api.app import ENDPOINTS
from fleetwrite.api.endpoint import Endpoint
from fleetwrite.kit.ids import new_id
from integration.api.id_places import (
    Place,
    Request,
    Variant,
    plain,
    request,
    variants_of,
)
from integration.api.tenant import Tenant, is_of_fleet
from integration.api.tenants import Tenants
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
"""Failed logins from one address would lock it."""

LONG: Final = 12
"""Characters of what can not stand in an answer by chance: a provider's short numbers can."""

QUERIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "list_resource_operations": {"resource": "vehicle"},
    "import_records": {"apply": "true"},
}
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

READING: Final = [one for one in ENDPOINTS if one.method == "GET"]


@dataclass(frozen=True, repr=False)  # it would fill screens of every failure
class Other:
    """A partner that is not the owner, and what it must not see.

    Attributes:
        kinds: of what the owner has for itself alone, as far as this one is concerned.
        secrets: ids and marks of the owner that this one does not know.
        told: what it has told itself, and may see again.
    """

    tenant: Tenant
    kinds: frozenset[str]
    secrets: frozenset[str]
    told: set[str]

    def leaks(self, answer: HttpAnswer, sent: Iterable[str] = ()) -> list[str]:
        """The owner's secrets in an answer."""
        text = f"{answer.headers}\n{answer.text}"
        for one in sorted({*sent, *self.told}, key=len, reverse=True):
            text = text.replace(one, "")
        return [secret for secret in self.secrets if secret in text]


async def others_than_the_owner(tenants: Tenants) -> Mapping[str, Other]:
    """By name."""
    owner, stranger, neighbour = tenants.owner, tenants.stranger, tenants.neighbour
    spare = frozenset(one for many in owner.spare.values() for one in many)
    shown = ids_in(await view(tenants, owner))
    kinds = frozenset(owner.ids) - PUBLIC
    private = frozenset(kind for kind in kinds if not is_of_fleet(kind))

    async def other(tenant: Tenant, kinds: frozenset[str], mark: str) -> Other:
        ids = {owner.ids[kind] for kind in kinds if len(owner.ids[kind]) >= LONG}
        secrets = ({*ids, *spare, *shown} - ids_in(await view(tenants, tenant))) | {mark}
        return Other(tenant, kinds, frozenset(secrets), set())

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


async def view(tenants: Tenants, by: Tenant) -> dict[str, str]:
    """All that a partner can read of its own."""
    seen = {}
    for endpoint in READING:
        variant = plain(endpoint)
        is_public = endpoint.scope is None and not variant.places
        if is_public or endpoint.scope in OPERATORS_ALONE:
            continue
        answer = await call(tenants, by, variant, {})
        assert answer.status == 200, f"{variant}: {answer.text}"
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


@asynccontextmanager
async def untouched(tenants: Tenants, other: Other) -> AsyncIterator[None]:
    """The owner's rows have to be afterwards what they were."""
    before = await rows_of(tenants, other.secrets)
    yield
    now = await rows_of(tenants, other.secrets)
    assert now == before, f"new: {now - before}, gone: {before - now}"


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
