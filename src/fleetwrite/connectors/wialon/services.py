"""The services of Wialon's Remote API that we call: one address, and the name of the service in the form."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call

PATH: Final = "/wialon/ajax.html"

# No rate is published, only how many requests a session may have under way: help.wialon.com, "Limitations". The rate
# is assumed: calls that take a second each fill the ten places.
SESSION: Final = Budget(scope="session", requests=10, per_seconds=1, in_flight=10)
# Loading messages is one of the requests that Wialon calls resource-intensive: three at a time (the same page).
HEAVY: Final = Budget(scope="heavy", in_flight=3)
# 120 good logins a minute from one address, but only 10 bad ones, and nobody knows beforehand which it will be (the
# same page). The limit is Wialon's for our address; a budget can only hold for one account.
LOGIN: Final = Budget(scope="login", requests=10, per_seconds=60, shared=True)

OWN_USER: Final = "user_id"
OWN_ACCOUNT: Final = "account_id"
"""What logging in tells of the login, by its name in the session; see `Service.call`."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service.

    Attributes:
        svc: its name.
        reads: it changes nothing.
        lists: it is answered with as much as there is; a resource brings all its drivers and trailers with it.
        broader: the budgets that its calls fall under with others.
    """

    svc: str
    reads: bool = False
    lists: bool = False
    broader: tuple[Budget, ...] = (SESSION,)

    @property
    def budget(self) -> Budget:
        """Without a limit of its own; so that a login without the right to this service can still use the others."""
        return Budget(scope=f"service:{self.svc}")

    def call(self, params: Mapping[str, Any], own: Mapping[str, str] | None = None) -> Call:
        """A call of this service.

        Args:
            params: its parameters.
            own: parameter -> the value of the session that belongs there (`OWN_USER`), which only `render` knows.
        """
        body: dict[str, Any] = {"svc": self.svc, "params": params}
        if own:
            body["own"] = own
        return Call(
            method="POST",
            path=PATH,
            body=body,
            scopes=(*(budget.scope for budget in self.broader), self.budget.scope),
            reads=self.reads,
            is_list=self.lists,
        )


LOG_IN: Final = Service(svc="token/login", reads=True, broader=(LOGIN,))
SEARCH_ITEM: Final = Service(svc="core/search_item", reads=True, lists=True)
SEARCH_ITEMS: Final = Service(svc="core/search_items", reads=True, lists=True)
GET_HW_TYPES: Final = Service(svc="core/get_hw_types", reads=True)
LOAD_INTERVAL: Final = Service(svc="messages/load_interval", reads=True, lists=True, broader=(SESSION, HEAVY))
CREATE_UNIT: Final = Service(svc="core/create_unit")
BATCH: Final = Service(svc="core/batch")
UPDATE_DRIVER: Final = Service(svc="resource/update_driver")
UPDATE_TRAILER: Final = Service(svc="resource/update_trailer")
EXEC_CMD: Final = Service(svc="unit/exec_cmd")
REGISTER_FILLING: Final = Service(svc="unit/registry_fuel_filling_event")

SERVICES: Final = (
    LOG_IN,
    SEARCH_ITEM,
    SEARCH_ITEMS,
    GET_HW_TYPES,
    LOAD_INTERVAL,
    CREATE_UNIT,
    BATCH,
    UPDATE_DRIVER,
    UPDATE_TRAILER,
    EXEC_CMD,
    REGISTER_FILLING,
)


def service_of(call: Call) -> str:
    """The name of the service that `call` goes to."""
    return str((call.body or {})["svc"])


def params_of(call: Call) -> dict[str, Any]:
    """The parameters of `call`."""
    return dict((call.body or {})["params"])
