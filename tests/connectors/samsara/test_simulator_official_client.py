"""The simulator under the provider's own client library: what that one sends is taken, what it gets it can parse."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import httpx
import pytest
from samsara.client import AsyncSamsara
from samsara.core.api_error import ApiError
from samsara.core.request_options import RequestOptions
from samsara.errors import NotFoundError, UnauthorizedError
from samsara.types import CreateUserRequestRoles, PostFuelPurchaseRequestBodyPriceRequestBody

from fleetwrite.connectors.samsara.simulator import SamsaraSimulator

ONCE = RequestOptions(max_retries=0)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    simulator = SamsaraSimulator(tmp_path)
    yield await simulator.start()
    await simulator.stop()


@pytest.fixture
async def samsara(url: str) -> AsyncIterator[AsyncSamsara]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield AsyncSamsara(base_url=url, token="samsara_api_demo_northwind", httpx_client=http)


async def _put_limit(url: str, requests: int) -> None:
    limit = {"requests": requests, "per_seconds": 3600, "kind": "fixed"}
    async with aiohttp.ClientSession() as session, session.put(f"{url}/_simulator/limits", json=limit) as response:
        assert response.status == 200


async def test_credentials_are_checked(samsara: AsyncSamsara, url: str) -> None:
    answer = await samsara.organization_info.get_organization_info(request_options=ONCE)
    assert answer.data is not None
    assert (answer.data.id, answer.data.name) == ("5001", "Northwind Haulage")
    async with httpx.AsyncClient(trust_env=False) as http:
        stranger = AsyncSamsara(base_url=url, token="wrong", httpx_client=http)
        with pytest.raises(UnauthorizedError) as caught:
            await stranger.fuel_and_energy.post_fuel_purchase(
                fuel_quantity_liters="1",
                transaction_location="x",
                transaction_price=PostFuelPurchaseRequestBodyPriceRequestBody(amount="1", currency="usd"),
                transaction_reference="a",
                transaction_time="2026-03-04T15:21:00Z",
                request_options=ONCE,
            )
    assert set(caught.value.body) == {"message", "requestId"}


async def test_a_driver_is_created_updated_and_read_by_external_id(samsara: AsyncSamsara) -> None:
    created = await samsara.drivers.create(
        name="Ana Ruiz",
        username="ana.ruiz.1044",
        password="correct horse",
        external_ids={"catDriverId": "drv_1044"},
        license_number="D4410987",
        license_state="TX",
        timezone="America/Chicago",
        phone="5551234567",
        request_options=ONCE,
    )
    assert created.data is not None
    assert created.data.id is not None
    assert created.data.id.isdigit()
    assert created.data.driver_activation_status == "active"
    updated = await samsara.drivers.update(
        "catDriverId:drv_1044", phone="5550000000", driver_activation_status="deactivated", request_options=ONCE
    )
    assert updated.data is not None
    assert (updated.data.id, updated.data.phone) == (created.data.id, "5550000000")
    assert updated.data.is_deactivated
    read = await samsara.drivers.get("catDriverId:drv_1044", request_options=ONCE)
    assert read.data is not None
    assert read.data.name == "Ana Ruiz"
    assert "password" not in (read.data.model_extra or {})
    gone = await samsara.drivers.list(driver_activation_status="deactivated", request_options=ONCE)
    assert [driver.id async for driver in gone] == [created.data.id]


async def test_lists_come_page_by_page(samsara: AsyncSamsara) -> None:
    pager = await samsara.drivers.list(limit=3, request_options=ONCE)
    pages = [len(page.items or ()) async for page in pager.iter_pages()]
    assert pages == [3, 3, 2]
    vehicles = await samsara.vehicles.list(limit=4, request_options=ONCE)
    found = [vehicle async for vehicle in vehicles]
    assert [vehicle.name for vehicle in found] == [f"Unit 1{number:02}" for number in range(1, 7)]
    assert all(len(vehicle.id) == 15 and vehicle.year == "2021" for vehicle in found)


async def test_a_vehicle_is_created_as_asset_and_updated_as_vehicle(samsara: AsyncSamsara) -> None:
    created = await samsara.assets.create_asset(
        type="vehicle",
        name="Unit 412",
        vin="1XKYDP9X5MJ431190",
        make="Kenworth",
        model="T680",
        year=2021,
        license_plate="7TRK219",
        external_ids={"catVehicleId": "veh_01J8"},
        request_options=ONCE,
    )
    assert created.data.year == 2021
    updated = await samsara.vehicles.update(
        "catVehicleId:veh_01J8", license_plate="7TRK220", odometer_meters=241401600, request_options=ONCE
    )
    assert (updated.data.id, updated.data.license_plate, updated.data.year) == (created.data.id, "7TRK220", "2021")
    read = await samsara.vehicles.get("samsara.vin:1XKYDP9X5MJ431190", request_options=ONCE)
    assert read.data.external_ids == {"samsara.vin": "1XKYDP9X5MJ431190", "catVehicleId": "veh_01J8"}
    found = await samsara.assets.list(
        external_ids="catVehicleId:veh_01J8", include_external_ids=True, request_options=ONCE
    )
    assert [asset.id async for asset in found] == [created.data.id]


async def test_a_trailer_is_created_updated_listed_and_deleted(samsara: AsyncSamsara) -> None:
    created = await samsara.trailers.create_trailer(
        name="TR-77", license_plate="4GZ901", external_ids={"catTrailerId": "trl_9"}, request_options=ONCE
    )
    updated = await samsara.trailers.update_trailer(
        "catTrailerId:trl_9", notes="new tyres", trailer_serial_number="S1", request_options=ONCE
    )
    assert (updated.data.id, updated.data.notes, updated.data.trailer_serial_number) == (
        created.data.id,
        "new tyres",
        "S1",
    )
    first = await samsara.trailers.list_trailers(limit=3, request_options=ONCE)
    second = await samsara.trailers.list_trailers(limit=3, after=first.pagination.end_cursor, request_options=ONCE)
    assert [len(first.data), len(second.data)] == [3, 2]
    assert second.data[-1].id == created.data.id
    assert (second.pagination.has_next_page, second.pagination.end_cursor) == (False, "")
    await samsara.trailers.delete_trailer(created.data.id, request_options=ONCE)
    with pytest.raises(NotFoundError):
        await samsara.trailers.get_trailer("catTrailerId:trl_9", request_options=ONCE)


async def test_a_trailer_with_a_vin_is_an_asset(samsara: AsyncSamsara) -> None:
    created = await samsara.assets.create_asset(
        type="trailer", name="TR-78", vin="1JJV532D5ML123456", make="Wabash", request_options=ONCE
    )
    changed = await samsara.assets.update_asset(id=created.data.id, model="DuraPlate", request_options=ONCE)
    assert (changed.data.make, changed.data.model) == ("Wabash", "DuraPlate")
    trailer = await samsara.trailers.get_trailer(created.data.id, request_options=ONCE)
    assert trailer.data.name == "TR-78"


async def test_an_office_user_is_created_updated_listed_and_deleted(samsara: AsyncSamsara) -> None:
    listed = await samsara.users.list_user_roles(request_options=ONCE)
    roles = {role.name: role.id for role in listed.data or ()}
    role = roles["Read-Only Admin"]
    assert role is not None
    created = await samsara.users.create_user(
        name="Wim Kok",
        email="wim@northwind.example",
        auth_type="default",
        roles=[CreateUserRequestRoles(role_id=role)],
        request_options=ONCE,
    )
    assert created.data is not None
    updated = await samsara.users.update_user(created.data.id, name="Wim de Kok", request_options=ONCE)
    assert updated.data is not None
    assert updated.data.name == "Wim de Kok"
    first = await samsara.users.list_users(limit=3, request_options=ONCE)
    assert first.pagination is not None
    assert first.pagination.has_next_page
    second = await samsara.users.list_users(limit=3, after=first.pagination.end_cursor, request_options=ONCE)
    assert [user.email for user in second.data or ()] == ["wim@northwind.example"]
    await samsara.users.delete(created.data.id, request_options=ONCE)
    with pytest.raises(ApiError) as caught:
        await samsara.users.get_user(created.data.id, request_options=ONCE)
    assert caught.value.status_code == 404


async def test_messages_are_sent_without_an_id_and_can_be_listed(samsara: AsyncSamsara) -> None:
    drivers = [driver.id async for driver in await samsara.drivers.list(request_options=ONCE)]
    numbers = [int(key or 0) for key in drivers[:2]]
    sent = await samsara.messages.v_1_create_messages(driver_ids=numbers, text="Dock 4 is free", request_options=ONCE)
    assert [message.model_dump() for message in sent.data or ()] == [
        {"driver_id": number, "text": "Dock 4 is free"} for number in numbers
    ]
    listed = await samsara.messages.v_1_get_messages(request_options=ONCE)
    assert [(message.driver_id, message.sender.type) for message in listed.data or ()] == [
        (number, "dispatch") for number in reversed(numbers)
    ]
    with pytest.raises(ApiError) as caught:
        await samsara.messages.v_1_create_messages(driver_ids=[1], text="x", request_options=ONCE)
    assert caught.value.status_code == 400
    assert isinstance(caught.value.body, str)


async def test_a_mechanic_report_is_created_and_streamed(samsara: AsyncSamsara) -> None:
    author = ((await samsara.users.list_users(request_options=ONCE)).data or [])[0].id
    vehicle = ((await samsara.vehicles.list(request_options=ONCE)).items or [])[0].id
    created = await samsara.maintenance.create_dvir(
        author_id=author,
        type="mechanic",
        safety_status="unsafe",
        vehicle_id=vehicle,
        odometer_meters=241401,
        mechanic_notes="brake pads",
        request_options=ONCE,
    )
    assert created.data is not None
    assert created.data.author_signature is not None
    assert created.data.author_signature.signatory_user is not None
    assert created.data.author_signature.signatory_user.id == author
    streamed = await samsara.maintenance.get_dvirs(start_time="2020-01-01T00:00:00Z", request_options=ONCE)
    (dvir,) = streamed.data
    assert (dvir.id, dvir.safety_status, dvir.mechanic_notes) == (created.data.id, "unsafe", "brake pads")
    later = await samsara.maintenance.get_dvirs(
        start_time="2020-01-01T00:00:00Z", after=streamed.pagination.end_cursor, request_options=ONCE
    )
    assert later.data == []
    assert later.pagination.end_cursor == streamed.pagination.end_cursor


async def test_a_fuel_purchase_is_answered_with_a_uuid(samsara: AsyncSamsara) -> None:
    answer = await samsara.fuel_and_energy.post_fuel_purchase(
        fuel_quantity_liters="412.6",
        transaction_location="32.7767, -96.7970",
        transaction_price=PostFuelPurchaseRequestBodyPriceRequestBody(amount="371.34", currency="usd"),
        transaction_reference="FC-2026-0007714",
        transaction_time="2026-03-04T15:21:00-06:00",
        ifta_fuel_type="Diesel",
        request_options=ONCE,
    )
    assert len(answer.data.uuid_) == 36


async def test_tags_are_listed(samsara: AsyncSamsara) -> None:
    tags = await samsara.tags.list_tags(request_options=ONCE)
    assert [tag.name for tag in tags.data or ()] == ["East", "West"]


async def test_a_body_that_breaks_a_rule_is_refused_with_message_and_request_id(samsara: AsyncSamsara) -> None:
    with pytest.raises(ApiError) as caught:
        await samsara.drivers.create(name="A", username="a b", password="p", request_options=ONCE)
    assert caught.value.status_code == 400
    assert set(caught.value.body) == {"message", "requestId"}
    assert "username" in caught.value.body["message"]


async def test_too_many_calls_get_429_with_fractional_retry_after(samsara: AsyncSamsara, url: str) -> None:
    await _put_limit(url, 1)
    await samsara.drivers.list(request_options=ONCE)
    with pytest.raises(ApiError) as caught:
        await samsara.drivers.list(request_options=ONCE)
    assert caught.value.status_code == 429
    assert "." in (caught.value.headers or {})["retry-after"]
