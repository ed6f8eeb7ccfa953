"""What is special about Motive, against its simulator over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from connectors.motive.motive_provider import Provider, open_provider
from connectors.motive.motive_writes import (
    BEGUN_AGO,
    DRIVER,
    OFFICE_USER,
    OTHER_DRIVER,
    create,
    group_message,
    message,
    purchase,
    update,
)
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.motive.simulator import ALL_SCOPES
from fleetwrite.connectors.sdk.connector import LoginRefusedError
from fleetwrite.connectors.sdk.outcome import Absent, Applied, Conflict, Finding, Found, Rejected, Unknowable
from fleetwrite.connectors.sdk.suite.session import KeptLogin
from fleetwrite.connectors.sdk.write import SourceReference, Write
from fleetwrite.contract.enums import ResourceEnum

VEHICLE, TRAILER, USER = ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER
ASSET = {"trailer_name": "TR-77", "trailer_type": "reefer", "oem": "Utility", "model_type": "3000R", "model_year": 2024}
DRIVER_BODY = {"is_driver": True, "first_name": "Kira", "last_name": "Novak", "username": "kira.novak"}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with open_provider(tmp_path) as provider:
        yield provider


async def look_up(provider: Provider, write: Write) -> Finding:
    call = CONNECTOR.translate(write).call
    return await CONNECTOR.look_up(write, call, provider.session(), BEGUN_AGO)


async def test_a_code_is_exchanged_once_and_every_refresh_token_too(provider: Provider) -> None:
    for _ in range(3):
        await CONNECTOR.check_login(provider.session())
        await provider.control.end_sessions()

    assert await provider.grants() == ["authorization_code", "refresh_token", "refresh_token"]
    assert set(provider.kept.login.credentials) == {"client_id", "client_secret", "redirect_uri", "refresh_token"}


async def test_a_code_that_was_exchanged_is_refused_and_the_remedy_told(provider: Provider) -> None:
    spent = provider.consent()
    await CONNECTOR.check_login(provider.session())

    with pytest.raises(LoginRefusedError, match=r"authorization code \(invalid_grant\): let the fleet consent anew"):
        await CONNECTOR.check_login(provider.session(spent))


async def test_a_refresh_token_that_was_exchanged_is_refused(provider: Provider) -> None:
    await CONNECTOR.check_login(provider.session())
    spent = KeptLogin(msgspec.structs.replace(provider.kept.login, session={}))
    await provider.control.end_sessions()
    await CONNECTOR.check_login(provider.session())

    with pytest.raises(LoginRefusedError, match=r"refresh token \(invalid_grant\)"):
        await CONNECTOR.check_login(provider.session(spent))


async def test_refreshing_ends_the_access_token_before(provider: Provider) -> None:
    await CONNECTOR.check_login(provider.session())
    before = KeptLogin(provider.kept.login)
    provider.kept.login = msgspec.structs.replace(before.login, session={})
    await CONNECTOR.check_login(provider.session())

    with pytest.raises(LoginRefusedError, match="refresh token"):
        await CONNECTOR.check_login(provider.session(before))


async def test_a_refused_app_is_told_apart_from_a_refused_fleet(provider: Provider) -> None:
    with pytest.raises(LoginRefusedError, match="client_id and client_secret"):
        await CONNECTOR.check_login(provider.session(provider.consent(client_secret="wrong")))


async def test_a_login_without_code_and_token_is_refused_by_motive(provider: Provider) -> None:
    with pytest.raises(LoginRefusedError, match="auth_code"):
        await CONNECTOR.check_login(provider.session(provider.consent(auth_code="")))


async def test_a_login_names_the_company(provider: Provider) -> None:
    assert (await CONNECTOR.check_login(provider.session()))["id"] == "48101"


async def test_an_app_that_may_not_read_the_company_is_let_in(tmp_path: Path) -> None:
    async with open_provider(tmp_path, ALL_SCOPES - {"companies.read"}) as provider:
        assert await CONNECTOR.check_login(provider.session()) == {}


async def test_an_app_that_may_not_read_what_it_wrote_leaves_it_open(tmp_path: Path) -> None:
    async with open_provider(
        tmp_path, frozenset(scope for scope in ALL_SCOPES if scope.endswith("manage"))
    ) as provider:
        writes = [
            create(VEHICLE, {"vehicle_name": "Unit 412"}),
            create(TRAILER, ASSET),
            create(USER, DRIVER_BODY),
            message(),
            purchase(),
        ]
        for number, one in enumerate(writes):
            write = msgspec.structs.replace(one, operation_id=UUID(int=number))
            assert isinstance(await provider.deliver(write), Applied)
            assert isinstance(await look_up(provider, write), Unknowable)


async def test_an_update_replaces_the_partners_id_and_leaves_ours(provider: Provider) -> None:
    made = await provider.deliver(create(VEHICLE, {"vehicle_name": "Unit 412", "external_id": "first"}))
    assert isinstance(made, Applied)
    target = SourceReference(source_id=made.source_id, attributes={})

    for external_id in ("second", "second", "third"):
        assert isinstance(await provider.deliver(update(VEHICLE, {"external_id": external_id}, target=target)), Applied)

    (vehicle,) = [one for one in provider.held("vehicles") if str(one["id"]) == made.source_id]
    assert [(one["integration_name"], one["external_id"]) for one in vehicle["external_ids"]] == [
        ("fleetwrite_operation", create(VEHICLE, {}).operation_id.hex),
        ("partner_vehicle", "third"),
    ]


async def test_an_update_of_what_is_gone_is_refused_before_anything_is_sent(provider: Provider) -> None:
    gone = SourceReference(source_id="999", attributes={})
    since = await provider.control.last_sequence()

    outcome = await provider.deliver(update(TRAILER, {"external_id": "x"}, target=gone))

    assert isinstance(outcome, Rejected)
    assert "trailer 999" in outcome.details
    calls = [(entry["method"], entry["status"]) for entry in await provider.control.requests(since)]
    assert calls == [("POST", 200), ("GET", 404)]


STRANGERS: dict[str, tuple[Write, Write, str]] = {
    "the vehicle's name": (
        create(VEHICLE, {"vehicle_name": "Unit 412"}),
        create(VEHICLE, {"vehicle_name": "UNIT 412", "vin": "1X"}),
        "vehicle_name UNIT 412",
    ),
    "the partner's id": (
        create(VEHICLE, {"vehicle_name": "Unit 412", "external_id": "x1"}),
        create(VEHICLE, {"vehicle_name": "Unit 413", "external_id": "x1"}),
        "external_id x1",
    ),
    "the partner's id of a trailer": (
        create(TRAILER, {**ASSET, "external_id": "x1"}),
        create(TRAILER, {**ASSET, "external_id": "x1"}),
        "external_id x1",
    ),
    "the user name": (create(USER, DRIVER_BODY), create(USER, DRIVER_BODY), "username kira.novak"),
    "the e-mail address": (
        create(USER, {**DRIVER_BODY, "user_email": "kira@fleet.example"}),
        create(USER, {**DRIVER_BODY, "username": "kira2", "user_email": "kira@fleet.example"}),
        "user_email kira@fleet.example",
    ),
    "the employee number": (
        create(USER, {**DRIVER_BODY, "employee_number": "E-7"}),
        create(USER, {**DRIVER_BODY, "username": "kira2", "employee_number": "E-7"}),
        "employee_number E-7",
    ),
}


@pytest.mark.parametrize(("strangers", "ours", "key"), STRANGERS.values(), ids=STRANGERS)
async def test_who_holds_a_key_of_ours_is_named(provider: Provider, strangers: Write, ours: Write, key: str) -> None:
    made = await provider.deliver(strangers)
    assert isinstance(made, Applied)

    found = await look_up(provider, msgspec.structs.replace(ours, operation_id=UUID(int=7)))

    assert found == Conflict(source_id=made.source_id, key=key)


async def test_trailers_of_one_name_are_no_conflict(provider: Provider) -> None:
    assert isinstance(await provider.deliver(create(TRAILER, ASSET)), Applied)

    assert await look_up(provider, create(TRAILER, ASSET, operation_id=UUID(int=7))) == Absent()


async def test_a_group_message_is_one_message_and_found_by_each_recipient(provider: Provider) -> None:
    write = group_message(DRIVER, OTHER_DRIVER, OFFICE_USER)
    outcome = await provider.deliver(write)
    assert isinstance(outcome, Applied)
    (held,) = provider.held("messages")
    assert (str(held["id"]), held["recipient_ids"]) == (outcome.source_id, [550101, 550102, 550109])

    found = await look_up(provider, write)
    assert isinstance(found, Found)
    assert (found.source_id, found.sightings) == (outcome.source_id, 1)

    await provider.deliver(message())
    counted = await look_up(provider, group_message(DRIVER))
    assert isinstance(counted, Found)
    assert counted.sightings == 2

    wider = SourceReference(source_id="550103", attributes={"is_driver": True})
    partly = await look_up(provider, group_message(DRIVER, wider))
    assert isinstance(partly, Unknowable)
    assert "not for [550103]" in partly.reason


async def test_a_purchase_that_says_the_same_is_not_taken_for_ours(provider: Provider) -> None:
    midnight = {"transaction_time": "2026-03-04T23:59:59Z"}
    assert isinstance(await provider.deliver(purchase(midnight)), Applied)

    assert isinstance(await look_up(provider, purchase(midnight)), Found)
    assert await look_up(provider, purchase(midnight, operation_id=UUID(int=7))) == Absent()


async def test_who_is_deactivated_is_listed_too(provider: Provider) -> None:
    before = {resource: await provider.listed(resource) for resource in (VEHICLE, TRAILER, USER)}

    for resource, records in before.items():
        target = SourceReference(records[0].source_id, records[0].attributes)
        assert isinstance(await provider.deliver(update(resource, {"is_active": False}, target=target)), Applied)

    for resource, records in before.items():
        after = {record.source_id: record.attributes["is_active"] for record in await provider.listed(resource)}
        assert after == {record.source_id: record is not records[0] for record in records}


async def test_vehicles_are_asked_for_by_their_changes(provider: Provider) -> None:
    first: list[Any] = [page async for page in CONNECTOR.list_records(VEHICLE, provider.session())]
    since = await provider.control.last_sequence()

    again = [page async for page in CONNECTOR.list_records(VEHICLE, provider.session(), first[-1].cursor)]

    (entry,) = await provider.control.requests(since)
    assert set(entry["query"]) == {"updated_after", "per_page", "page_no"}
    # All of them changed in the minutes that two readings have in common.
    assert [len(page.records) for page in again] == [6]
    later = await provider.call("GET", "/v1/vehicles", query={"updated_after": "2100-01-01T00:00:00Z"})
    assert msgspec.json.decode(later.body)["vehicles"] == []
