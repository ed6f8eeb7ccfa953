"""Bulk import of connections over HTTP: checked as a whole, carried out line by line, and repeated without harm."""

import json
from typing import Any

import pytest

from administrating import administrate
from integration.api.error_bodies import details_of
from integration.api.inviting import operator_token
from integration.api.world import HttpAnswer, World

IMPORT = "/v2/fleetwrite/admin/connections/import"
SECRET = "samsara_api_very_secret"


FILE = f"""\
partner,fleet_ref,fleet_name,tsp,source_name,description,account_id,credentials.token,settings.region
acme,n-1,North,samsara,,,org-1,{SECRET},eu
,n-2,,,samsara,Depot,,{SECRET},
"""


async def imported(world: World, content: str | bytes, query: str = "") -> HttpAnswer:
    return await world.send(
        "POST",
        IMPORT + query,
        content=content.encode() if isinstance(content, str) else content,
        headers={"Content-Type": "text/csv", "Authorization": f"Bearer {await operator_token(world)}"},
    )


async def rows(world: World) -> list[Any]:
    return await world.services.database.pool.fetch("SELECT * FROM connections ORDER BY created_at, id")


async def test_a_file_is_checked_applied_and_repeated(fresh_world: World) -> None:
    before = len(await rows(fresh_world))
    checked = (await imported(fresh_world, FILE, "?partner=acme")).json()
    assert (checked["applied"], [line["result"] for line in checked["lines"]]) == (False, ["new", "new"])
    assert len(await rows(fresh_world)) == before

    answer = await imported(fresh_world, FILE, "?partner=acme&apply=true")
    assert answer.status == 200
    report = answer.json()
    assert (report["applied"], report["created"], report["existing"], report["failed"]) == (True, 2, 0, 0)
    assert [(line["line"], line["fleet_ref"], line["tsp"]) for line in report["lines"]] == [
        (2, "n-1", "samsara"),
        (3, "n-2", "samsara"),
    ]
    assert SECRET not in answer.text
    made = (await rows(fresh_world))[before:]
    assert [str(row["id"]) for row in made] == [line["connection_id"] for line in report["lines"]]
    assert [(row["description"], row["account_id"], row["settings"]) for row in made] == [
        (None, "org-1", {"region": "eu"}),
        ("Depot", None, {}),
    ]
    ids = [row["id"] for row in made]
    async with fresh_world.services.database.acquire() as connection:
        accounts = await fresh_world.services.connections.open_accounts(connection, ids)
    assert [accounts[one].credentials for one in ids] == [{"token": SECRET}] * 2

    again = (await imported(fresh_world, FILE, "?partner=acme&apply=true")).json()
    assert (again["created"], again["existing"]) == (0, 2)
    assert [line["connection_id"] for line in again["lines"]] == [line["connection_id"] for line in report["lines"]]
    seen = (await fresh_world.get("/v2/integrations/connections?fleet_refs=n-1&fleet_refs=n-2")).json()
    assert {item["id"] for item in seen["items"]} == {line["connection_id"] for line in report["lines"]}


async def test_a_login_may_stand_in_columns_of_json(fresh_world: World) -> None:
    credentials = json.dumps({"username": "u", "password": SECRET, "database": "acme"}).replace('"', '""')
    settings = json.dumps({"base_url": "https://93.184.215.14"}).replace('"', '""')
    text = f'partner,fleet_ref,tsp,credentials,settings\nacme,g-1,geotab,"{credentials}","{settings}"\n'
    report = (await imported(fresh_world, text, "?apply=true")).json()

    assert report["created"] == 1
    fleet = (await fresh_world.get("/v2/orgs/fleets?fleet_refs=g-1")).json()["items"][0]
    assert fleet["name"] == "g-1"


async def test_a_fleet_that_is_there_gets_one_more_connection_and_keeps_the_rest(fresh_world: World) -> None:
    text = f"fleet_ref,fleet_name,tsp,description,credentials.token\nfleet-1,Other,samsara,Second,{SECRET}\n"
    report = (await imported(fresh_world, text, "?partner=acme&apply=true")).json()

    assert report["created"] == 1
    seen = (await fresh_world.get("/v2/integrations/connections?fleet_refs=fleet-1")).json()
    assert {item["id"] for item in seen["items"]} == {fresh_world.first.id, report["lines"][0]["connection_id"]}
    assert (await fresh_world.get("/v2/orgs/fleets?fleet_refs=fleet-1")).json()["items"][0]["name"] == "Fleet fleet-1"


HEAD = "partner,fleet_ref,tsp,source_name,description,credentials.token,settings.region"
GOOD = f"acme,good,samsara,,,{SECRET},"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", {"body.1.fleet_ref": "missing", "body.1.tsp": "missing"}),
        ("fleet_ref,tsp,colour\n", {"body.1.colour": "unknown_field"}),
        ("fleet_ref,tsp,credentials.\n", {"body.1.credentials.": "unknown_field"}),
        ("fleet_ref,tsp,tsp\n", {"body.1.tsp": "format"}),
        ("fleet_ref,tsp,credentials,credentials.token\n", {"body.1.credentials.token": "conflict"}),
        (f"{HEAD}\nacme,a\n{GOOD}", {"body.2": "format"}),
        (f"{HEAD}\nacme,,samsara,,,{SECRET},", {"body.2.fleet_ref": "missing"}),
        (f"{HEAD}\nacme,{'x' * 256},samsara,,,{SECRET},", {"body.2.fleet_ref": "range"}),
        (f"{HEAD}\nacme,a\0,samsara,,,{SECRET},", {"body.2.fleet_ref": "format"}),
        (f"{HEAD}\n,a,samsara,,,{SECRET},", {"body.2.partner": "missing"}),
        (f"{HEAD}\nnobody,a,samsara,,,{SECRET},", {"body.2.partner": "unknown_id"}),
        (f"{HEAD}\noperator,a,samsara,,,{SECRET},", {"body.2.partner": "unknown_id"}),
        (f"{HEAD}\nacme,a,,,,{SECRET},", {"body.2.tsp": "missing"}),
        (f"{HEAD}\nacme,a,samsarra,,,{SECRET},", {"body.2.tsp": "enum"}),
        (f"{HEAD}\nacme,a,,ada,,{SECRET},", {"body.2.source_name": "enum"}),
        (f"{HEAD}\nacme,a,samsara,geotab,,{SECRET},", {"body.2.tsp": "enum"}),
        (f"{HEAD}\nacme,a,samsara,,,,", {"body.2.credentials.token": "missing"}),
        (f"{HEAD}\nacme,a,samsara,,,{SECRET},mars", {"body.2.settings.region": "format"}),
        (f"{HEAD}\n{GOOD}\n{GOOD}\n{GOOD}", {"body.3.description": "conflict", "body.4.description": "conflict"}),
        (f"partner,fleet_ref,tsp,credentials\nacme,a,samsara,{SECRET}", {"body.2.credentials": "format"}),
        (f'partner,fleet_ref,tsp,credentials\nacme,a,samsara,"[""{SECRET}""]"', {"body.2.credentials": "format"}),
        (
            f'partner,fleet_ref,tsp,credentials\nacme,a,samsara,"{{""tokken"": ""{SECRET}""}}"',
            {"body.2.credentials.token": "missing", "body.2.credentials.tokken": "unknown_field"},
        ),
        (f'{HEAD}\nacme,"a,samsara,,,{SECRET},', {"body.2": "format"}),
    ],
)
async def test_what_is_wrong_is_named_by_line_without_secrets_and_nothing_is_done(
    busy_world: World, text: str, faults: dict[str, str]
) -> None:
    before = len(await rows(busy_world))
    answer = await imported(busy_world, text, "?apply=true")

    assert answer.status == 422
    assert details_of(answer) == faults
    assert SECRET not in answer.text
    assert len(await rows(busy_world)) == before


async def test_a_file_that_is_no_utf8_is_refused(world: World) -> None:
    answer = await imported(world, b"fleet_ref,tsp\n\xff,samsara\n")
    assert details_of(answer) == {"body.2": "format"}


async def test_what_fails_on_the_way_is_told_line_by_line_and_mended_by_a_repeat(
    fresh_world: World,
) -> None:
    text = f"{HEAD}\nacme,a,samsara,,,{SECRET},\nacme,b,samsara,,,{SECRET},\n"
    database = fresh_world.services.database
    await administrate(
        database,
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (SELECT name FROM fleets WHERE id = NEW.fleet_id) = 'a' THEN RAISE 'no room'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON connections FOR EACH ROW EXECUTE FUNCTION refuse();
        """,
    )
    report = (await imported(fresh_world, text, "?apply=true")).json()
    assert (report["created"], report["failed"]) == (1, 1)
    assert [line["result"] for line in report["lines"]] == ["failed", "created"]
    assert "import the file again" in report["lines"][0]["reason"]
    await administrate(database, "DROP TRIGGER refuse ON connections")

    again = (await imported(fresh_world, text, "?apply=true")).json()
    assert [line["result"] for line in again["lines"]] == ["created", "exists"]


async def test_three_hundred_fleets_need_no_three_hundred_invitations(fresh_world: World) -> None:
    lines = [f"acme,bulk-{number},samsara,,,{SECRET}-{number}," for number in range(300)]
    report = (await imported(fresh_world, "\n".join([HEAD, *lines]), "?apply=true")).json()

    assert (report["created"], report["failed"]) == (300, 0)
    assert (await fresh_world.get("/v2/orgs/fleets?size=1")).json()["total"] == 303
