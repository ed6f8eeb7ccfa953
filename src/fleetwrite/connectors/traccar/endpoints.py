"""The endpoints of Traccar's API that we call."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.contract.enums import ResourceEnum

# Traccar limits nothing. But it often is one small machine with some ten connections to its database, by which the
# trackers have to be served as well: this leaves them more than half.
SERVER: Final = Budget(scope="server", in_flight=4, shared=True)


class Endpoint(msgspec.Struct, frozen=True):
    """A method and a path; `{id}` stands for an id.

    Attributes:
        lists: it is answered with a list, by older servers with all of it.
    """

    method: str
    path: str
    lists: bool = False

    @property
    def budget(self) -> Budget:
        """Without a limit: it names calls of this kind."""
        return Budget(scope=f"endpoint:{self.method} {self.path}")

    def call(
        self, source_id: str = "", *, query: tuple[tuple[str, str], ...] = (), body: Mapping[str, Any] | None = None
    ) -> Call:
        """A call of this endpoint."""
        return Call(
            method=self.method,
            path=self.path.replace("{id}", quote(source_id, safe="")),
            query=query,
            body=body,
            scopes=(SERVER.scope, self.budget.scope),
            is_list=self.lists,
        )


class Kind(msgspec.Struct, frozen=True):
    """A kind of record; both have the same endpoints.

    Attributes:
        name: what one is called in texts.
        path: of their list.
        key_field: our field that fills the identifier which no two of them share on a server.
    """

    name: str
    path: str
    key_field: str

    @property
    def list(self) -> Endpoint:
        return Endpoint("GET", self.path, lists=True)

    @property
    def create(self) -> Endpoint:
        return Endpoint("POST", self.path)

    @property
    def get(self) -> Endpoint:
        return Endpoint("GET", f"{self.path}/{{id}}")

    @property
    def update(self) -> Endpoint:
        return Endpoint("PUT", f"{self.path}/{{id}}")


DEVICES: Final = Kind("device", "/api/devices", "eld_serial_number")
DRIVERS: Final = Kind("driver", "/api/drivers", "employee_number")

KINDS: Final[Mapping[ResourceEnum, Kind]] = {
    ResourceEnum.VEHICLE: DEVICES,
    ResourceEnum.TRAILER: DEVICES,
    ResourceEnum.USER: DRIVERS,
}

LIST_POSITIONS: Final = Endpoint("GET", "/api/positions", lists=True)
LIST_COMMAND_TYPES: Final = Endpoint("GET", "/api/commands/types")
SEND_COMMAND: Final = Endpoint("POST", "/api/commands/send")

ENDPOINTS: Final = (
    *(endpoint for kind in (DEVICES, DRIVERS) for endpoint in (kind.list, kind.create, kind.get, kind.update)),
    LIST_POSITIONS,
    LIST_COMMAND_TYPES,
    SEND_COMMAND,
)
