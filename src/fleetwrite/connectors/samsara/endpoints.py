"""The endpoints of Samsara's API that we call, each with its published limit."""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call

# Both hold for every call: developers.samsara.com/docs/rate-limits.
TOKEN = Budget(scope="token", requests=150, per_seconds=1)
# The organisation's and the endpoints' limits are shared by all who call for the organisation.
ORGANIZATION = Budget(scope="organization", requests=200, per_seconds=1, shared=True)


class Endpoint(msgspec.Struct, frozen=True):
    """A method and a path (`{id}` stands for an id), and how often an organisation may call it."""

    method: str
    path: str
    requests: int
    per_seconds: float

    @property
    def budget(self) -> Budget:
        return Budget(
            scope=f"endpoint:{self.method} {self.path}",
            requests=self.requests,
            per_seconds=self.per_seconds,
            shared=True,
        )

    def call(
        self, source_id: str = "", *, query: tuple[tuple[str, str], ...] = (), body: dict[str, Any] | None = None
    ) -> Call:
        """A call of this endpoint. `source_id` may be an external id written `key:value`."""
        return Call(
            method=self.method,
            path=self.path.replace("{id}", quote(source_id, safe=":")),
            query=query,
            body=body,
            scopes=(TOKEN.scope, ORGANIZATION.scope, self.budget.scope),
        )


CREATE_ASSET: Final = Endpoint("POST", "/assets", 100, 60)
UPDATE_ASSET: Final = Endpoint("PATCH", "/assets", 100, 60)
UPDATE_VEHICLE: Final = Endpoint("PATCH", "/fleet/vehicles/{id}", 100, 60)
CREATE_TRAILER: Final = Endpoint("POST", "/fleet/trailers", 100, 60)
UPDATE_TRAILER: Final = Endpoint("PATCH", "/fleet/trailers/{id}", 100, 60)
CREATE_DRIVER: Final = Endpoint("POST", "/fleet/drivers", 100, 60)
UPDATE_DRIVER: Final = Endpoint("PATCH", "/fleet/drivers/{id}", 100, 60)
CREATE_MESSAGE: Final = Endpoint("POST", "/v1/fleet/messages", 100, 60)
LIST_MESSAGES: Final = Endpoint("GET", "/v1/fleet/messages", 100, 60)
CREATE_DVIR: Final = Endpoint("POST", "/fleet/dvirs", 100, 60)
STREAM_DVIRS: Final = Endpoint("GET", "/dvirs/stream", 5, 1)
CREATE_FUEL_PURCHASE: Final = Endpoint("POST", "/fuel-purchase", 100, 60)
# Limits of the user endpoints, of single trailers and of /me are not published; these are the lowest tiers.
CREATE_USER: Final = Endpoint("POST", "/users", 100, 60)
UPDATE_USER: Final = Endpoint("PATCH", "/users/{id}", 100, 60)
LIST_USERS: Final = Endpoint("GET", "/users", 5, 1)
GET_USER: Final = Endpoint("GET", "/users/{id}", 5, 1)
GET_TRAILER: Final = Endpoint("GET", "/fleet/trailers/{id}", 5, 1)
GET_ORGANIZATION: Final = Endpoint("GET", "/me", 5, 1)
LIST_ASSETS: Final = Endpoint("GET", "/assets", 5, 1)
LIST_VEHICLES: Final = Endpoint("GET", "/fleet/vehicles", 25, 1)
GET_VEHICLE: Final = Endpoint("GET", "/fleet/vehicles/{id}", 25, 1)
LIST_TRAILERS: Final = Endpoint("GET", "/fleet/trailers", 5, 1)
LIST_DRIVERS: Final = Endpoint("GET", "/fleet/drivers", 5, 1)
GET_DRIVER: Final = Endpoint("GET", "/fleet/drivers/{id}", 25, 1)

ENDPOINTS: Final = (
    CREATE_ASSET,
    UPDATE_ASSET,
    UPDATE_VEHICLE,
    CREATE_TRAILER,
    UPDATE_TRAILER,
    CREATE_DRIVER,
    UPDATE_DRIVER,
    CREATE_MESSAGE,
    LIST_MESSAGES,
    CREATE_DVIR,
    STREAM_DVIRS,
    CREATE_FUEL_PURCHASE,
    CREATE_USER,
    UPDATE_USER,
    LIST_USERS,
    GET_USER,
    GET_TRAILER,
    GET_ORGANIZATION,
    LIST_ASSETS,
    LIST_VEHICLES,
    GET_VEHICLE,
    LIST_TRAILERS,
    LIST_DRIVERS,
    GET_DRIVER,
)
