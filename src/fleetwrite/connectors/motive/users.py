"""Users in Motive's terms: one kind of record with roles, of which `is_driver` tells two apart."""

from fleetwrite.connectors.motive import external_ids
from fleetwrite.connectors.motive.endpoints import USERS
from fleetwrite.connectors.motive.mapping import DRIVER_ROLE, DRIVER_USER, OFFICE, OFFICE_ROLE, PROVIDER
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write
from fleetwrite.contract.enums import HosComplianceTypeEnum, HosTrackingMethodEnum, UserStatusEnum
from fleetwrite.contract.errors import ErrorType

_BORN_ACTIVE = "Motive creates every user active. Create it, then update it with is_active false."


def translate_user(write: Write) -> Translation:
    """A driver or an office user, by `is_driver` of the body (create) or of the record (update)."""
    # Which table applies is not known before the role is; the role's own faults need none of its rows.
    role = Draft(write, DRIVER_USER, provider=PROVIDER)
    is_driver = _read_role(role)
    role.settle()
    draft = Draft(write, DRIVER_USER if is_driver else OFFICE, provider=PROVIDER)
    draft.fill()
    _put_activity(draft)
    if is_driver:
        _put_tracking(draft)
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        return Translation(call=USERS.update.call(write.require_target().source_id, body=draft.body), losses=losses)
    _require_login_name(draft, is_driver=is_driver)
    draft.put("role", DRIVER_ROLE if is_driver else OFFICE_ROLE)
    draft.put(external_ids.WRITTEN, [external_ids.mark(write.operation_id)])
    losses = draft.settle()
    return Translation(call=USERS.create.call(body=draft.body), losses=losses, wanted_secrets=("password",))


def _read_role(draft: Draft) -> bool:
    wanted: bool | None = draft.given("is_driver")
    if not draft.is_update:
        if wanted is None:
            draft.fault(
                "is_driver",
                ErrorType.REQUIRED_BY_TSP,
                "Motive gives every user a role: send true for a driver, false for an office user.",
            )
        return wanted is True
    known: bool | None = draft.write.require_target().attributes.get("is_driver")
    if known is None and wanted is None:
        draft.fault(
            "is_driver", ErrorType.REQUIRED_BY_TSP, "It is not known yet whether this is a driver or not: say it."
        )
    elif known is not None and wanted is not None and known != wanted:
        draft.fault(
            "is_driver",
            ErrorType.RANGE,
            "Motive can not make a driver of an office user or the other way round: create a new user.",
        )
    return (wanted if known is None else known) is True


def _require_login_name(draft: Draft, *, is_driver: bool) -> None:
    if draft.given("username") is None and draft.given("user_email") is None:
        draft.fault(
            "username" if is_driver else "user_email",
            ErrorType.REQUIRED_BY_TSP,
            "Motive takes no user without a login: send username or user_email; each has to be unique.",
        )


def _put_activity(draft: Draft) -> None:
    is_active: bool | None = draft.given("is_active")
    status: UserStatusEnum | None = draft.given("status")
    by_status = None if status is None else status is UserStatusEnum.ACTIVE
    if is_active is not None and by_status is not None and is_active != by_status:
        draft.fault("status", ErrorType.RANGE, f"is_active says {str(is_active).lower()}, status says {status}.")
    active = by_status if is_active is None else is_active
    if active is None:
        return
    if draft.is_update:
        draft.put("status", "active" if active else "deactivated")
    elif not active:
        draft.lose("status" if is_active is None else "is_active", _BORN_ACTIVE, essential=True)


def _put_tracking(draft: Draft) -> None:
    """Compliance and method are one choice at Motive, in two settings that have to match."""
    compliance: HosComplianceTypeEnum | None = draft.given("hos_compliance_type")
    method: HosTrackingMethodEnum | None = draft.given("hos_tracking_method")
    if compliance is HosComplianceTypeEnum.EXEMPT:
        draft.put("eld_mode", "exempt")
        draft.put("time_tracking_mode", "not_required")
        if method is not None:
            draft.lose("hos_tracking_method", "Motive records no hours of a driver who is exempt.")
    elif compliance is not None and method is not None:
        draft.put("eld_mode", "logs" if method is HosTrackingMethodEnum.AUTOMATIC else "none")
        draft.put("time_tracking_mode", "logs")
    elif compliance is not None or method is not None:
        missing = "hos_tracking_method" if method is None else "hos_compliance_type"
        draft.fault(
            missing,
            ErrorType.REQUIRED_BY_TSP,
            "Motive keeps whether and how a driver's hours are recorded in one setting: send hos_compliance_type and "
            "hos_tracking_method together.",
        )
