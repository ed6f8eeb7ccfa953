from typing import Any

import pytest

from connectors.geotab.geotab_provider import OPERATION_ID, create, update
from fleetwrite.connectors.geotab.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

MINIMAL = {"username": "gus@fleet.example", "first_name": "Gus", "last_name": "Hall", "is_driver": True}
COMPANY = [{"id": "GroupCompanyId"}]
ADDED: dict[str, Any] = {
    "name": "gus@fleet.example",
    "firstName": "Gus",
    "lastName": "Hall",
    "userAuthenticationType": "BasicAuthentication",
    "companyGroups": COMPANY,
    "comment": f"fleetwrite:{OPERATION_ID.hex}",
}
DRIVER = {
    **ADDED,
    "isDriver": True,
    "securityGroups": [{"id": "GroupDriveUserSecurityId"}],
    "driverGroups": COMPANY,
}


def user(fields: dict[str, Any], **changes: Any) -> Write:
    return create(ResourceEnum.USER, {**MINIMAL, **fields}, **changes)


CASES: dict[str, tuple[Write, dict[str, Any], list[str]]] = {
    "a driver": (user({}), DRIVER, []),
    "a driver of one depot": (
        user({}, settings={"group_id": "b2711"}),
        {**DRIVER, "companyGroups": [{"id": "b2711"}], "driverGroups": [{"id": "b2711"}]},
        [],
    ),
    "an office user who may see nothing": (
        user({"is_driver": False}),
        {**ADDED, "isDriver": False, "securityGroups": [{"id": "GroupNothingSecurityId"}]},
        [],
    ),
    "an office user of a clearance": (
        user({"is_driver": False}, settings={"office_clearance_id": "b55"}),
        {**ADDED, "isDriver": False, "securityGroups": [{"id": "b55"}]},
        [],
    ),
    "the login name as the address": (user({"user_email": "Gus@fleet.example"}), DRIVER, []),
    "another address": (user({"user_email": "gus@home.example"}), DRIVER, ["user_email"]),
    "a country": (user({"country_code": "DEU"}), {**DRIVER, "countryCode": "DE"}, []),
    "a country without a code": (user({"country_code": "XXX"}), DRIVER, ["country_code"]),
    "active": (user({"status": "ACTIVE"}), {**DRIVER, "activeTo": "2050-01-01T00:00:00.000Z"}, []),
    "not active": (user({"is_active": False, "status": "INACTIVE"}), {**DRIVER, "activeTo": None}, []),
    "what Geotab keeps otherwise": (
        user(
            {
                "hos_ruleset_code": "US_INT_PROP_70_8",
                "hos_compliance_type": "exempt",
                "hos_tracking_method": "manual",
                "license_country": "USA",
                "license_expiration": "2030-01-01",
            }
        ),
        DRIVER,
        ["hos_ruleset_code", "hos_compliance_type", "hos_tracking_method", "license_country", "license_expiration"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_users_are_added(name: str) -> None:
    write, expected, losses = CASES[name]
    translation = CONNECTOR.translate(write)
    body = translation.call.body or {}
    assert (body["method"], body["params"]["entity"]) == ("Add", expected)
    assert sorted(loss.field for loss in translation.losses) == sorted(losses)


def test_the_first_password_is_made_up_and_part_of_the_entity() -> None:
    translation = CONNECTOR.translate(user({}))
    body = translation.with_secrets({"password": "made up"}).body or {}
    assert body["params"]["entity"] == {**DRIVER, "password": "made up"}
    assert "made up" not in repr(translation)


UPDATES: dict[str, tuple[Write, dict[str, Any], list[str]]] = {
    "names alone": (update(ResourceEnum.USER, {"first_name": "Anna"}), {"firstName": "Anna"}, []),
    "the address that is the login name": (
        update(ResourceEnum.USER, {"user_email": "ana.ruiz@northwind-haulage.example", "notes": "x"}),
        {"comment": "x"},
        [],
    ),
    "a role": (update(ResourceEnum.USER, {"is_driver": False}), {"isDriver": False}, []),
    "what is emptied": (
        update(ResourceEnum.USER, {}, cleared=frozenset({"phone_number", "country_code", "license_number"})),
        {"phoneNumber": "", "countryCode": "", "licenseNumber": ""},
        [],
    ),
}


@pytest.mark.parametrize("name", UPDATES)
def test_users_are_changed_in_what_was_sent(name: str) -> None:
    write, expected, losses = UPDATES[name]
    translation = CONNECTOR.translate(write)
    body = translation.call.body or {}
    assert (body["method"], body["params"]["entity"]) == ("Set", {"id": "b4", **expected})
    assert [loss.field for loss in translation.losses] == losses
    assert translation.wanted_secrets == ()


FAULTS: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "nothing": (
        create(ResourceEnum.USER, {}),
        [(field, ErrorType.REQUIRED_BY_TSP) for field in ("username", "is_driver", "first_name", "last_name")],
    ),
    "too long": (
        user({"phone_number": "1" * 21, "user_designation": "x" * 51, "employee_number": "x" * 51}),
        [
            ("user_designation", ErrorType.RANGE),
            ("phone_number", ErrorType.RANGE),
            ("employee_number", ErrorType.RANGE),
        ],
    ),
    "two states": (user({"is_active": True, "status": "INACTIVE"}), [("status", ErrorType.RANGE)]),
    "a name to empty": (
        update(ResourceEnum.USER, {}, cleared=frozenset({"last_name"})),
        [("last_name", ErrorType.REQUIRED_BY_TSP)],
    ),
    "only another address": (
        update(ResourceEnum.USER, {"user_email": "gus@home.example"}),
        [("user_email", ErrorType.LOSS)],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_geotab_can_not_hold_is_refused_in_terms_of_our_fields(name: str) -> None:
    write, expected = FAULTS[name]
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)
    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == expected
