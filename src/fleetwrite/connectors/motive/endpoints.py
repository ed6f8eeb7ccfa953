"""The endpoints of Motive's API that we call, and the limits they fall under."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.contract.enums import ResourceEnum

# Motive publishes no limits for its API, only that there may be some. A call a second, two at a time, is what others
# have read whole fleets with and were never refused.
COMPANY: Final = Budget(scope="company", requests=60, per_seconds=60, in_flight=2, shared=True)
# developer.gomotive.com/reference/freight-marketplace-step-1: three calls a second for tokens.
LOGIN: Final = Budget(scope="login", requests=3, per_seconds=1)


class Endpoint(msgspec.Struct, frozen=True):
    """A method and a path; `{id}` stands for an id."""

    method: str
    path: str

    def call(
        self, source_id: str = "", *, query: tuple[tuple[str, str], ...] = (), body: Mapping[str, Any] | None = None
    ) -> Call:
        """A call of this endpoint."""
        path = self.path.replace("{id}", quote(source_id, safe=""))
        return Call(method=self.method, path=path, query=query, body=body, scopes=(COMPANY.scope,))


class Kind(msgspec.Struct, frozen=True):
    """A kind of record; all three have the same endpoints.

    Attributes:
        name: the key of a single one in answers.
        plural: the key of lists, and the word in paths.
    """

    name: str
    plural: str

    @property
    def list(self) -> Endpoint:
        return Endpoint("GET", f"/v1/{self.plural}")

    @property
    def create(self) -> Endpoint:
        return Endpoint("POST", f"/v1/{self.plural}")

    @property
    def get(self) -> Endpoint:
        return Endpoint("GET", f"/v1/{self.plural}/{{id}}")

    @property
    def update(self) -> Endpoint:
        return Endpoint("PUT", f"/v1/{self.plural}/{{id}}")

    @property
    def find(self) -> Endpoint:
        """The one with a natural key; not for assets."""
        return Endpoint("GET", f"/v1/{self.plural}/lookup")

    @property
    def find_by_external_id(self) -> Endpoint:
        return Endpoint("GET", f"/v1/{self.plural}/lookup_by_external_id")


VEHICLES: Final = Kind("vehicle", "vehicles")
ASSETS: Final = Kind("asset", "assets")
USERS: Final = Kind("user", "users")

KINDS: Final[Mapping[ResourceEnum, Kind]] = {
    ResourceEnum.VEHICLE: VEHICLES,
    ResourceEnum.TRAILER: ASSETS,
    ResourceEnum.USER: USERS,
}

GET_COMPANY: Final = Endpoint("GET", "/v1/companies")
CREATE_MESSAGE: Final = Endpoint("POST", "/v2/messages")
LIST_MESSAGES: Final = Endpoint("GET", "/v2/messages")
CREATE_FUEL_PURCHASE: Final = Endpoint("POST", "/v1/fuel_purchases")
LIST_FUEL_PURCHASES: Final = Endpoint("GET", "/v1/fuel_purchases")

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
