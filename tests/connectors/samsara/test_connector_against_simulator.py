"""The connector against the simulator, over HTTP: what is sent, what comes back, what is found after a lost answer."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from connectors.samsara.samsara_provider import BLIND_TOKEN, DRIVERS, FLEET, NARROW_TOKEN, VEHICLES, Provider
from connectors.samsara.samsara_writes import ANY_ID, create, update
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.samsara.simulator import SamsaraSimulator
from fleetwrite.connectors.sdk.connector import LoginRefusedError, SourceRecord
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    AuthFailed,
    Conflict,
    Finding,
    Forbidden,
    Found,
    Lookalike,
    Rejected,
    Throttled,
    Unknowable,
)
from fleetwrite.connectors.sdk.write import Call, SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.telematics import WriteBody
from fleetwrite.kit.egress import AnswerLostError, Egress
from fleetwrite.kit.url_policy import UrlPolicy


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    simulator = SamsaraSimulator(tmp_path, [FLEET])
    url = await simulator.start()
    policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    async with Egress(policy) as egress:
        provider = Provider(egress, url, simulator)
        await provider.control("PUT", "limits", {"requests": 10_000, "per_seconds": 1, "kind": "bucket"})
        yield provider
    await simulator.stop()


async def listed(provider: Provider, resource: ResourceEnum) -> list[SourceRecord]:
    return [record async for page in CONNECTOR.list_records(resource, provider) for record in page.records]


async def known(provider: Provider) -> dict[str, SourceReference]:
    """One record of each kind, by the body field that would point to it."""
    users = await listed(provider, ResourceEnum.USER)
    records = {
        "vehicle_id": (await listed(provider, ResourceEnum.VEHICLE))[0],
        "trailer_id": (await listed(provider, ResourceEnum.TRAILER))[0],
        "office_user": next(user for user in users if not user.attributes["is_driver"]),
        "driver_id": next(user for user in users if user.attributes["is_driver"]),
    }
    references = {
        name: SourceReference(source_id=record.source_id, attributes=record.attributes)
        for name, record in records.items()
    }
    return {**references, "recipient_id": references["driver_id"], "sender_id": references["office_user"]}


async def settings_of(provider: Provider) -> dict[str, str]:
    roles = (await provider.control("GET", "records/user-roles"))["records"]
    users = (await provider.control("GET", "records/users"))["records"]
    return {"office_role_id": roles[-1]["id"], "dvir_author_id": users[0]["id"]}


async def every_write(provider: Provider) -> dict[str, Write]:
    """Each offered kind of write, those with two endpoints twice."""
    records = await known(provider)
    settings = await settings_of(provider)
    named = {"first_name": "Kira", "last_name": "Novak"}
    vin = {"vin": "1XKYDP9X5MK431190", "oem": "Kenworth", "model_type": "T680", "model_year": 2022}
    addressed = {"driver_id": ANY_ID, "vehicle_id": ANY_ID}
    driver, office_user = records["driver_id"], records["office_user"]
    writes = {
        "vehicle": create(ResourceEnum.VEHICLE, {"vehicle_name": "Unit 412", "external_id": "veh_412", **vin}),
        "vehicle update": update(
            ResourceEnum.VEHICLE,
            {"license_plate_number": None, "notes": "n"},
            target=records["vehicle_id"],
            cleared=frozenset({"license_plate_number"}),
        ),
        "vehicle update at assets": update(
            ResourceEnum.VEHICLE, {"model_year": 2023, "notes": "n"}, target=records["vehicle_id"]
        ),
        "trailer": create(ResourceEnum.TRAILER, {"trailer_name": "TR-77", "external_id": "trl_77"}),
        "trailer at assets": create(ResourceEnum.TRAILER, {"trailer_name": "TR-78", **vin}),
        "trailer update": update(ResourceEnum.TRAILER, {"notes": "new tyres"}, target=records["trailer_id"]),
        "trailer update at assets": update(ResourceEnum.TRAILER, vin, target=records["trailer_id"]),
        "driver": create(
            ResourceEnum.USER,
            {
                **named,
                "is_driver": True,
                "username": "kira.novak",
                "user_email": "kira@fleet.example",
                "license_region": "TX",
                "license_number": "D1",
                "employee_number": "E-1",
                "hos_ruleset_code": "US_INT_PROP_70_8",
                "default_time_zone": "America/Chicago",
                "hos_compliance_type": "non_exempt",
            },
        ),
        "driver update": update(
            ResourceEnum.USER, {"is_active": False, "phone_number": "+1 555", "allow_yard_move": True}, target=driver
        ),
        "office user": create(
            ResourceEnum.USER, {**named, "is_driver": False, "user_email": "kira@fleet.example"}, settings=settings
        ),
        "office user update": update(ResourceEnum.USER, named, target=office_user),
        "message": create(
            ResourceEnum.MESSAGE,
            {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": "dock 4"},
            references=records,
        ),
        "group message": create(
            ResourceEnum.GROUP_MESSAGE,
            {"sender_id": ANY_ID, "recipient_ids": [ANY_ID, ANY_ID], "message_text": "dock 4"},
            reference_lists={"recipient_ids": (driver, driver)},
        ),
        "inspection": create(
            ResourceEnum.DVIR_LOG,
            {
                **addressed,
                "log_type": "mechanic",
                "driver_comment": "ok",
                "odometer": 150000.5,
                "odometer_unit": "miles",
            },
            references={name: records[name] for name in addressed},
            settings=settings,
        ),
        "fuel purchase": create(
            ResourceEnum.FUEL_TRANSACTION,
            {
                **addressed,
                "transaction_time": "2026-03-04T15:21:00-06:00",
                "latitude": 32.7767,
                "longitude": -96.797,
                "fuel_volume": 109.0,
                "fuel_volume_unit": "US_GALLON",
                "fuel_type": "LNG",
                "total_cost": 371.34,
                "currency": "USD",
            },
            references=records,
        ),
    }
    return {
        name: msgspec.structs.replace(write, operation_id=UUID(int=number))
        for number, (name, write) in enumerate(writes.items(), 1)
    }


BEGUN_AGO = timedelta(seconds=20)

LOOKED_UP = {
    "vehicle",
    "vehicle update",
    "vehicle update at assets",
    "trailer",
    "trailer at assets",
    "trailer update",
    "trailer update at assets",
    "driver",
    "driver update",
    "office user update",
    "message",
    "group message",
    "inspection",
    # Found too, but not told from one that somebody else made.
    "office user",
}
FOUND = LOOKED_UP - {"office user"}


async def test_every_offered_write_lands_exactly_as_translated(provider: Provider) -> None:
    writes = await every_write(provider)
    assert {(write.resource, write.operation_type) for write in writes.values()} == {
        (offer.resource, offer.operation_type) for offer in CONNECTOR.manifest.offers
    }

    for name, write in writes.items():
        outcome = await provider.deliver(write)

        assert isinstance(outcome, Applied), (name, outcome)
        call = CONNECTOR.translate(write).call
        request = await provider.last_request()
        secrets = {"password": "***"} if name == "driver" else {}
        assert (request["method"], request["path"], request["query"], request["status"]) == (
            call.method,
            call.path,
            dict(call.query),
            200,
        )
        assert request["body"] == {**(call.body or {}), **secrets}


async def test_what_was_written_is_held_and_read_back_in_our_terms(provider: Provider) -> None:
    writes = await every_write(provider)
    applied = {name: await provider.deliver(write) for name, write in writes.items()}

    def id_of(name: str) -> str:
        outcome = applied[name]
        assert isinstance(outcome, Applied)
        return outcome.source_id

    vehicles = {record.source_id: record.attributes for record in await listed(provider, ResourceEnum.VEHICLE)}
    users = {record.source_id: record.attributes for record in await listed(provider, ResourceEnum.USER)}
    assert vehicles[id_of("vehicle")] == {
        "vehicle_name": "Unit 412",
        "oem": "Kenworth",
        "model_type": "T680",
        "model_year": 2022,
        "vin": "1XKYDP9X5MK431190",
        "external_id": "veh_412",
    }
    assert users[id_of("driver")] == {
        "first_name": "Kira",
        "last_name": "Novak",
        "is_driver": True,
        "is_active": True,
        "status": "ACTIVE",
        "username": "kira.novak",
        "user_email": "kira@fleet.example",
        "license_region": "TX",
        "license_number": "D1",
        "employee_number": "E-1",
        "default_time_zone": "America/Chicago",
    }
    assert users[id_of("driver update")]["is_active"] is False
    assert users[id_of("office user")] == {
        "first_name": "Kira",
        "last_name": "Novak",
        "is_driver": False,
        "is_active": True,
        "status": "ACTIVE",
        "user_email": "kira@fleet.example",
    }
    purchases = (await provider.control("GET", "records/fuel-purchase"))["records"]
    assert purchases[0]["uuid"] == id_of("fuel purchase")
    assert purchases[0]["fuelQuantityLiters"] == "412.609884456"
    assert purchases[0]["transactionPrice"] == {"amount": "371.34", "currency": "usd"}
    assert purchases[0]["transactionLocation"] == "32.7767, -96.797"
    inspections = (await provider.control("GET", "records/dvirs"))["records"]
    assert inspections[0]["odometerMeters"] == 241402405
    # One message to one driver, and one to a group that named him twice.
    assert len((await provider.control("GET", "records/messages"))["records"]) == 2


async def test_lists_run_over_several_pages(provider: Provider) -> None:
    vehicles = await listed(provider, ResourceEnum.VEHICLE)
    users = await listed(provider, ResourceEnum.USER)
    trailers = await listed(provider, ResourceEnum.TRAILER)

    assert len({record.source_id for record in vehicles}) == VEHICLES
    assert sum(record.attributes["is_driver"] for record in users) == DRIVERS
    assert sum(not record.attributes["is_driver"] for record in users) == 1
    assert users[1].attributes["first_name"] == "Ana"
    assert users[1].attributes["last_name"].startswith("Maria ")
    assert trailers[0].attributes == {
        "trailer_name": "TR-1",
        "license_plate_number": "4GZ901",
        "external_id": "trl_1",
    }
    assert trailers[0].source_data["id"] == trailers[0].source_id


async def lose_the_answer(provider: Provider, write: Write, kind: str) -> Call:
    """Send `write` while the simulator cuts the connection; `kind` says whether before or after the work."""
    call = CONNECTOR.translate(write).with_secrets({"password": "correct horse"})
    await provider.control("POST", "faults", {"method": call.method, "path": call.path, "kind": kind, "count": 1})
    with pytest.raises(AnswerLostError):
        await provider.call(call)
    return CONNECTOR.translate(write).call


async def test_a_write_whose_answer_was_lost_is_found(provider: Provider) -> None:
    writes = await every_write(provider)
    for name in sorted(FOUND):
        call = await lose_the_answer(provider, writes[name], "commit_then_drop")

        finding = await CONNECTOR.look_up(writes[name], call, provider, BEGUN_AGO)

        assert isinstance(finding, Found), name
        if name.endswith("message"):
            # Both go to the same driver with the same text.
            assert (finding.source_id, finding.sightings) == (
                f"fleetwrite:{writes[name].operation_id.hex}",
                1 if name == "group message" else 2,
            )
        else:
            assert finding.source_data["id"] == finding.source_id
            assert finding.sightings == (1 if name == "inspection" else None)


async def test_a_write_that_did_not_arrive_is_absent(provider: Provider) -> None:
    writes = await every_write(provider)
    for name in sorted(LOOKED_UP):
        call = await lose_the_answer(provider, writes[name], "drop_before")

        assert await CONNECTOR.look_up(writes[name], call, provider, BEGUN_AGO) == Absent(), name


async def test_only_fuel_purchases_can_not_be_looked_up(provider: Provider) -> None:
    writes = await every_write(provider)

    assert {name for name, write in writes.items() if CONNECTOR.can_look_up(write)} == LOOKED_UP
    assert writes.keys() - LOOKED_UP == {"fuel purchase"}


async def look_up(provider: Provider, write: Write, begun_ago: timedelta = BEGUN_AGO) -> Finding:
    return await CONNECTOR.look_up(write, CONNECTOR.translate(write).call, provider, begun_ago)


STRANGERS = {
    "vehicle": ["external_id veh_412", "vin 1XKYDP9X5MK431190"],
    "trailer": ["external_id trl_77"],
    "trailer at assets": ["vin 1XKYDP9X5MK431190"],
    "driver": ["employee_number E-1", "username kira.novak", "license_number D1 of TX"],
}


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in STRANGERS.items() for key in keys])
async def test_a_stranger_that_holds_our_key_is_named_and_not_adopted(provider: Provider, name: str, key: str) -> None:
    write = (await every_write(provider))[name]
    fields: dict[str, Any] = {"vehicle_name": "Other"} if name == "vehicle" else {"trailer_name": "Other"}
    if name == "driver":
        fields = {"is_driver": True, "first_name": "Other", "username": "other"}
        fields |= {"license_number": "D1", "license_region": "TX"} if key.startswith("license") else {}
    field, value = key.split()[:2]
    stranger = create(write.resource, {**fields, field: value})
    other = await provider.deliver(msgspec.structs.replace(stranger, operation_id=UUID(int=99)))
    assert isinstance(other, Applied)

    assert await look_up(provider, write) == Conflict(source_id=other.source_id, key=key)


async def test_a_deactivated_driver_keeps_its_username(provider: Provider) -> None:
    driver = (await known(provider))["driver_id"]
    await provider.deliver(update(ResourceEnum.USER, {"is_active": False}, target=driver))
    write = create(ResourceEnum.USER, {"is_driver": True, "first_name": "A", "username": driver.attributes["username"]})

    finding = await look_up(provider, write)

    assert finding == Conflict(source_id=driver.source_id, key=f"username {driver.attributes['username']}")


@pytest.mark.parametrize(("name", "finding"), [("Kira Novak", Lookalike), ("Kira Nowak", Conflict)])
async def test_an_office_user_with_our_address_is_ours_only_if_equal_and_even_then_perhaps_not(
    provider: Provider, name: str, finding: type[Lookalike | Conflict]
) -> None:
    write = (await every_write(provider))["office user"]
    fields = {"is_driver": False, "user_email": "KIRA@fleet.example"}
    fields["first_name"], fields["last_name"] = name.split()
    other = await provider.deliver(create(ResourceEnum.USER, fields, settings=await settings_of(provider)))
    assert isinstance(other, Applied)

    assert await look_up(provider, write) == finding(source_id=other.source_id, key="user_email kira@fleet.example")


async def test_what_is_older_than_the_attempt_is_not_ours(provider: Provider) -> None:
    writes = await every_write(provider)
    for name in ("message", "inspection"):
        await provider.deliver(writes[name])
    organization = FLEET.id
    storage = provider.simulator.storage
    for collection, field, value in (
        ("messages", "sentAtMs", int(time.time() * 1000) - 120_000),
        ("dvirs", "signedAtTime", (datetime.now(UTC) - timedelta(minutes=2)).isoformat()),
    ):
        for key, record in list(storage.collection(organization, collection).items()):
            storage.put(organization, collection, key, {**record, field: value})
    storage.commit()

    for name in ("message", "inspection"):
        assert await look_up(provider, writes[name], timedelta(seconds=60)) == Absent()
        assert isinstance(await look_up(provider, writes[name], timedelta(seconds=100)), Found)


async def test_a_message_that_only_some_of_a_group_got_is_told_with_who_got_it(provider: Provider) -> None:
    drivers = [user for user in await listed(provider, ResourceEnum.USER) if user.attributes["is_driver"]][:3]
    recipients = tuple(SourceReference(user.source_id, user.attributes) for user in drivers)
    body = {"sender_id": ANY_ID, "recipient_ids": [ANY_ID], "message_text": "yard closed"}
    whole = create(ResourceEnum.GROUP_MESSAGE, body, reference_lists={"recipient_ids": recipients})
    part = create(ResourceEnum.GROUP_MESSAGE, body, reference_lists={"recipient_ids": recipients[:2]})
    await provider.deliver(part)

    finding = await look_up(provider, whole)

    assert isinstance(finding, Unknowable)
    assert f"for the drivers [{recipients[0].source_id}, {recipients[1].source_id}]" in finding.reason
    assert f"not for [{recipients[2].source_id}]" in finding.reason


async def test_inspections_are_sought_over_all_pages_and_told_apart_by_all_they_say(provider: Provider) -> None:
    write = (await every_write(provider))["inspection"]
    for number in range(201):
        await provider.deliver(msgspec.structs.replace(write, body=with_comment(write, f"other {number}")))
    assert await look_up(provider, write) == Absent()
    applied = await provider.deliver(write)
    assert isinstance(applied, Applied)

    finding = await look_up(provider, write)

    assert isinstance(finding, Found)
    assert finding.source_id == applied.source_id


def with_comment(write: Write, comment: str) -> WriteBody:
    return msgspec.structs.replace(write.body, driver_comment=comment)


async def test_a_token_that_may_not_read_what_it_wrote_leaves_it_unknown(provider: Provider) -> None:
    writes = await every_write(provider)
    blind = Provider(provider.egress, provider.url, provider.simulator, BLIND_TOKEN)
    for name in ("message", "group message", "inspection", "office user"):
        call = CONNECTOR.translate(writes[name]).call
        finding = await CONNECTOR.look_up(writes[name], call, blind, BEGUN_AGO)
        assert isinstance(finding, Unknowable), name


async def test_a_second_send_of_the_same_create_is_refused_by_its_external_id(provider: Provider) -> None:
    write = (await every_write(provider))["trailer"]
    await provider.deliver(write)

    outcome = await provider.deliver(write)

    assert isinstance(outcome, Rejected)
    assert "requestId" in outcome.details


async def test_a_limit_is_told_with_its_wait(provider: Provider) -> None:
    write = (await every_write(provider))["trailer"]
    await provider.control("PUT", "limits", {"requests": 1, "per_seconds": 3600, "kind": "fixed"})
    await provider.deliver(write)

    outcome = await provider.deliver(write)

    assert isinstance(outcome, Throttled)
    assert outcome.retry_after_s is not None
    assert 0 < outcome.retry_after_s <= 3600


async def test_logins_are_checked(provider: Provider) -> None:
    assert (await CONNECTOR.check_login(provider))["name"] == "Test Haulage"

    narrow = Provider(provider.egress, provider.url, provider.simulator, NARROW_TOKEN)
    assert await CONNECTOR.check_login(narrow) == {}

    stranger = Provider(provider.egress, provider.url, provider.simulator, "samsara_api_unknown")
    with pytest.raises(LoginRefusedError) as refused:
        await CONNECTOR.check_login(stranger)
    assert refused.value.answer.status == 401
    assert isinstance(await stranger.deliver(create(ResourceEnum.TRAILER, {"trailer_name": "T"})), AuthFailed)


async def test_a_token_without_the_scope_is_refused(provider: Provider) -> None:
    narrow = Provider(provider.egress, provider.url, provider.simulator, NARROW_TOKEN)

    outcome = await narrow.deliver(create(ResourceEnum.TRAILER, {"trailer_name": "T"}))

    assert isinstance(outcome, Forbidden)
    assert "403" in outcome.details


async def test_a_legacy_error_is_a_bare_text(provider: Provider) -> None:
    write = create(
        ResourceEnum.MESSAGE,
        {"sender_id": ANY_ID, "recipient_id": ANY_ID, "message_text": "dock 4"},
        references={"recipient_id": SourceReference(source_id="999", attributes={"is_driver": True})},
    )

    outcome = await provider.deliver(write)

    assert isinstance(outcome, Rejected)
    assert outcome.details.startswith("HTTP 400 from Samsara to POST /v1/fleet/messages: ")
    assert "requestId" not in outcome.details
