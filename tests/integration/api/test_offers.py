"""What every installed provider does not offer is answered with 501, and what it asks for beyond the contract with 422.

Generated from manifests and examples: neither the provider nor the database learns of such a request.
"""

from pathlib import Path
from typing import Any

import pytest

from fleetwrite.connectors.sdk.suite.cases import demanded_fields
from fleetwrite.connectors.sdk.suite.samples import required_fields, sample
from fleetwrite.contract.enums import ResourceOperationTypeEnum
from fleetwrite.contract.errors import ErrorType
from fleetwrite.contract.telematics import WRITE_BODIES
from integration.api.accounts import REGISTRY, SLUGS, connected, examples_of, method_of
from integration.api.error_bodies import details_of, error_body
from integration.api.world import World
from integration.api.write_bodies import CREATE, WriteEndpoint

ANY_ID = "018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f"

# A provider that takes all ten kinds of write has nothing to refuse.
SELECTIVE = [
    slug for slug in SLUGS if not all(REGISTRY.get(slug).manifest.offers_write(*kind) for kind in WRITE_BODIES)
]


@pytest.mark.parametrize("slug", SELECTIVE)
async def test_what_is_not_offered_is_answered_with_501(busy_world: World, slug: str, tmp_path: Path) -> None:
    manifest = REGISTRY.get(slug).manifest
    async with connected(busy_world, slug, tmp_path) as account:
        before, sequence = await busy_world.row_counts(), await account.control.last_sequence()
        for (resource, operation_type), body_type in WRITE_BODIES.items():
            if manifest.offers_write(resource, operation_type):
                continue
            endpoint = WriteEndpoint(resource, operation_type)
            body: dict[str, Any] = {name: sample(body_type, name) for name in required_fields(body_type)}
            body["connection_id"] = account.connection_id
            for query in ("", "?is_sync=true", "?dry_run=true"):
                answer = await busy_world.send_json(endpoint.method, endpoint.path(ANY_ID) + query, body)
                assert answer.status == 501, (resource, operation_type, answer.text)
                detail = error_body(answer).detail
                assert manifest.name in detail
                assert f"{operation_type} a {resource}" in detail
        assert await account.control.last_sequence() == sequence
        assert await busy_world.row_counts() == before


@pytest.mark.parametrize("slug", SLUGS)
async def test_what_a_provider_asks_for_is_named_by_our_field(busy_world: World, slug: str, tmp_path: Path) -> None:
    async with connected(busy_world, slug, tmp_path) as account:
        told = (await busy_world.get(f"/v2/fleetwrite/tsps/{slug}/capabilities")).json()["writes"]
        required = {(one["resource"], one["operation_type"], one["kind"]): one["body"]["required"] for one in told}
        before, sequence = await busy_world.row_counts(), await account.control.last_sequence()
        for example in examples_of(slug):
            offer = account.connector.manifest.offer_of(example.resource, example.operation_type, example.kind)
            assert offer is not None
            if example.operation_type is not CREATE or offer.is_fanned_out:
                continue
            whole = account.body(example)
            allow = {"Fleetwrite_Losses": "allow"} if example.losses else {}
            for field in demanded_fields(offer, example):
                body = {name: value for name, value in whole.items() if name != field}
                answer = await busy_world.send_json(method_of(example), account.path(example), body, **allow)
                assert answer.status == 422, (example.key, field, answer.text)
                assert details_of(answer)[f"body.{field}"] == ErrorType.REQUIRED_BY_TSP
                assert field in required[offer.resource, offer.operation_type, offer.kind]
        assert await account.control.last_sequence() == sequence
        assert await busy_world.row_counts() == before


def test_every_provider_asks_for_something_in_some_example() -> None:
    """Else the check above would check nothing there."""
    for slug in SLUGS:
        manifest = REGISTRY.get(slug).manifest
        offers = [(manifest.offer_of(one.resource, one.operation_type, one.kind), one) for one in examples_of(slug)]
        creates = [(offer, one) for offer, one in offers if one.operation_type is ResourceOperationTypeEnum.CREATE]
        assert any(demanded_fields(offer, one) for offer, one in creates if offer is not None), slug
