"""Random bodies: the API never breaks down, and takes only what its own published schema allows."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fleetwrite.api.app import openapi_json
from fleetwrite.connectors.sdk.registry import Registry
from integration.api.error_bodies import error_body
from integration.api.world import World
from integration.api.write_bodies import ENDPOINTS, WriteEndpoint

DOCUMENT = json.loads(openapi_json(Registry.load().source_names))
EXPECTED = {202, 400, 404, 409, 422, 501}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.floats(),
    st.text(max_size=40),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Co", "Lu"]), max_size=5),
    st.sampled_from(["", "NaN", "1e999", "2026-05-04T10:00:00", "0001-01-01T00:00:00+14:00", "DIESEL", "mechanic"]),
    st.dates().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    st.uuids().map(str),
    st.decimals(allow_nan=True).map(str),
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
)


def validator_of(endpoint: WriteEndpoint) -> Draft202012Validator:
    reference = f"#/components/schemas/{endpoint.body_type.__name__}"
    return Draft202012Validator(
        {"$ref": reference, "components": DOCUMENT["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


async def check(world: World, endpoint: WriteEndpoint, body: Any) -> None:
    raw = json.dumps(body).encode()

    answer = await world.send(
        endpoint.method,
        endpoint.path(endpoint.target(world.first)),
        content=raw,
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {world.token}"},
    )

    assert answer.status in EXPECTED, answer.text
    if answer.status == 202:
        validator_of(endpoint).validate(json.loads(raw))
    else:
        error_body(answer)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
async def test_a_body_with_random_values_never_breaks_anything(
    lasting_busy_world: World, endpoint: WriteEndpoint, data: st.DataObject
) -> None:
    names = st.sampled_from(endpoint.body_type.__struct_fields__) | st.text(max_size=8)
    changes = data.draw(st.dictionaries(names, ANY_JSON, min_size=1, max_size=4), label="changes")

    await check(lasting_busy_world, endpoint, {**endpoint.body(lasting_busy_world), **changes})


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(body=ANY_JSON)
async def test_a_random_document_never_breaks_anything(
    lasting_busy_world: World, endpoint: WriteEndpoint, body: Any
) -> None:
    await check(lasting_busy_world, endpoint, body)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.binary(max_size=200))
async def test_random_bytes_never_break_anything(
    lasting_busy_world: World, endpoint: WriteEndpoint, raw: bytes
) -> None:
    answer = await lasting_busy_world.send(
        endpoint.method,
        endpoint.path(endpoint.target(lasting_busy_world.first)),
        content=raw,
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {lasting_busy_world.token}"},
    )

    assert answer.status in {400, 422}
    error_body(answer)
