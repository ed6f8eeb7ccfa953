"""The id map: looked up, and taken along."""

import csv
import io
from typing import Any
from uuid import UUID, uuid4

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.database import Database
from fleetwrite.kit.keyset import Window, decode_cursor
from fleetwrite.orgs.models import Partner
from fleetwrite.orgs.service import OrgService
from fleetwrite.records.id_map import IdMap
from fleetwrite.records.id_map_csv import COLUMNS
from fleetwrite.records.id_map_models import LookUp
from integration.records.accounts import connect, listed, pull
from integration.records.id_files import WITH_REFS, file, found

VEHICLE, TRAILER, USER = ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER


async def exported(id_map: IdMap, partner: Partner, **wanted: Any) -> list[dict[str, str]]:
    pieces = [piece async for piece in id_map.export(partner.id, LookUp(**wanted))]
    return list(csv.DictReader(io.StringIO(b"".join(pieces).decode(), newline="")))


# Looking up


async def test_a_record_is_found_by_every_natural_key_without_regard_to_case(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    keys = {
        "vin": "1XKYDP9X7MJ430042",
        "license_plate_number": "B-FW 4711",
        "eld_serial_number": "GX5P-2",
        "external_id": "Ext/1",
        "employee_number": "E-17",
        "username": "Ann.Lee",
        "user_email": "Ann@Acme.test",
    }
    south = await connect(database, partner, "south")
    await pull(database, account, listed(USER, "1", **keys), listed(USER, "2", vin="other"))
    await pull(database, south, listed(VEHICLE, "1", vin=keys["vin"]))
    for key, text in keys.items():
        for spelt in (text, text.upper(), text.lower()):
            (mapping,) = await found(id_map, partner, keys={key: [spelt, "elsewhere"]}, connection_id=account)
            assert (mapping.source_id, getattr(mapping, key)) == ("1", text)
    everywhere = await found(id_map, partner, keys={"vin": [keys["vin"].lower()]})
    assert {(one.connection_id, one.fleet_ref) for one in everywhere} == {(account, "north"), (south, "south")}
    assert [
        one.resource for one in await found(id_map, partner, keys={"vin": [keys["vin"]]}, fleet_refs=["south"])
    ] == [VEHICLE]
    assert await found(id_map, partner, keys={"vin": [keys["vin"]], "username": ["Bob"]}) == []
    assert await found(id_map, partner, keys={"vin": ["a\0b"]}) == []


async def test_keys_that_begin_alike_and_are_longer_than_the_index_holds_are_told_apart(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    long = "x" * 3000
    await pull(database, account, listed(VEHICLE, "1", external_id=long + "1"), listed(VEHICLE, "2", external_id=long))
    assert [one.source_id for one in await found(id_map, partner, keys={"external_id": [long + "1"]})] == ["1"]


async def test_records_are_found_by_ids_of_both_sides(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    south = await connect(database, partner, "south")
    vehicle, trailer = await pull(database, account, listed(VEHICLE, "1"), listed(TRAILER, "1"))
    await pull(database, south, listed(VEHICLE, "1"))
    assert {one.id for one in await found(id_map, partner, ids=[vehicle, trailer, uuid4()])} == {vehicle, trailer}
    assert len(await found(id_map, partner, source_ids=["1"])) == 3
    (one,) = await found(id_map, partner, source_ids=["1", "2"], connection_id=account, resource=TRAILER)
    assert one.id == trailer


async def test_what_is_deleted_and_what_is_reserved_is_shown_as_such(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    await pull(database, account, listed(VEHICLE, "1"), listed(VEHICLE, "2"))
    await database.pool.execute("UPDATE records SET deleted_at = fleetwrite_now() WHERE source_id = '2'")
    await id_map.import_file(partner.id, file((account, "vehicle", "3", uuid4())), apply=True)
    states = {one.source_id: one.state for one in await found(id_map, partner, source_ids=["1", "2", "3"])}
    assert states == {"1": "known", "2": "deleted", "3": "reserved"}


async def test_what_is_found_comes_in_pages(id_map: IdMap, database: Database, account: UUID, partner: Partner) -> None:
    await pull(database, account, *(listed(USER, str(number), username="driver") for number in range(7)))
    met: list[str] = []
    cursor = None
    for _ in range(4):
        window = Window(cursor=decode_cursor(cursor), size=2)
        page = await id_map.look_up(partner.id, LookUp(keys={"username": ["Driver"]}), window)
        met += [one.source_id for one in page.items]
        cursor = page.next_page
    assert cursor is None
    assert sorted(met) == [str(number) for number in range(7)]


async def test_another_partners_records_are_neither_found_nor_exported(
    id_map: IdMap, database: Database, account: UUID
) -> None:
    (vehicle,) = await pull(database, account, listed(VEHICLE, "1", vin="V"))
    stranger = await OrgService(database).ensure_partner("Stranger", "stranger")
    await connect(database, stranger, "north")
    for wanted in ({"ids": [vehicle]}, {"source_ids": ["1"]}, {"keys": {"vin": ["V"]}}):
        assert await found(id_map, stranger, **wanted) == []
    assert await exported(id_map, stranger, connection_id=account) == []
    assert await exported(id_map, stranger) == []


# Taking along


async def test_an_export_has_a_line_for_each_record_in_the_order_of_its_columns(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    (user, vehicle) = await pull(
        database,
        account,
        listed(USER, "7", first_name="Ann", last_name="Lee", username="ann", user_email="ann@acme.test"),
        listed(VEHICLE, "1", vehicle_name='Truck "1", blue', vin="V1"),
    )
    await id_map.import_file(partner.id, file((account, "user", "7", "EMP-7"), columns=WITH_REFS), apply=True)
    first, second = await exported(id_map, partner)
    assert tuple(first) == COLUMNS
    assert second == dict.fromkeys(COLUMNS, "") | {
        "connection_id": str(account),
        "resource": "vehicle",
        "source_id": "1",
        "id": str(vehicle),
        "state": "known",
        "fleet_ref": "north",
        "source_name": "samsara",
        "name": 'Truck "1", blue',
        "vin": "V1",
    }
    assert (first["id"], first["name"], first["record_ref"]) == (str(user), "Ann Lee", "EMP-7")
    assert (first["username"], first["user_email"]) == ("ann", "ann@acme.test")


async def test_an_export_is_narrowed_and_comes_in_pieces(
    id_map: IdMap, database: Database, account: UUID, partner: Partner
) -> None:
    south = await connect(database, partner, "south")
    many = [listed(VEHICLE, f"{number:04}") for number in range(2000)]
    await pull(database, account, *many, listed(TRAILER, "1"))
    await pull(database, south, listed(VEHICLE, "1"))
    pieces = [piece async for piece in id_map.export(partner.id, LookUp(connection_id=account))]
    assert [piece.count(b"\n") for piece in pieces] == [1, 1, 1000, 1000]
    lines = await exported(id_map, partner, connection_id=account)
    assert [line["source_id"] for line in lines] == ["1", *(one.source_id for one in many)]
    assert len(await exported(id_map, partner, fleet_refs=["south"])) == 1
    assert [line["source_id"] for line in await exported(id_map, partner, resource=TRAILER)] == ["1"]
