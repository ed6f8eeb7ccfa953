"""The actions of WEBFLEET.connect that we call. All share one path; each has a limit of its own."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call

PATH: Final = "/extern"


class Action(msgspec.Struct, frozen=True):
    """An action, and how often an account may ask for it, however many of its users do."""

    name: str
    requests: int
    per_seconds: float

    @property
    def budget(self) -> Budget:
        return Budget(scope=f"action:{self.name}", requests=self.requests, per_seconds=self.per_seconds, shared=True)

    def read(self, **parameters: str) -> Call:
        """A report, which changes nothing. It has no pages."""
        return Call(
            method="GET",
            path=PATH,
            query=(("action", self.name), *parameters.items()),
            scopes=(self.budget.scope,),
            is_list=True,
        )

    def write(self, parameters: Mapping[str, Any]) -> Call:
        """A call that may change something. As a POST, since whatever passes a GET on may repeat it."""
        return Call(method="POST", path=PATH, body={"action": self.name, **parameters}, scopes=(self.budget.scope,))


# The limits are those of the actions' pages in the WEBFLEET.connect reference.
UPDATE_VEHICLE: Final = Action("updateVehicle", 10, 60)
INSERT_DRIVER: Final = Action("insertDriverExtern", 10, 60)
UPDATE_DRIVER: Final = Action("updateDriverExtern", 10, 60)
SEND_TEXT: Final = Action("sendTextMessageExtern", 300, 1800)
SHOW_VEHICLES: Final = Action("showVehicleReportExtern", 10, 60)
SHOW_DRIVERS: Final = Action("showDriverReportExtern", 10, 60)
SHOW_DRIVER_GROUPS: Final = Action("showDriverGroups", 10, 60)

ACTIONS: Final = (
    UPDATE_VEHICLE,
    INSERT_DRIVER,
    UPDATE_DRIVER,
    SEND_TEXT,
    SHOW_VEHICLES,
    SHOW_DRIVERS,
    SHOW_DRIVER_GROUPS,
)
