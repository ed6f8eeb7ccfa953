from typing import Any

import pytest

from connectors.samsara.samsara_writes import DRIVER, OFFICE_USER, OPERATION_ID, create, update
from fleetwrite.connectors.samsara.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import SourceReference, UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

USER = ResourceEnum.USER
OPERATION = {"fleetwriteOperation": OPERATION_ID.hex}

FULL: dict[str, Any] = {
    "username": "ana.ruiz.1044",
    "is_active": True,
    "status": "ACTIVE",
    "user_designation": "DRIVER",
    "user_email": "ana@fleet.example",
    "first_name": "Ana",
    "last_name": "Ruiz",
    "phone_number": "+1 555 0100",
    "country_code": "USA",
    "license_country": "USA",
    "license_region": "TX",
    "license_number": "D4410987",
    "license_expiration": "2030-01-31",
    "employee_number": "E-1044",
    "carrier_number": "USDOT 1",
    "notes": "tanker endorsement",
    "hos_ruleset_code": "US_INT_PROP_70_8",
    "allow_yard_move": True,
    "allow_personal_conveyance": False,
    "allow_adverse_driving": True,
    "default_time_zone": "America/Chicago",
    "hos_compliance_type": "exempt",
    "hos_tracking_method": "automatic",
}
FULL_DRIVER = {
    "name": "Ana Ruiz",
    "username": "ana.ruiz.1044",
    "email": "ana@fleet.example",
    "phone": "+1 555 0100",
    "licenseState": "TX",
    "licenseNumber": "D4410987",
    "notes": "tanker endorsement",
    "usDriverRulesetOverride": {
        "cycle": "USA Property (8/70)",
        "restart": "34-hour Restart",
        "restbreak": "Property (off-duty/sleeper)",
        "usStateToOverride": "",
    },
    "eldYmEnabled": True,
    "eldPcEnabled": False,
    "eldAdverseWeatherExemptionEnabled": True,
    "timezone": "America/Chicago",
    "eldExempt": True,
}
DRIVER_LOSSES = {
    "user_designation",
    "country_code",
    "license_country",
    "license_expiration",
    "carrier_number",
    "hos_tracking_method",
}
OFFICE_LOSSES = set(FULL) - {"is_active", "status", "first_name", "last_name", "user_email"}
NAMED = {"first_name": "Ana", "last_name": "Ruiz"}
DRIVER_PATH = f"/fleet/drivers/{DRIVER.source_id}"
OFFICE_PATH = f"/users/{OFFICE_USER.source_id}"

CASES: dict[str, tuple[Write, str, str, dict[str, Any], set[str]]] = {
    "driver create, minimal": (
        create(USER, {"is_driver": True, "first_name": "Ana", "username": "ana"}),
        "POST",
        "/fleet/drivers",
        {"name": "Ana", "username": "ana", "externalIds": OPERATION},
        set(),
    ),
    "driver create, full": (
        create(USER, {**FULL, "is_driver": True}),
        "POST",
        "/fleet/drivers",
        {**FULL_DRIVER, "externalIds": {"partnerEmployeeNumber": "E-1044", **OPERATION}},
        DRIVER_LOSSES,
    ),
    "driver update, minimal": (update(USER, {"notes": "n"}), "PATCH", DRIVER_PATH, {"notes": "n"}, set()),
    "driver update, full": (
        update(USER, {**FULL, "is_driver": True}),
        "PATCH",
        DRIVER_PATH,
        {
            **FULL_DRIVER,
            "externalIds": {"partnerEmployeeNumber": "E-1044"},
            "driverActivationStatus": "active",
        },
        DRIVER_LOSSES,
    ),
    "driver deactivated by is_active": (
        update(USER, {"is_active": False}),
        "PATCH",
        DRIVER_PATH,
        {"driverActivationStatus": "deactivated"},
        set(),
    ),
    "driver deactivated by status": (
        update(USER, {"status": "INACTIVE"}),
        "PATCH",
        DRIVER_PATH,
        {"driverActivationStatus": "deactivated"},
        set(),
    ),
    "driver update that empties": (
        update(
            USER,
            {"phone_number": None, "notes": None, "hos_ruleset_code": None, "last_name": None, "first_name": "Ana"},
            cleared=frozenset({"phone_number", "notes", "hos_ruleset_code", "last_name"}),
        ),
        "PATCH",
        DRIVER_PATH,
        {"phone": "", "notes": "", "usDriverRulesetOverride": None, "name": "Ana"},
        set(),
    ),
    "driver whose kind is not known yet": (
        update(USER, {"is_driver": True, "notes": "n"}, target=SourceReference(source_id="45646", attributes={})),
        "PATCH",
        DRIVER_PATH,
        {"notes": "n"},
        set(),
    ),
    "office user create, minimal": (
        create(USER, {**NAMED, "is_driver": False, "user_email": "ana@fleet.example"}),
        "POST",
        "/users",
        {"name": "Ana Ruiz", "email": "ana@fleet.example", "authType": "default", "roles": [{"roleId": "role-least"}]},
        set(),
    ),
    "office user create, full": (
        create(USER, {**FULL, "is_driver": False}),
        "POST",
        "/users",
        {"name": "Ana Ruiz", "email": "ana@fleet.example", "authType": "default", "roles": [{"roleId": "role-least"}]},
        OFFICE_LOSSES,
    ),
    "office user update": (
        update(USER, {**NAMED, "user_email": "Ines@Fleet.example", "is_active": True}, target=OFFICE_USER),
        "PATCH",
        OFFICE_PATH,
        {"name": "Ana Ruiz"},
        set(),
    ),
    "office user update with losses allowed": (
        update(
            USER,
            {**NAMED, "user_email": "new@fleet.example", "is_active": False},
            target=OFFICE_USER,
            allow_losses=True,
        ),
        "PATCH",
        OFFICE_PATH,
        {"name": "Ana Ruiz"},
        {"user_email", "is_active"},
    ),
    "inactive driver create with losses allowed": (
        create(USER, {"is_driver": True, "username": "ana", "status": "INACTIVE", **NAMED}, allow_losses=True),
        "POST",
        "/fleet/drivers",
        {"name": "Ana Ruiz", "username": "ana", "externalIds": OPERATION},
        {"status"},
    ),
}


@pytest.mark.parametrize(("write", "method", "path", "body", "losses"), CASES.values(), ids=CASES)
def test_users_are_translated(write: Write, method: str, path: str, body: dict[str, Any], losses: set[str]) -> None:
    translation = CONNECTOR.translate(write)

    assert (translation.call.method, translation.call.path, translation.call.body) == (method, path, body)
    assert {loss.field for loss in translation.losses} == losses


def test_only_a_new_driver_needs_a_password_and_it_is_not_in_the_translation() -> None:
    translation = CONNECTOR.translate(create(USER, {"is_driver": True, "username": "ana", **NAMED}))

    assert translation.wanted_secrets == ("password",)
    assert "password" not in (translation.call.body or {})
    assert (translation.with_secrets({"password": "s3cret"}).body or {})["password"] == "s3cret"
    assert CONNECTOR.translate(update(USER, {"notes": "n"})).wanted_secrets == ()


@pytest.mark.parametrize(
    ("code", "restart", "restbreak"),
    [
        ("US_INT_PROP_60_7", "34-hour Restart", "Property (off-duty/sleeper)"),
        ("US_INT_PROP_60_7_NORST", "None", "Property (off-duty/sleeper)"),
        ("US_INT_PROP_60_7_NOBRK", "34-hour Restart", "None"),
    ],
)
def test_rulesets_state_restart_and_break(code: str, restart: str, restbreak: str) -> None:
    call = CONNECTOR.translate(update(USER, {"hos_ruleset_code": code})).call

    assert (call.body or {})["usDriverRulesetOverride"] == {
        "cycle": "USA Property (7/60)",
        "restart": restart,
        "restbreak": restbreak,
        "usStateToOverride": "",
    }


def test_a_ruleset_without_an_exact_twin_is_a_loss() -> None:
    translation = CONNECTOR.translate(update(USER, {"hos_ruleset_code": "CA_FED_C1_70_7", "notes": "n"}))

    assert translation.call.body == {"notes": "n"}
    assert [loss.field for loss in translation.losses] == ["hos_ruleset_code"]


DRIVER_BODY = {"is_driver": True, "username": "ana", **NAMED}
OFFICE_BODY = {"is_driver": False, "user_email": "ana@fleet.example", **NAMED}
REQUIRED, RANGE, FORMAT, LOSS = ErrorType.REQUIRED_BY_TSP, ErrorType.RANGE, ErrorType.FORMAT, ErrorType.LOSS
UNKNOWN_KIND = SourceReference(source_id="1", attributes={})

REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "kind not said": (create(USER, {"username": "ana"}), [("is_driver", REQUIRED)]),
    "kind not known": (update(USER, {"notes": "n"}, target=UNKNOWN_KIND), [("is_driver", REQUIRED)]),
    "kind changed": (update(USER, {"is_driver": False, **NAMED}), [("is_driver", RANGE)]),
    "kind cleared": (update(USER, {"is_driver": None}, cleared=frozenset({"is_driver"})), [("is_driver", REQUIRED)]),
    "driver without anything": (create(USER, {"is_driver": True}), [("username", REQUIRED), ("first_name", REQUIRED)]),
    "office user without anything": (
        create(USER, {"is_driver": False}),
        [("user_email", REQUIRED), ("first_name", REQUIRED)],
    ),
    "blank in the login name": (create(USER, {**DRIVER_BODY, "username": "ana ruiz"}), [("username", FORMAT)]),
    "at sign in the login name": (create(USER, {**DRIVER_BODY, "username": "a@b"}), [("username", FORMAT)]),
    "login name of 190": (create(USER, {**DRIVER_BODY, "username": "a" * 190}), [("username", RANGE)]),
    "name of 256": (create(USER, {**DRIVER_BODY, "last_name": "r" * 252}), [("last_name", RANGE)]),
    "notes of 4097": (create(USER, {**DRIVER_BODY, "notes": "n" * 4097}), [("notes", RANGE)]),
    "phone of 256": (create(USER, {**DRIVER_BODY, "phone_number": "1" * 256}), [("phone_number", RANGE)]),
    "state in full": (create(USER, {**DRIVER_BODY, "license_region": "Texas"}), [("license_region", FORMAT)]),
    "created inactive": (create(USER, {**DRIVER_BODY, "is_active": False}), [("is_active", LOSS)]),
    "two truths": (update(USER, {"is_active": True, "status": "INACTIVE"}), [("status", RANGE)]),
    "half a name": (update(USER, {"last_name": "Ruiz"}), [("first_name", REQUIRED)]),
    "other half of a name": (update(USER, {"first_name": "Ana"}), [("last_name", REQUIRED)]),
    "name emptied": (
        update(USER, dict.fromkeys(NAMED), cleared=frozenset(NAMED)),
        [("first_name", REQUIRED)],
    ),
    "no role configured": (create(USER, OFFICE_BODY, settings={}), [("is_driver", REQUIRED)]),
    "no address": (create(USER, {**OFFICE_BODY, "user_email": "ana"}), [("user_email", FORMAT)]),
    "office user created inactive": (create(USER, {**OFFICE_BODY, "is_active": False}), [("is_active", LOSS)]),
    "address changed": (
        update(USER, {**NAMED, "user_email": "new@fleet.example"}, target=OFFICE_USER),
        [("user_email", LOSS)],
    ),
    "office user deactivated": (update(USER, {**NAMED, "status": "INACTIVE"}, target=OFFICE_USER), [("status", LOSS)]),
    "office user update of nothing": (
        update(USER, {"user_email": "ines@fleet.example"}, target=OFFICE_USER),
        [("first_name", ErrorType.MISSING)],
    ),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_samsara_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults


def test_a_missing_role_names_the_setting() -> None:
    with pytest.raises(UntranslatableWriteError, match="office_role_id"):
        CONNECTOR.translate(create(USER, OFFICE_BODY, settings={}))
