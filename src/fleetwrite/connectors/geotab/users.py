"""Users in Geotab's terms: drivers and office users are one entity, and differ by a flag and their groups."""

from typing import Final

from fleetwrite.connectors.geotab import comments, endpoints
from fleetwrite.connectors.geotab.activity import put_activity
from fleetwrite.connectors.geotab.assets import company_group
from fleetwrite.connectors.geotab.mapping import USER
from fleetwrite.connectors.geotab.rpc import PROVIDER, Entity
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.write import Translation, Write

CLEARANCE_SETTING: Final = "office_clearance_id"
"""The setting that holds the security clearance of new office users."""

NO_CLEARANCE: Final = "GroupNothingSecurityId"
DRIVER_CLEARANCE: Final = "GroupDriveUserSecurityId"
"""Built-in clearances: to see nothing, and to use the driver's app."""


def translate_user(write: Write) -> Translation:
    """A driver or an office user."""
    draft = Draft(write, USER, provider=PROVIDER)
    draft.fill()
    put_activity(draft)
    _check_email(draft)
    if draft.is_update:
        draft.require_change()
        losses = draft.settle()
        entity = {"id": write.require_target().source_id, **draft.body}
        return Translation(call=endpoints.SET_USER.call(entity=entity), losses=losses)
    losses = draft.settle()
    is_driver: bool = draft.body["isDriver"]
    clearance = DRIVER_CLEARANCE if is_driver else write.settings.get(CLEARANCE_SETTING) or NO_CLEARANCE
    # Accounts that sign in by a certificate are made by the identity provider, not by us.
    draft.put("userAuthenticationType", "BasicAuthentication")
    draft.put("companyGroups", [company_group(write)])
    draft.put("securityGroups", [{"id": clearance}])
    draft.put("comment", comments.joined(draft.body.get("comment", ""), comments.mark_of(write.operation_id)))
    return Translation(
        call=endpoints.ADD_USER.call(entity=with_driver_groups(draft.body)),
        losses=losses,
        wanted_secrets=("password",),
        secrets_at="params.entity",
    )


def with_driver_groups(entity: Entity) -> Entity:
    """A user's entity; a driver has to be in some driver group, too."""
    if not entity.get("isDriver") or entity.get("driverGroups"):
        return entity
    return {**entity, "driverGroups": entity.get("companyGroups", [])}


def _check_email(draft: Draft) -> None:
    """Geotab has no e-mail address but the login name."""
    email: str | None = draft.given("user_email")
    if email is None:
        return
    login = draft.given("username")
    if login is None and draft.is_update:
        login = draft.write.require_target().attributes.get("username")
    if email.casefold() != str(login).casefold():
        draft.lose("user_email", "Geotab keeps one address of a user, the login name, and this is another.")
