"""Which token opens which endpoint."""

from fleetwrite.access.scopes import OPERATOR_SCOPES, OPERATORS_ALONE, PARTNER_SCOPES, Scope
from fleetwrite.api.app import ENDPOINTS

OF_THE_CONTRACT = {
    f"{thing}:{deed}"
    for thing, deeds in {
        "connection": ("read", "create", "update", "delete"),
        "schedule": ("read", "create", "update", "delete"),
        "execution": ("read",),
        "resource_operation": ("read",),
        "webhook": ("read", "create", "update", "delete"),
        "invitation": ("read", "create", "delete"),
        "share-agreement": ("read", "update", "delete"),
        "fleet": ("read", "create", "update", "delete"),
        "partner": ("read", "create", "update"),
        "partner-property": ("read", "create"),
        "tsp": ("create", "update", "delete"),
        "telematics": ("read",),
    }.items()
    for deed in deeds
}

OPEN_TO_ALL = {
    "get_token",
    "revoke_token",
    "get_signing_keys",
    "get_openid_configuration",
    "list_tsps",
    "get_tsp",
    "get_openapi",
    "list_org_tsps",
    "get_org_tsp",
}

OF_WHO_HOLDS_THE_LINK = {"get_invitation", "accept_invitation", "decline_invitation"}
"""Of an invitation, whose id is the secret. A token that comes along is looked at all the same."""


def test_all_scopes_of_the_contract_are_known_and_two_more() -> None:
    assert {scope.value for scope in Scope} == OF_THE_CONTRACT | {"telematics:write", "admin"}
    assert set(Scope) >= PARTNER_SCOPES | OPERATOR_SCOPES
    assert set() == OPERATORS_ALONE & PARTNER_SCOPES


def test_every_endpoint_of_the_api_asks_for_a_scope_unless_it_is_known_to_be_open() -> None:
    without = {one.operation_id for one in ENDPOINTS if one.scope is None and not one.needs_token}
    api = {one.operation_id for one in ENDPOINTS if one.path.startswith(("/v2/", "/realms/", "/openapi"))}
    assert without & api == OPEN_TO_ALL | OF_WHO_HOLDS_THE_LINK
    shown = {one.operation_id for one in ENDPOINTS if one.scope_if_shown is not None}
    assert shown == OF_WHO_HOLDS_THE_LINK


def test_who_changes_something_needs_another_scope_than_who_reads() -> None:
    changing = [one for one in ENDPOINTS if one.scope is not None and one.method != "GET"]
    assert [one.operation_id for one in changing if one.scope is not None and one.scope.value.endswith(":read")] == []
