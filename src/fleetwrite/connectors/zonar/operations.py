"""The operations of Zonar's interface that we call. All share one path, and every call is a form."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.manifest import Budget
from fleetwrite.connectors.sdk.write import Call

PATH: Final = "/interface.php"

ACCOUNT: Final = Budget(scope="account", requests=60, per_seconds=60, shared=True)
"""Zonar publishes no limit. One call a second is what no operator of a web server could mind."""

ADDRESSING: Final = frozenset({"action", "operation", "version", "logvers"})
"""Parameters that say what is to be done, not what a record becomes."""


class Operation(msgspec.Struct, frozen=True):
    """What Zonar calls an action and an operation of it."""

    action: str
    name: str

    @property
    def full_name(self) -> str:
        """Both words; also the name of the budget of such calls alone."""
        return f"{self.action} {self.name}"

    def read(self, **parameters: str) -> Call:
        """A list, which changes nothing. It has no pages."""
        return self._call(parameters, reads=True)

    def write(self, parameters: Mapping[str, Any]) -> Call:
        """A call that may change something."""
        return self._call(parameters, reads=False)

    def _call(self, parameters: Mapping[str, Any], *, reads: bool) -> Call:
        # Version 2 is the one that has all of these operations.
        return Call(
            method="POST",
            path=PATH,
            body={"action": self.action, "operation": self.name, "version": "2", **parameters},
            scopes=(ACCOUNT.scope, self.full_name),
            reads=reads,
            is_list=reads,
        )


ADD_ASSET: Final = Operation("adminassets", "add")
EDIT_ASSET: Final = Operation("adminassets", "edit")
ADD_OPERATOR: Final = Operation("adminoperators", "add")
EDIT_OPERATOR: Final = Operation("adminoperators", "edit")
EDIT_OPERATOR_STATUS: Final = Operation("adminoperators", "editstatus")
SEND_MESSAGE: Final = Operation("twentytwenty", "sendmessage")
SHOW_ASSETS: Final = Operation("showopen", "showassets")
SHOW_OPERATORS: Final = Operation("showopen", "showoperators")
SHOW_ASSET_TYPES: Final = Operation("showopen", "assettype")

OPERATIONS: Final = (
    ADD_ASSET,
    EDIT_ASSET,
    ADD_OPERATOR,
    EDIT_OPERATOR,
    EDIT_OPERATOR_STATUS,
    SEND_MESSAGE,
    SHOW_ASSETS,
    SHOW_OPERATORS,
    SHOW_ASSET_TYPES,
)
