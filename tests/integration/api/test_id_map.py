"""The id map over HTTP."""

import asyncio
import csv
import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from fleetwrite.api.id_map import LARGEST_IMPORT
from integration.api.error_bodies import details_of, error_body
from integration.api.world import HttpAnswer, World

PATH = "/v2/fleetwrite/records"
HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "bring-your-ids.md"


def lines(*rows: tuple[Any, ...], header: tuple[str, ...] = ("connection_id", "resource", "source_id", "id")) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


async def bring(
    world: World, content: bytes | io.BytesIO, query: str = "?apply=true", *, token: str | None = None, **headers: str
) -> HttpAnswer:
    named = {"Content-Type": "text/csv", "Authorization": f"Bearer {token or world.token}"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.send("POST", f"{PATH}/import{query}", content=content, headers=named)


async def looked_up(world: World, **query: Any) -> list[dict[str, Any]]:
    answer = await world.get(f"{PATH}?{urlencode(query, doseq=True)}")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_records_are_looked_up_by_what_both_sides_know(world: World) -> None:
    first, second = world.first, world.second
    users = await looked_up(world, usernames=["D1"])
    assert {one["id"] for one in users} == {first.records["driver"], second.records["driver"]}
    (user,) = await looked_up(world, usernames=["D1"], connection_id=first.id)
    assert user == {
        "connection_id": first.id,
        "resource": "user",
        "source_id": "101",
        "id": first.records["driver"],
        "record_ref": None,
        "state": "known",
        "fleet_ref": "fleet-1",
        "source_name": "samsara",
        "name": "Dora",
        "vin": None,
        "license_plate_number": None,
        "eld_serial_number": None,
        "external_id": None,
        "employee_number": None,
        "username": "d1",
        "user_email": None,
    }
    assert [one["id"] for one in await looked_up(world, user_emails=["O@ACME.test"], fleet_refs=["fleet-2"])] == [
        second.records["office_user"]
    ]
    assert await looked_up(world, source_ids=["101"], resource="vehicle") == []
    assert await looked_up(world, ids=[world.foreign.records["driver"]]) == []
    assert await looked_up(world, source_ids=["101"], connection_id=world.foreign.id) == []


async def test_a_look_up_comes_in_pages(world: World) -> None:
    first = (await world.get(f"{PATH}?source_ids=101&source_ids=201&size=3")).json()
    rest = (await world.get(f"{PATH}?source_ids=101&source_ids=201&size=3&cursor={first['next_page']}")).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_page"]) == (3, 1, None)


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("", {"query": "missing"}),
        ("connection_id=01a20a4e-d624-726d-909b-9ff777c10ef3&resource=user", {"query": "missing"}),
        ("vin=1", {"query.vin": "unknown_field"}),
        ("vins=1&resource=workflow", {"query.resource": "enum"}),
        ("ids=17", {"query.ids.0": "format"}),
        ("vins=1&cursor=nonsense", {"query.cursor": "format"}),
        ("&".join(["vins=1"] * 101), {"query.vins": "range"}),
    ],
)
async def test_a_look_up_that_can_not_be_is_refused(world: World, query: str, faults: dict[str, str]) -> None:
    answer = await world.get(f"{PATH}?{query}")
    assert (answer.status, details_of(answer)) == (422, faults)


async def test_the_id_map_is_exported_as_a_file_that_an_import_takes(fresh_world: World) -> None:
    world = fresh_world
    answer = await world.get(f"{PATH}/export?connection_id={world.first.id}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="records.csv"'
    assert answer.headers["Transfer-Encoding"] == "chunked"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert {row["id"] for row in rows} == set(world.first.records.values())
    again = await bring(world, answer.content)
    assert (again.status, again.json()) == (
        200,
        {
            "applied": True,
            "lines": 5,
            "unchanged": 5,
            "ids_changed": 0,
            "ids_reserved": 0,
            "record_refs_set": 0,
            "record_refs_removed": 0,
        },
    )


async def test_an_export_is_of_what_the_partner_sees(world: World) -> None:
    everything = csv.DictReader(io.StringIO((await world.get(f"{PATH}/export")).text, newline=""))
    assert {row["connection_id"] for row in everything} == {world.first.id, world.second.id}
    for hidden in (world.foreign.id, world.deleted_id, uuid4()):
        answer = await world.get(f"{PATH}/export?connection_id={hidden}")
        assert answer.status == 404
        error_body(answer)
    vehicles = csv.DictReader(
        io.StringIO((await world.get(f"{PATH}/export?resource=vehicle&fleet_refs=fleet-2")).text, newline="")
    )
    assert [row["id"] for row in vehicles] == [world.second.records["vehicle"]]


async def test_an_import_is_dry_unless_it_is_told_otherwise(fresh_world: World) -> None:
    world = fresh_world
    brought = str(uuid4())
    content = lines((world.first.id, "vehicle", "301", brought), (world.first.id, "vehicle", "999", uuid4()))
    for query in ("", "?apply=false"):
        dry = await bring(world, content, query)
        assert (dry.status, dry.json()["applied"]) == (200, False)
        assert (dry.json()["ids_changed"], dry.json()["ids_reserved"]) == (1, 1)
    assert await world.row_counts() == world.seeded_rows
    assert (await world.get(f"/v2/telematics/vehicles/{world.first.records['vehicle']}")).status == 200
    done = await bring(world, content)
    assert (done.status, done.json()["applied"]) == (200, True)
    vehicle = await world.get(f"/v2/telematics/vehicles/{brought}")
    assert (vehicle.status, vehicle.json()["source_id"]) == (200, "301")
    assert (await world.get(f"/v2/telematics/vehicles/{world.first.records['vehicle']}")).status == 404


async def test_an_id_can_not_be_brought_for_a_record_that_a_write_names(fresh_world: World) -> None:
    world = fresh_world
    body = {
        "connection_id": world.first.id,
        "sender_id": world.first.records["office_user"],
        "recipient_id": world.first.records["driver"],
        "message_text": "hello",
    }
    assert (await world.send_json("POST", "/v2/telematics/messages", body)).status == 202
    refused = await bring(world, lines((world.first.id, "user", "101", uuid4()), (world.first.id, "user", "x", "x")))
    assert (refused.status, details_of(refused)) == (422, {"body.2.id": "conflict", "body.3.id": "format"})
    error_body(refused)


async def test_ids_are_not_brought_by_who_may_only_read(world: World) -> None:
    content = lines((world.first.id, "vehicle", "301", uuid4()))
    assert (await bring(world, content, token=world.reading_token)).status == 403
    assert (await bring(world, content, token="a.b.c")).status == 401
    for path in (f"{PATH}/export", f"{PATH}?source_ids=1"):
        assert (await world.get(path, token=world.reading_token)).status == 200
        assert (await world.get(path, token="a.b.c")).status == 401


async def test_ids_are_not_brought_to_another_partners_connection(world: World) -> None:
    for connection_id in (world.foreign.id, world.deleted_id):
        answer = await bring(world, lines((connection_id, "vehicle", "301", uuid4())))
        assert (answer.status, details_of(answer)) == (422, {"body.2.connection_id": "unknown_id"})
    assert await world.row_counts() == world.seeded_rows


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "application/json"}, 415),
        ({"Content_Type": "text/csv; charset=latin-1"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Type": "text/csv;charset=UTF-8"}, 200),
    ],
)
async def test_an_import_has_to_be_declared_as_csv_in_utf_8(world: World, headers: dict[str, str], status: int) -> None:
    content = lines((world.first.id, "vehicle", "301", world.first.records["vehicle"]))
    assert (await bring(world, content, "", **headers)).status == status


async def test_an_import_that_is_too_large_is_refused(world: World) -> None:
    answer = await bring(world, io.BytesIO(b"x" * (LARGEST_IMPORT + 1)))
    assert answer.status == 413
    assert str(LARGEST_IMPORT) in answer.json()["detail"]


async def run_bash(steps: list[str], folder: Path, **environment: str) -> list[str]:
    """Run `steps` one after the other in the same shell; returns what each printed."""
    script = "set -euo pipefail\n" + "".join(f"{step}\nprintf '\\0'\n" for step in steps)
    # Without the proxies that curl would ask for addresses on this machine too.
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=folder,
        env=inherited | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode().split("\0")[:-1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: the page's commands cannot be run")
async def test_the_howto_does_what_it_says(fresh_world: World, tmp_path: Path) -> None:
    page = HOWTO.read_text()
    steps = re.findall(r"^```bash\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    told, _ = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    world = fresh_world

    printed = await run_bash(steps, tmp_path, API=world.url, TOKEN=world.token, CONNECTION=world.first.id)

    nothing, exported, written, dry, applied, found = printed
    assert json.loads(nothing)["items"] == []
    assert exported.splitlines()[0].startswith("connection_id,resource,source_id,id,record_ref,state,")
    assert written == ""
    assert json.loads(dry) == json.loads(told)
    assert json.loads(applied) == json.loads(told) | {"applied": True}
    (truck,) = json.loads(found)["items"]
    assert (truck["id"], truck["record_ref"]) == ("0a7b6c1e-5a0e-4c56-9c5e-0d6a3f1b2c4d", "TRUCK-42")
