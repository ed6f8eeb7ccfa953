"""What providers take, over HTTP."""

from itertools import pairwise
from typing import Any

import msgspec

from fleetwrite.api.capabilities import Capabilities
from fleetwrite.connectors.sdk.tsp_ids import tsp_id
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.integrations import TspIntegrationsRead
from fleetwrite.contract.pages import CursorPage
from integration.api.accounts import SLUGS
from integration.api.error_bodies import details_of, error_body
from integration.api.world import World

TSPS = "/v2/integrations/tsps"


def write_of(capabilities: Capabilities, *key: str | None) -> Any:
    (write,) = [one for one in capabilities.writes if (one.resource, one.operation_type, one.kind) == key]
    return write


async def capabilities_of(world: World, path: str) -> Capabilities:
    answer = await world.get(path)
    assert answer.status == 200, answer.text
    return msgspec.json.decode(answer.content, type=Capabilities)


async def page_of(world: World, query: str) -> CursorPage[TspIntegrationsRead]:
    answer = await world.send("GET", TSPS + query)
    assert answer.status == 200, answer.text
    return msgspec.json.decode(answer.content, type=CursorPage[TspIntegrationsRead])


async def test_a_tsp_tells_what_it_takes(world: World) -> None:
    told = await capabilities_of(world, "/v2/fleetwrite/tsps/samsara/capabilities")

    driver = write_of(told, "user", "create", "driver")
    assert "username" in driver.body["required"]
    assert (driver.idempotency, told.conn_type, told.group_messages) == ("external_id", "token", "native")
    assert "employee_number" in driver.natural_key
    message = write_of(told, "message", "create", None)
    assert next(loss.field for loss in message.losses if not loss.essential) == "sender_id"
    assert "notes" in write_of(told, "vehicle", "update", None).clearable
    assert {budget.scope for budget in told.budgets} >= {"token", "organization"}
    assert [field.name for field in told.credentials if field.sensitive] == ["token"]


async def test_a_connection_tells_the_limits_in_force_there(fresh_world: World) -> None:
    limits = {"budgets": [{"scope": "token", "requests": 7, "per_seconds": 3}]}
    base = f"/v2/fleetwrite/connections/{fresh_world.first.id}"
    assert (await fresh_world.send_json("PUT", f"{base}/budgets", limits)).status == 200

    (budget,) = (await capabilities_of(fresh_world, f"{base}/capabilities")).budgets

    assert (budget.scope, budget.requests, budget.per_seconds) == ("token", 7, 3)


async def test_what_is_unknown_or_somebody_elses_is_404(world: World) -> None:
    for path in (
        "/v2/fleetwrite/tsps/nobody/capabilities",
        f"/v2/fleetwrite/connections/{world.foreign.id}/capabilities",
        f"{TSPS}/{world.first.id}",
    ):
        error_body(answer := await world.get(path))
        assert answer.status == 404, path


async def test_capabilities_ask_for_a_token_and_its_scope(world: World) -> None:
    for path in (
        "/v2/fleetwrite/tsps/samsara/capabilities",
        f"/v2/fleetwrite/connections/{world.first.id}/capabilities",
    ):
        assert (await world.send("GET", path)).status == 401
        assert (await world.get(path, token=world.reading_token)).status == 403


async def test_all_tsps_are_listed_in_the_contracts_shape_without_a_token(world: World) -> None:
    page = await page_of(world, "")

    assert [tsp.slug for tsp in page.items] == SLUGS
    assert (page.next_page, page.previous_page) == (None, None)
    for tsp in page.items:
        assert tsp.integrations[ResourceEnum.VEHICLE] == "implemented"
        assert tsp.implemented_count == sum(status == "implemented" for status in tsp.integrations.values())
        counts = (tsp.implemented_count, tsp.not_implemented_count, tsp.not_supported_count)
        assert sum(counts) == len(tsp.integrations)
        one = await world.send("GET", f"{TSPS}/{tsp.tsp_id}")
        assert msgspec.json.decode(one.content, type=TspIntegrationsRead) == tsp


async def test_tsps_are_paged_forwards_and_backwards(world: World) -> None:
    pages = [await page_of(world, "?size=3")]
    while (cursor := pages[-1].next_page) is not None:
        pages.append(await page_of(world, f"?size=3&cursor={cursor}"))

    assert len(pages) > 2
    assert [tsp.slug for page in pages for tsp in page.items] == SLUGS
    assert pages[0].previous_page is None
    for earlier, later in pairwise(pages):
        assert (await page_of(world, f"?size=3&cursor={later.previous_page}")).items == earlier.items


async def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    other = (await world.get("/v2/integrations/connections?size=1")).json()["next_page"]

    assert details_of(await world.send("GET", f"{TSPS}?cursor={other}")) == {"query.cursor": "format"}


async def test_ids_of_tsps_are_those_of_connections(world: World) -> None:
    connection = (await world.get(f"/v2/integrations/connections/{world.first.id}")).json()

    answer = await world.send("GET", f"{TSPS}/{connection['tsp_id']}")

    assert (answer.json()["slug"], connection["tsp_id"]) == ("samsara", str(tsp_id("samsara")))
