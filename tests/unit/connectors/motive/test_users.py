from typing import Any

import pytest

from connectors.motive.motive_writes import MARKED, OFFICE_USER, STRANGE, create, update
from fleetwrite.connectors.motive import mapping
from fleetwrite.connectors.motive.connector import CONNECTOR
from fleetwrite.connectors.sdk.write import UntranslatableWriteError, Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.errors import ErrorType

USER = ResourceEnum.USER
NAMED = {"first_name": "Ana", "last_name": "Ruiz"}
DRIVER_BODY = {"is_driver": True, "username": "ana", **NAMED}
OFFICE_BODY = {"is_driver": False, "user_email": "ana@fleet.example", **NAMED}

FULL: dict[str, Any] = {
    "username": "ana.ruiz.1044",
    "is_active": True,
    "status": "ACTIVE",
    "user_designation": "DRIVER",
    "user_email": "ana@fleet.example",
    **NAMED,
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
COMMON = {
    "username": "ana.ruiz.1044",
    "email": "ana@fleet.example",
    **NAMED,
    "phone": "+1 555 0100",
    "time_zone": "Central Time (US & Canada)",
}
FULL_DRIVER = {
    **COMMON,
    "drivers_license_state": "TX",
    "drivers_license_number": "D4410987",
    "driver_company_id": "E-1044",
    "cycle": "70_8",
    "yard_moves_enabled": True,
    "personal_conveyance_enabled": False,
    "eld_mode": "exempt",
    "time_tracking_mode": "not_required",
}
DRIVER_LOSSES = {
    *("user_designation", "country_code", "license_country", "license_expiration", "carrier_number", "notes"),
    *("allow_adverse_driving", "hos_tracking_method"),
}
TAKEN_OF_OFFICE = {"username", "is_active", "status", "user_email", "phone_number", "default_time_zone", *NAMED}
CLEARABLE = ("phone_number", "license_region", "license_number", "employee_number")

CASES: dict[str, tuple[Write, dict[str, Any], set[str]]] = {
    "driver of the least": (
        create(USER, DRIVER_BODY),
        {"role": "driver", "username": "ana", **NAMED, **MARKED},
        set(),
    ),
    "driver with all": (
        create(USER, {**FULL, "is_driver": True}),
        {"role": "driver", **FULL_DRIVER, **MARKED},
        DRIVER_LOSSES,
    ),
    "driver update with all": (
        update(USER, {**FULL, "is_driver": True}),
        {**FULL_DRIVER, "status": "active"},
        DRIVER_LOSSES,
    ),
    "driver update that empties": (
        update(USER, dict.fromkeys(CLEARABLE), cleared=frozenset(CLEARABLE)),
        dict.fromkeys(("phone", "drivers_license_state", "drivers_license_number", "driver_company_id")),
        set(),
    ),
    "driver whose kind is not known yet": (
        update(USER, {"is_driver": True, "first_name": "Ana"}, target=STRANGE),
        {"first_name": "Ana"},
        set(),
    ),
    "driver deactivated by status": (update(USER, {"status": "INACTIVE"}), {"status": "deactivated"}, set()),
    "inactive driver, losses allowed": (
        create(USER, {**DRIVER_BODY, "status": "INACTIVE"}, allow_losses=True),
        {"role": "driver", "username": "ana", **NAMED, **MARKED},
        {"status"},
    ),
    "office user with all": (
        create(USER, {**FULL, "is_driver": False}),
        {"role": "fleet_user", **COMMON, **MARKED},
        set(FULL) - TAKEN_OF_OFFICE,
    ),
    "office user update": (
        update(USER, {"user_email": "new@fleet.example", "is_active": False}, target=OFFICE_USER),
        {"email": "new@fleet.example", "status": "deactivated"},
        set(),
    ),
}


@pytest.mark.parametrize(("write", "body", "losses"), CASES.values(), ids=CASES)
def test_users_are_translated(write: Write, body: dict[str, Any], losses: set[str]) -> None:
    translation = CONNECTOR.translate(write)

    assert translation.call.body == body
    assert {loss.field for loss in translation.losses} == losses


@pytest.mark.parametrize("body", [DRIVER_BODY, OFFICE_BODY], ids=["driver", "office user"])
def test_every_new_user_needs_a_password_and_it_is_not_in_the_translation(body: dict[str, Any]) -> None:
    translation = CONNECTOR.translate(create(USER, body))

    assert translation.wanted_secrets == ("password",)
    assert "password" not in (translation.call.body or {})
    assert (translation.with_secrets({"password": "s3cret"}).body or {})["password"] == "s3cret"
    assert CONNECTOR.translate(update(USER, {"first_name": "Ana"})).wanted_secrets == ()


@pytest.mark.parametrize(
    ("fields", "modes"),
    [
        ({"hos_compliance_type": "exempt"}, ("exempt", "not_required")),
        ({"hos_compliance_type": "non_exempt", "hos_tracking_method": "automatic"}, ("logs", "logs")),
        ({"hos_compliance_type": "non_exempt", "hos_tracking_method": "manual"}, ("none", "logs")),
    ],
)
def test_how_hours_are_recorded_is_told_by_two_modes_that_match(fields: dict[str, str], modes: tuple[str, str]) -> None:
    body = CONNECTOR.translate(update(USER, fields)).call.body or {}

    assert (body["eld_mode"], body["time_tracking_mode"]) == modes


@pytest.mark.parametrize(("code", "cycle"), [(code.value, cycle) for code, cycle in mapping.CYCLES.items()])
def test_rulesets_with_a_twin_are_sent(code: str, cycle: str) -> None:
    assert CONNECTOR.translate(update(USER, {"hos_ruleset_code": code})).call.body == {"cycle": cycle}


def test_rulesets_and_time_zones_without_a_twin_are_losses() -> None:
    fields = {"hos_ruleset_code": "CA_FED_C1_70_7", "default_time_zone": "Europe/Berlin", "first_name": "Ana"}

    translation = CONNECTOR.translate(update(USER, fields))

    assert translation.call.body == {"first_name": "Ana"}
    assert {loss.field for loss in translation.losses} == {"hos_ruleset_code", "default_time_zone"}


REQUIRED, RANGE, FORMAT, LOSS = ErrorType.REQUIRED_BY_TSP, ErrorType.RANGE, ErrorType.FORMAT, ErrorType.LOSS

REFUSED: dict[str, tuple[Write, list[tuple[str, ErrorType]]]] = {
    "kind not said": (create(USER, NAMED), [("is_driver", REQUIRED)]),
    "kind not known": (update(USER, NAMED, target=STRANGE), [("is_driver", REQUIRED)]),
    "kind changed": (update(USER, {"is_driver": False, **NAMED}), [("is_driver", RANGE)]),
    "driver without anything": (
        create(USER, {"is_driver": True}),
        [("first_name", REQUIRED), ("last_name", REQUIRED), ("username", REQUIRED)],
    ),
    "office user without anything": (
        create(USER, {"is_driver": False}),
        [("first_name", REQUIRED), ("last_name", REQUIRED), ("user_email", REQUIRED)],
    ),
    "no address": (create(USER, {**OFFICE_BODY, "user_email": "ana"}), [("user_email", FORMAT)]),
    "state in full": (create(USER, {**DRIVER_BODY, "license_region": "Texas"}), [("license_region", FORMAT)]),
    "created inactive": (create(USER, {**DRIVER_BODY, "is_active": False}), [("is_active", LOSS)]),
    "two truths": (update(USER, {"is_active": True, "status": "INACTIVE"}), [("status", RANGE)]),
    "method without compliance": (
        update(USER, {"hos_tracking_method": "automatic"}),
        [("hos_compliance_type", REQUIRED)],
    ),
    "compliance without method": (
        create(USER, {**DRIVER_BODY, "hos_compliance_type": "non_exempt"}),
        [("hos_tracking_method", REQUIRED)],
    ),
    "name emptied": (update(USER, {"last_name": None}, cleared=frozenset({"last_name"})), [("last_name", REQUIRED)]),
    "update of nothing": (update(USER, {}), [("username", ErrorType.MISSING)]),
}


@pytest.mark.parametrize(("write", "faults"), REFUSED.values(), ids=REFUSED)
def test_what_motive_can_not_take_is_refused_by_our_field(write: Write, faults: list[tuple[str, ErrorType]]) -> None:
    with pytest.raises(UntranslatableWriteError) as refused:
        CONNECTOR.translate(write)

    assert [(fault.field, fault.error_type) for fault in refused.value.faults] == faults
