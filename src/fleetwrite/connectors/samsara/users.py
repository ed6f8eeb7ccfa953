"""Users in Samsara's terms: it keeps drivers and office users apart, and `is_driver` tells which is meant."""

import re

from fleetwrite.connectors.samsara import endpoints
from fleetwrite.connectors.samsara.mapping import (
    DRIVER,
    MAX_DRIVER_NAME_LENGTH,
    OFFICE_USER,
    OPERATION_KEY,
    PROVIDER,
)
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.enums import UserStatusEnum
from fleetwrite.contract.errors import ErrorType

# The setting that holds the role of new office users.
OFFICE_ROLE_SETTING = "office_role_id"

_REFUSED_ACTIVITY_ON_CREATE = "Samsara creates every driver active. Create it, then update it with is_active false."
_REFUSED_OFFICE_ACTIVITY = (
    "Samsara ends the access of an office user by a date, for which the contract has no field; set it in the dashboard."
)


def translate_user(write: Write) -> Translation:
    """A driver or an office user, by `is_driver` of the body (create) or of the record (update)."""
    # Which table applies is not known before the role is; the role's own faults need none of its rows.
    draft = Draft(write, DRIVER, provider=PROVIDER)
    is_driver = _read_role(draft)
    draft.settle()
    if is_driver:
        return _update_driver(write) if draft.is_update else _create_driver(write)
    return _update_office_user(write) if draft.is_update else _create_office_user(write)


def _read_role(draft: Draft) -> bool:
    wanted = draft.given("is_driver")
    if not draft.is_update:
        if wanted is None:
            draft.fault(
                "is_driver",
                ErrorType.REQUIRED_BY_TSP,
                "Samsara keeps drivers and office users apart: send true for a driver, false for an office user.",
            )
        return wanted is True
    known = draft.write.require_target().attributes.get("is_driver")
    if known is None and wanted is None:
        draft.fault(
            "is_driver",
            ErrorType.REQUIRED_BY_TSP,
            "Samsara keeps drivers and office users apart, and it is not known yet which this is: say it.",
        )
    elif known is not None and wanted is not None and known != wanted:
        draft.fault(
            "is_driver",
            ErrorType.RANGE,
            "Samsara can not make a driver of an office user or the other way round: create a new user.",
        )
    return known is True if known is not None else wanted is True


def _create_driver(write: Write) -> Translation:
    draft = Draft(write, DRIVER, provider=PROVIDER)
    draft.fill()
    _put_name(draft)
    if _read_activity(draft) is False:
        draft.lose(_activity_field(draft), _REFUSED_ACTIVITY_ON_CREATE, essential=True)
    draft.put(f"externalIds.{OPERATION_KEY}", write.operation_id.hex)
    losses = draft.settle()
    call = endpoints.CREATE_DRIVER.call(body=draft.body)
    return Translation(call=call, losses=losses, wanted_secrets=("password",))


def _update_driver(write: Write) -> Translation:
    draft = Draft(write, DRIVER, provider=PROVIDER)
    draft.fill()
    _put_name(draft)
    active = _read_activity(draft)
    if active is not None:
        draft.put("driverActivationStatus", "active" if active else "deactivated")
    draft.require_change()
    losses = draft.settle()
    return Translation(
        call=endpoints.UPDATE_DRIVER.call(write.require_target().source_id, body=draft.body), losses=losses
    )


def _create_office_user(write: Write) -> Translation:
    draft = Draft(write, OFFICE_USER, provider=PROVIDER)
    draft.fill()
    _put_name(draft)
    email = draft.given("user_email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        draft.fault("user_email", ErrorType.FORMAT, "Samsara takes an e-mail address here.")
    role_id = write.settings.get(OFFICE_ROLE_SETTING)
    if not role_id:
        draft.fault(
            "is_driver",
            ErrorType.REQUIRED_BY_TSP,
            "An office user of Samsara needs a role. Set office_role_id in the settings of this connection to the id "
            "of the least role that serves.",
        )
    if _read_activity(draft) is False:
        draft.lose(_activity_field(draft), _REFUSED_OFFICE_ACTIVITY, essential=True)
    draft.put("email", email)
    # Accounts that sign in by SAML are made by the identity provider, not by us.
    draft.put("authType", "default")
    draft.put("roles", [{"roleId": role_id}])
    losses = draft.settle()
    return Translation(call=endpoints.CREATE_USER.call(body=draft.body), losses=losses)


def _update_office_user(write: Write) -> Translation:
    target = write.require_target()
    draft = Draft(write, OFFICE_USER, provider=PROVIDER)
    draft.fill()
    _put_name(draft)
    email = draft.given("user_email")
    if email is not None and email.casefold() != str(target.attributes.get("user_email", "")).casefold():
        draft.lose("user_email", "Samsara can not change the e-mail address of an office user.", essential=True)
    active = _read_activity(draft)
    if active is not None and active != target.attributes.get("is_active"):
        draft.lose(_activity_field(draft), _REFUSED_OFFICE_ACTIVITY, essential=not active)
    draft.require_change()
    losses = draft.settle()
    return Translation(call=endpoints.UPDATE_USER.call(target.source_id, body=draft.body), losses=losses)


def _put_name(draft: Draft) -> None:
    """Join the two names. An update must bring both: which word of the name at Samsara was whose is not known."""
    fields = ("first_name", "last_name")
    parts = {
        field: "" if draft.is_cleared(field) else draft.given(field)
        for field in fields
        if draft.is_cleared(field) or draft.given(field) is not None
    }
    if draft.is_update and len(parts) == 1:
        missing = next(field for field in fields if field not in parts)
        draft.fault(
            missing,
            ErrorType.REQUIRED_BY_TSP,
            "Samsara keeps one name for both: send first_name and last_name together, an empty text for a name that is "
            "not there.",
        )
        return
    if draft.is_update and not parts:
        return
    name = " ".join(part for part in (parts.get(field) for field in fields) if part)
    if not name:
        draft.fault("first_name", ErrorType.REQUIRED_BY_TSP, "Samsara takes no user without a name.")
    elif len(name) > MAX_DRIVER_NAME_LENGTH:
        draft.fault(
            "last_name",
            ErrorType.RANGE,
            f"First and last name together may have {MAX_DRIVER_NAME_LENGTH} characters; these have {len(name)}.",
        )
    draft.put("name", name)


def _read_activity(draft: Draft) -> bool | None:
    """What `is_active` and `status` say together; None where neither is given."""
    is_active: bool | None = draft.given("is_active")
    status = draft.given("status")
    by_status = None if status is None else status is UserStatusEnum.ACTIVE
    if is_active is not None and by_status is not None and is_active != by_status:
        draft.fault("status", ErrorType.RANGE, f"is_active says {str(is_active).lower()}, status says {status.value}.")
    return by_status if is_active is None else is_active


def _activity_field(draft: Draft) -> str:
    return "status" if draft.given("is_active") is None else "is_active"
