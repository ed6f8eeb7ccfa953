"""The operations of Geotab's API that we call, each with its limit: one address, told apart by method and entity.

Limits hold for each method and entity, user and database (developers.geotab.com/myGeotab/guides/rateLimits): each is a
budget of the connection.
"""

from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call

PATH: Final = "/apiv1"

# What the pages of those entities say whose tables could be read (FillUp, DeviceStatusInfo, IoxAddOnStatus) of their
# slowest methods; ours were not among them.
_UNREAD: Final = 100

_READING: Final = frozenset({"Authenticate", "Get", "GetCountOf", "GetFeed"})


class Operation(msgspec.Struct, frozen=True):
    """A method, of an entity where it has one, and how often a user may call it in a minute."""

    method: str
    type_name: str | None
    requests: int

    @property
    def name(self) -> str:
        """What people call it, and the scope of its budget: `Add Device`."""
        return self.method if self.type_name is None else f"{self.method} {self.type_name}"

    @property
    def budget(self) -> Budget:
        return Budget(scope=self.name, requests=self.requests, per_seconds=60)

    def call(self, **params: Any) -> Call:
        """A call of it; the credentials are put in by `rpc.render`."""
        entity = {} if self.type_name is None else {"typeName": self.type_name}
        return Call(
            method="POST",
            path=PATH,
            body={"method": self.method, "params": {**entity, **params}},
            scopes=(self.budget.scope,),
            reads=self.method in _READING,
        )


# geotab.com/blog/api-call-limits; refused logins count, too.
AUTHENTICATE: Final = Operation("Authenticate", None, 10)

COUNT_DEVICES: Final = Operation("GetCountOf", "Device", _UNREAD)
GET_DEVICE: Final = Operation("Get", "Device", _UNREAD)
ADD_DEVICE: Final = Operation("Add", "Device", _UNREAD)
SET_DEVICE: Final = Operation("Set", "Device", _UNREAD)
GET_USER: Final = Operation("Get", "User", _UNREAD)
# Geotab's own sample for importing users keeps to it.
ADD_USER: Final = Operation("Add", "User", 250)
SET_USER: Final = Operation("Set", "User", _UNREAD)
# developers.geotab.com/myGeotab/apiReference/objects/DeviceStatusInfo
GET_STATUS: Final = Operation("Get", "DeviceStatusInfo", 900)
GET_MESSAGE: Final = Operation("Get", "TextMessage", _UNREAD)
# developers.geotab.com/myGeotab/guides/rateLimits: a feed once a second.
FEED_MESSAGE: Final = Operation("GetFeed", "TextMessage", 60)
ADD_MESSAGE: Final = Operation("Add", "TextMessage", _UNREAD)
GET_DVIR: Final = Operation("Get", "DVIRLog", _UNREAD)
ADD_DVIR: Final = Operation("Add", "DVIRLog", _UNREAD)
GET_FUEL: Final = Operation("Get", "FuelTransaction", _UNREAD)
ADD_FUEL: Final = Operation("Add", "FuelTransaction", _UNREAD)

OPERATIONS: Final = (
    AUTHENTICATE,
    COUNT_DEVICES,
    GET_DEVICE,
    ADD_DEVICE,
    SET_DEVICE,
    GET_USER,
    ADD_USER,
    SET_USER,
    GET_STATUS,
    GET_MESSAGE,
    FEED_MESSAGE,
    ADD_MESSAGE,
    GET_DVIR,
    ADD_DVIR,
    GET_FUEL,
    ADD_FUEL,
)
