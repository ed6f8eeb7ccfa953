"""A dry run shows the provider's request, and leaves no trace: neither here nor there."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from fleetwrite.operations.preview import Preview
from integration.api.accounts import SLUGS, connected, examples_of, method_of
from integration.api.error_bodies import details_of
from integration.api.world import HttpAnswer, World
from integration.api.write_bodies import ENDPOINTS, WriteEndpoint


def check(body: dict[str, Any], capability: dict[str, Any], losses: Collection[str]) -> None:
    """Make sure that a schema takes a body: without what is lost of it, unless the contract requires that."""
    schema = capability["body"]
    told = {loss["field"] for loss in capability["losses"]}
    Draft202012Validator.check_schema(schema)
    left_out = (told & {*losses}) - {*schema["required"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        {field: value for field, value in body.items() if field not in left_out}
    )


def preview_of(answer: HttpAnswer) -> Preview:
    assert answer.status == 200, answer.text
    return msgspec.json.decode(answer.content, type=Preview)


@pytest.mark.parametrize("slug", SLUGS)
async def test_each_example_fits_its_schema_and_is_previewed_without_secrets_or_traces(
    busy_world: World, slug: str, tmp_path: Path
) -> None:
    async with connected(busy_world, slug, tmp_path) as account:
        capabilities = (await busy_world.get(f"/v2/fleetwrite/connections/{account.connection_id}/capabilities")).json()
        offered = {(one["resource"], one["operation_type"], one["kind"]): one for one in capabilities["writes"]}
        secrets = [
            account.credentials[field.name]
            for field in account.connector.manifest.credentials
            if field.sensitive and field.name in account.credentials
        ]
        assert secrets
        before, sequence = await busy_world.row_counts(), await account.control.last_sequence()
        tried = set()
        for example in examples_of(slug):
            body = account.body(example)
            kind = (example.resource, example.operation_type)
            capability = offered.get((*kind, example.kind)) or offered[(*kind, None)]
            tried.add((*kind, capability["kind"]))
            check(body, capability, example.losses)

            allow = {"Fleetwrite_Losses": "allow"} if example.losses else {}
            path = f"{account.path(example)}?dry_run=true"
            answer = await busy_world.send_json(method_of(example), path, body, **allow)

            preview = preview_of(answer)
            assert preview.request.url.startswith(account.url)
            assert "*****" in answer.text
            assert not [secret for secret in secrets if secret in answer.text]
            assert {loss.field for loss in preview.losses} >= set(example.losses)
        assert tried == offered.keys()
        assert await account.control.last_sequence() == sequence
        assert await busy_world.row_counts() == before


@pytest.mark.parametrize("slug", ["samsara", "motive"])
async def test_what_a_dry_run_shows_is_what_is_sent(busy_world: World, slug: str, tmp_path: Path) -> None:
    example = next(one for one in examples_of(slug) if one.key == "vehicle.update.full")
    async with connected(busy_world, slug, tmp_path) as account:
        path, body = account.path(example), account.body(example)
        shown = preview_of(await busy_world.send_json("PATCH", f"{path}?dry_run=true", body)).request
        unlimited = f"/v2/fleetwrite/connections/{account.connection_id}/budgets"
        assert (await busy_world.send_json("PUT", unlimited, {"budgets": []})).status == 200
        written = await busy_world.send_json("PATCH", f"{path}?is_sync=true", body)
        assert written.status == 200, written.text
        sent = [entry for entry in await account.control.requests() if entry["method"] == shown.method][-1]

    assert shown.url == account.url + sent["path"]
    assert json.loads(shown.body or "") == sent["body"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: str(one.name))
async def test_every_write_endpoint_has_a_dry_run(world: World, endpoint: WriteEndpoint) -> None:
    path = f"{endpoint.path(endpoint.target(world.first))}?dry_run=true"

    preview = preview_of(await world.send_json(endpoint.method, path, endpoint.body(world)))

    assert preview.request.headers["Authorization"] == "Bearer *****"
    assert preview.budgets[0] == "token"
    assert not preview.takes_more_calls
    assert await world.row_counts() == world.seeded_rows


async def test_made_up_secrets_are_masked(world: World) -> None:
    endpoint = next(one for one in ENDPOINTS if one.name == "create_user")

    preview = preview_of(await world.send_json("POST", f"{endpoint.path('')}?dry_run=true", endpoint.body(world)))

    assert json.loads(preview.request.body or "")["password"] == "*****"


async def test_a_dry_run_is_refused_as_the_write_would_be(world: World) -> None:
    trailer = next(one for one in ENDPOINTS if one.name == "create_trailer")
    body: dict[str, Any] = {**trailer.body(world), "trailer_name": None}

    answers = [await world.send_json("POST", f"{trailer.path('')}{query}", body) for query in ("?dry_run=true", "")]

    assert answers[0].status == answers[1].status == 422
    assert details_of(answers[0]) == details_of(answers[1])
    foreign = {**trailer.body(world), "connection_id": world.foreign.id}
    assert (await world.send_json("POST", f"{trailer.path('')}?dry_run=true", foreign)).status == 404


async def test_a_dry_run_takes_no_idempotency_key(busy_world: World) -> None:
    trailer = next(one for one in ENDPOINTS if one.name == "create_trailer")
    path, key = trailer.path(""), {"Idempotency_Key": "dry-run-and-then-in-earnest"}

    for _ in range(2):
        preview_of(await busy_world.send_json("POST", f"{path}?dry_run=true", trailer.body(busy_world), **key))
    written = await busy_world.send_json("POST", path, {**trailer.body(busy_world), "notes": "in earnest"}, **key)

    assert written.status == 202
    assert "Idempotency-Replayed" not in written.headers


async def test_the_times_of_a_group_message_that_goes_one_by_one_are_told(busy_world: World, tmp_path: Path) -> None:
    async with connected(busy_world, "geotab", tmp_path) as account:
        example = next(one for one in examples_of("geotab") if one.resource == "group_message")
        recipients = {account.id_of(one) for one in example.lists["recipient_ids"]}
        assert len(recipients) == 2
        path = f"{account.path(example)}?dry_run=true"

        preview = preview_of(await busy_world.send_json("POST", path, account.body(example)))

    assert preview.times == len(recipients)
    assert preview.takes_more_calls
