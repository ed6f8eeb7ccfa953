"""The methods of GPS Insight's API that we call: a class and a method in the path, parameters in a form."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call

# That calls are counted over 24 hours is known from GPS Insight's own client, how many there may be from nobody: one a
# second is assumed, and two at a time.
ACCOUNT: Final = Budget(scope="account", requests=60, per_seconds=60, in_flight=2, shared=True)
# Assumed: a session lasts for a day, so that whoever logs in this often is caught in a loop.
LOGIN: Final = Budget(scope="login", requests=10, per_seconds=60, shared=True)


class Method(msgspec.Struct, frozen=True):
    """One method.

    Attributes:
        name: class and method, as in the path.
        reads: it changes nothing.
        lists: its answer is a list, which has no pages.
        broader: the budget that its calls share with others.
    """

    name: str
    reads: bool = False
    lists: bool = False
    broader: Budget = ACCOUNT

    @property
    def path(self) -> str:
        return f"/v2/{self.name}/json"

    @property
    def budget(self) -> Budget:
        """Without a limit of its own; so that a login without the right to this method can still use the others."""
        return Budget(scope=f"method:{self.name}")

    def call(self, parameters: Mapping[str, Any] | None = None) -> Call:
        """A call of this method. Always a POST: an address ends up in the logs of everybody in between."""
        return Call(
            method="POST",
            path=self.path,
            body=dict(parameters or {}),
            scopes=(self.broader.scope, self.budget.scope),
            reads=self.reads,
            is_list=self.lists,
        )


LOG_IN: Final = Method("userauth/login", reads=True, broader=LOGIN)
LIST_VEHICLES: Final = Method("vehicle/list", reads=True, lists=True)
LOCATE_VEHICLES: Final = Method("vehicle/location", reads=True, lists=True)
LIST_DRIVERS: Final = Method("driver/list", reads=True, lists=True)
LIST_DRIVER_GROUPS: Final = Method("drivergroup/list", reads=True, lists=True)
CREATE_VEHICLE: Final = Method("vehicle/create")
UPDATE_VEHICLE: Final = Method("vehicle/update")
CREATE_DRIVER: Final = Method("driver/create")
UPDATE_DRIVER: Final = Method("driver/update")
SEND_MESSAGE: Final = Method("dispatch/message")

METHODS: Final = (
    LOG_IN,
    LIST_VEHICLES,
    LOCATE_VEHICLES,
    LIST_DRIVERS,
    LIST_DRIVER_GROUPS,
    CREATE_VEHICLE,
    UPDATE_VEHICLE,
    CREATE_DRIVER,
    UPDATE_DRIVER,
    SEND_MESSAGE,
)
