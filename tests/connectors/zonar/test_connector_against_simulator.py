"""What is special about Zonar, beyond what every connector has to pass."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.zonar.zonar_exhibit import EXHIBIT
from connectors.zonar.zonar_writes import (
    DRIVER_WITHOUT_TAG,
    INACTIVE_VEHICLE,
    MARK,
    create,
    message,
    update,
)
from fleetwrite.connectors.sdk.connector import ProviderAnswerError
from fleetwrite.connectors.sdk.outcome import (
    Absent,
    Applied,
    Conflict,
    Found,
    Lookalike,
    Rejected,
    Uncertain,
    Unknowable,
)
from fleetwrite.connectors.sdk.suite.stand import Stand
from fleetwrite.connectors.sdk.write import SourceReference
from fleetwrite.connectors.zonar.simulator import ZonarSimulator
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import AnswerLostError

VEHICLE, TRAILER, USER = ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER
KIRA = {"first_name": "Kira", "last_name": "Novak"}


@pytest.fixture
async def simulator(tmp_path: Path) -> ZonarSimulator:
    return ZonarSimulator(tmp_path)


@pytest.fixture
async def stand(simulator: ZonarSimulator, tmp_path: Path) -> AsyncIterator[Stand]:
    """The simulator is at hand to look into its books."""
    exhibit = msgspec.structs.replace(EXHIBIT, simulator=lambda _: simulator)
    async with Stand.open(exhibit, tmp_path) as stand:
        yield stand


def held(simulator: ZonarSimulator, collection: str, source_id: str) -> dict[str, Any]:
    return simulator.storage.collection("nwh1001", collection)[source_id]


async def break_operation(stand: Stand, operation: str, **how: Any) -> None:
    await stand.control.add_fault({"path": "/interface.php", "operation": operation, **how})


async def asked_for(stand: Stand) -> list[str]:
    """The operations that were called, in order."""
    return [entry["operation"] for entry in await stand.control.requests()]


async def test_an_update_of_one_field_empties_no_other(stand: Stand, simulator: ZonarSimulator) -> None:
    before = {name: held(simulator, name, "1") for name in ("assets", "operators")}

    assert isinstance(await stand.session().deliver(update(VEHICLE, {"license_plate_number": "NEW 1"})), Applied)
    assert isinstance(await stand.session().deliver(update(USER, {"license_number": "D-1"})), Applied)

    assert held(simulator, "assets", "1") == {**before["assets"], "name": "NEW 1"}
    assert held(simulator, "operators", "1") == {**before["operators"], "cdl": "D-1"}


async def test_an_inactive_vehicle_stays_inactive_when_its_plate_changes(
    stand: Stand, simulator: ZonarSimulator
) -> None:
    before = held(simulator, "assets", "4")
    write = update(VEHICLE, {"license_plate_number": "NEW 4"}, target=INACTIVE_VEHICLE)

    assert isinstance(await stand.session().deliver(write), Applied)

    assert before["status"] == "2"
    assert held(simulator, "assets", "4") == {**before, "name": "NEW 4"}


async def test_an_asset_that_shows_another_status_than_asked_for_is_known_by_what_it_shows(
    stand: Stand, simulator: ZonarSimulator
) -> None:
    body = '<assetlist ver="4"><asset id="4"><fleet>104</fleet><status>inactive</status></asset></assetlist>'
    await break_operation(stand, "showopen showassets", kind="status", status=200, body=body)
    write = update(VEHICLE, {"oem": "Volvo"}, target=INACTIVE_VEHICLE)

    assert isinstance(await stand.session().deliver(write), Applied)

    assert held(simulator, "assets", "4")["status"] == "2"


async def test_an_emptied_field_is_left_out_of_the_edit(stand: Stand, simulator: ZonarSimulator) -> None:
    write = update(VEHICLE, {"vin": None}, cleared=frozenset({"vin"}))

    assert isinstance(await stand.session().deliver(write), Applied)

    sent = (await stand.control.requests())[-1]["body"]
    assert "vin" not in sent
    assert held(simulator, "assets", "1")["vin"] == ""


async def test_a_driver_without_a_tag_is_edited_by_the_external_id(stand: Stand, simulator: ZonarSimulator) -> None:
    write = update(USER, {"license_number": "D-5"}, target=DRIVER_WITHOUT_TAG)

    assert isinstance(await stand.session().deliver(write), Applied)

    sent = (await stand.control.requests())[-1]["body"]
    assert (sent["reqtype"], sent["target"]) == ("exsid", "hr-105")
    assert held(simulator, "operators", "5")["cdl"] == "D-5"


async def test_a_driver_is_changed_and_then_revoked(stand: Stand, simulator: ZonarSimulator) -> None:
    before = held(simulator, "operators", "1")
    write = update(USER, {"license_number": "D-1", "is_active": False})

    assert isinstance(await stand.session().deliver(write), Applied)

    assert (await asked_for(stand))[-2:] == ["adminoperators edit", "adminoperators editstatus"]
    assert held(simulator, "operators", "1") == {**before, "cdl": "D-1", "status": "revoked"}
    assert isinstance(await stand.look_up(write), Found)
    assert [record.attributes["is_active"] for record in await stand.records(USER)][:2] == [False, True]


async def test_a_driver_whose_change_was_refused_is_not_revoked(stand: Stand, simulator: ZonarSimulator) -> None:
    write = update(USER, {"employee_number": "E-102", "is_active": False})

    assert isinstance(await stand.session().deliver(write), Rejected)

    assert held(simulator, "operators", "1")["status"] == "active"


async def test_a_driver_who_was_changed_and_not_yet_revoked_is_not_found_done(stand: Stand) -> None:
    write = update(USER, {"license_number": "D-1", "is_active": False})
    await break_operation(stand, "adminoperators editstatus", kind="drop_before")
    with pytest.raises(AnswerLostError):
        await stand.session().deliver(write)

    assert isinstance(await stand.look_up(write), Absent)
    assert isinstance(await stand.session().deliver(write), Applied)
    assert isinstance(await stand.look_up(write), Found)


@pytest.mark.parametrize(
    ("resource", "fields", "edit"),
    [
        (VEHICLE, {"oem": "Volvo"}, "adminassets edit"),
        (TRAILER, {"oem": "Utility"}, "adminassets edit"),
        (USER, {"license_number": "D-1"}, "adminoperators edit"),
    ],
)
async def test_what_is_gone_is_not_edited(
    stand: Stand, resource: ResourceEnum, fields: dict[str, Any], edit: str
) -> None:
    write = update(resource, fields, target=SourceReference(source_id="999", attributes={}))

    outcome = await stand.session().deliver(write)

    assert isinstance(outcome, Rejected)
    assert "999" in outcome.details
    assert edit not in await asked_for(stand)


async def test_what_zonar_does_not_show_is_not_emptied(stand: Stand) -> None:
    """Rights may hide an element; to edit without it would lose it."""
    body = '<assetlist ver="4"><asset id="1"><fleet>101</fleet><type>Standard</type></asset></assetlist>'
    await break_operation(stand, "showopen showassets", kind="status", status=200, body=body)

    outcome = await stand.session().deliver(update(VEHICLE, {"oem": "Volvo"}))

    assert isinstance(outcome, Rejected)
    assert "location, name, vin" in outcome.details
    assert "adminassets edit" not in await asked_for(stand)


async def test_a_pin_is_made_up_and_the_same_in_each_attempt(stand: Stand, simulator: ZonarSimulator) -> None:
    first = await stand.session().deliver(create(USER, KIRA))
    assert isinstance(first, Applied)
    pin = held(simulator, "operators", first.source_id)["pin"]
    simulator.storage.delete("nwh1001", "operators", first.source_id)
    second = await stand.session().deliver(create(USER, KIRA))
    assert isinstance(second, Applied)

    assert len(pin) == 4
    assert pin.isdigit()
    assert held(simulator, "operators", second.source_id)["pin"] == pin


async def test_no_pin_is_in_what_is_kept_of_a_driver(stand: Stand, simulator: ZonarSimulator) -> None:
    (page,) = await stand.pages(USER)
    write = update(USER, {"license_number": "D-1"})
    assert isinstance(await stand.session().deliver(write), Applied)
    found = await stand.look_up(write)
    assert isinstance(found, Found)

    assert held(simulator, "operators", "1")["pin"] == "1001"
    assert all("pin" not in record.source_data for record in page.records)
    assert "pin" not in found.source_data


async def test_a_create_sent_again_is_known_by_its_mark(stand: Stand) -> None:
    write = create(VEHICLE, {"vehicle_name": "412"})
    await break_operation(stand, "adminassets add", kind="commit_then_drop")
    with pytest.raises(AnswerLostError):
        await stand.session().deliver(write)

    outcome = await stand.session().deliver(write)

    assert isinstance(outcome, Applied)
    assert outcome.source_data["exsid"] == MARK
    assert [record.attributes["vehicle_name"] for record in await stand.records(VEHICLE)].count("412") == 1


@pytest.mark.parametrize(
    ("resource", "fields", "key"),
    [
        (VEHICLE, {"vehicle_name": "102"}, "fleet number 102"),
        (VEHICLE, {"vehicle_name": "104"}, "fleet number 104"),
        (VEHICLE, {"vehicle_name": "900", "vin": "1XKYDP9X1MJ431002"}, "vin 1XKYDP9X1MJ431002"),
        (TRAILER, {"trailer_name": "TR-102"}, "fleet number TR-102"),
        (USER, {**KIRA, "employee_number": "E-102"}, "employee_number E-102"),
    ],
    ids=["fleet number", "inactive one's fleet number", "vin", "trailer", "employee number"],
)
async def test_a_stranger_with_a_key_of_ours_is_named_and_never_adopted(
    stand: Stand, resource: ResourceEnum, fields: dict[str, Any], key: str
) -> None:
    write = create(resource, fields)

    outcome = await stand.session().deliver(write)

    assert isinstance(outcome, Rejected)
    assert key in outcome.details
    found = await stand.look_up(write)
    assert isinstance(found, Conflict)
    assert found.key == key


async def test_with_the_partners_external_id_nothing_shows_whose_a_record_is(stand: Stand) -> None:
    write = create(VEHICLE, {"vehicle_name": "412", "external_id": "veh_412"})
    assert isinstance(await stand.session().deliver(write), Applied)

    assert isinstance(await stand.look_up(write), Lookalike)
    other = create(VEHICLE, {"vehicle_name": "413", "external_id": "veh_412"})
    assert isinstance(await stand.look_up(other), Conflict)


async def test_our_mark_is_not_shown_as_an_external_id(stand: Stand) -> None:
    outcome = await stand.session().deliver(create(VEHICLE, {"vehicle_name": "412"}))
    assert isinstance(outcome, Applied)

    (record,) = [one for one in await stand.records(VEHICLE) if one.source_id == outcome.source_id]

    assert "external_id" not in record.attributes
    assert record.source_data["exsid"] == MARK


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Welcome</body></html>",
        "<success><action>adminassets</action></success>",
        "<success><action>adminoperators</action><asset_id>7</asset_id></success>",
        '<!DOCTYPE s [<!ENTITY i "7">]><success><action>adminassets</action><asset_id>&i;</asset_id></success>',
        "<success><action>adminassets</action><asset_id>7</asset_id>",
    ],
    ids=["a page", "no id", "another action", "entities", "cut off"],
)
async def test_a_success_that_does_not_say_what_was_written_is_none(stand: Stand, body: str) -> None:
    await break_operation(stand, "adminassets add", kind="status", status=200, body=body)

    assert isinstance(await stand.session().deliver(create(VEHICLE, {"vehicle_name": "412"})), Uncertain)


async def test_an_unreadable_list_is_no_empty_one_and_its_pins_are_not_told(stand: Stand) -> None:
    body = '<oplist ver="4"><operator id="1"><pin>4711</pin></operator>'
    await break_operation(stand, "showopen showoperators", kind="status", status=200, body=body)

    with pytest.raises(ProviderAnswerError) as unread:
        await stand.pages(USER)

    assert "4711" not in str(unread.value)


async def test_a_list_without_ids_is_refused(stand: Stand) -> None:
    body = '<oplist ver="3"><operator><fname>Ana</fname></operator></oplist>'
    await break_operation(stand, "showopen showoperators", kind="status", status=200, body=body)

    with pytest.raises(ProviderAnswerError, match="does not show the ids"):
        await stand.pages(USER)


async def test_a_message_whose_answer_was_lost_stays_unknown(stand: Stand) -> None:
    write = message()
    await break_operation(stand, "twentytwenty sendmessage", kind="commit_then_drop")
    with pytest.raises(AnswerLostError):
        await stand.session().deliver(write)

    assert isinstance(await stand.look_up(write), Unknowable)
    assert not stand.connector.can_look_up(write)


async def test_no_credential_is_in_an_address(stand: Stand) -> None:
    await stand.records(VEHICLE)
    await stand.session().deliver(message())

    assert [(entry["method"], entry["query"]) for entry in await stand.control.requests()] == [("POST", {})] * 3
