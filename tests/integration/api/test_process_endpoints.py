"""What the process says of itself, and what every answer has in common."""

import re
from collections.abc import AsyncIterator

import pytest

from fleetwrite.api.app import ENDPOINTS
from fleetwrite.api.endpoint import Endpoint
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from integration.api.error_bodies import error_body
from integration.api.world import World


async def test_a_process_that_answers_is_alive(world: World) -> None:
    answer = await world.send("GET", "/healthz")

    assert (answer.status, answer.json()["status"]) == (200, "ok")


async def test_a_process_is_ready_with_its_database_and_schema(world: World) -> None:
    answer = await world.send("GET", "/readyz")

    assert (answer.status, answer.json()["status"]) == (200, "ok")


async def test_a_process_is_not_ready_without_its_schema(fresh_world: World) -> None:
    await fresh_world.services.database.pool.execute(
        "DELETE FROM _pogo_migration WHERE migration_id = (SELECT max(migration_id) FROM _pogo_migration)"
    )

    answer = await fresh_world.send("GET", "/readyz")

    assert answer.status == 503
    assert "fleetwrite migrate" in answer.json()["reason"]


async def test_metrics_count_requests_by_operation_and_tell_no_partners_apart(world: World) -> None:
    await world.get("/v2/telematics/users")

    answer = await world.send("GET", "/metrics")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert re.search(r'fleetwrite_http_requests_total\{operation_id="list_users",status="200"\} \d', answer.text)
    assert 'fleetwrite_http_request_duration_seconds_bucket{le="0.001",operation_id="list_users"}' in answer.text
    assert world.partner_id not in answer.text


async def test_metrics_tell_how_far_delivery_lags_behind(world: World) -> None:
    answer = await world.send("GET", "/metrics")

    for kind in ("operation", "delivery"):
        assert re.search(rf'fleetwrite_dispatch_lag_seconds\{{kind="{kind}"\}} \d', answer.text)


async def test_metrics_tell_what_is_not_called_for_now(world: World) -> None:
    pool = world.services.database.pool
    await pool.execute(
        "INSERT INTO breakers (host, tsp_slug, opened_at, cause, probe_at)"
        " VALUES ('a:1', 'samsara', now(), 'failures', now()), ('b:1', 'samsara', NULL, NULL, NULL)"
    )
    opened = await world.send("GET", "/metrics")
    await pool.execute("DELETE FROM breakers")
    closed = await world.send("GET", "/metrics")

    assert 'fleetwrite_open_breakers{source_name="samsara"} 1.0' in opened.text
    assert 'fleetwrite_open_breakers{source_name="samsara"} 0.0' in closed.text
    assert 'fleetwrite_parked_connections{source_name="samsara"} 0.0' in closed.text


async def test_the_documentation_loads_nothing_from_elsewhere(world: World) -> None:
    page = await world.send("GET", "/docs")

    assert page.status == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for address in loaded:
        if not address.startswith("data:"):
            assert (await world.send("GET", address)).status == 200
    assert b"/openapi.json" in (await world.send("GET", "/docs/start.js")).content


async def test_the_document_that_is_served_holds_every_endpoint(world: World) -> None:
    document = (await world.send("GET", "/openapi.json")).json()

    assert sum(len(methods) for methods in document["paths"].values()) == len(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: str(endpoint.operation_id))
async def test_every_endpoint_of_the_table_is_served(world: World, endpoint: Endpoint) -> None:
    # Whoever asks without a token can ask for nothing but providers.
    path = endpoint.path.replace("{tsp_id}", str(tsp_id("samsara")))
    path = re.sub(r"\{\w+\}", "018f3c5e-7a51-7c3e-9d59-0a1b2c3d4e5f", path)

    answer = await world.send(endpoint.method, path)

    if endpoint.scope is None:
        # 404: an invitation, whose id nobody can guess.
        assert answer.status in endpoint.answers or answer.status in {404, 415}
        assert answer.status != 404 or "{invitation_id}" in endpoint.path
    else:
        assert answer.status == 401
    assert answer.headers["X-Request-ID"]


async def test_a_request_id_is_echoed_even_by_errors(world: World) -> None:
    answer = await world.send("GET", "/nowhere", headers={"X-Request-ID": "abc-123"})

    assert answer.status == 404
    assert answer.headers["X-Request-ID"] == "abc-123"
    error_body(answer)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v2/telematics/vehicles", "GET, HEAD, POST"),
        ("DELETE", "/v2/telematics/vehicles/17", "GET, HEAD, PATCH"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_told_which_it_does(
    world: World, method: str, path: str, allowed: str
) -> None:
    answer = await world.send(method, path)

    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    error_body(answer)


async def test_an_endless_body_is_refused_while_it_is_sent(world: World) -> None:
    async def blanks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 64 * 1024

    answer = await world.send(
        "POST",
        "/v2/telematics/vehicles",
        content=blanks(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {world.token}"},
    )

    assert answer.status == 413
    error_body(answer)


async def test_head_is_get_without_a_body(world: World) -> None:
    answer = await world.send("HEAD", "/healthz")

    assert (answer.status, answer.content) == (200, b"")
