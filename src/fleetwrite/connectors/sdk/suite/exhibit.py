"""What a connector's test file says of its connector, for the suite to check."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.outcome_table import OutcomeTable
from fleetwrite.connectors.sdk.simulator.server import Simulator
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the simulator's log shows it.

    Attributes:
        method, path, operation, query, body: see `connectors.sdk.simulator.server`.
        is_read: it changes nothing; the first that is none makes the thing.
    """

    method: str
    path: str
    operation: str | None = None
    query: Mapping[str, Any] = {}
    body: Any = None
    is_read: bool = False


class ErrorAnswer(msgspec.Struct, frozen=True):
    """How the provider tells an error code: the HTTP status, and the body."""

    status: int
    body: Any


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """A connector, its simulator, and what is expected of them.

    Attributes:
        connector: what is tested.
        simulator: makes one on data in a folder, with `demo_accounts`.
        examples: the connector's.
        sent: example key -> the calls that the provider must get, in order, without those that log in.
        outcomes: the connector's table.
        error_answer: for tables with `by_code`: how the provider tells a code.
        collections: where the simulator keeps what a write of a resource makes (`Simulator.records`).
        makes: example key -> how many records it makes there, where it is not one.
        paged: resources whose lists have several pages in the simulator that `large` makes.
        large: makes a simulator with more records than fit on a page.
        unreadable: fields that the provider takes and does not show again, with the reason for each; `trailer.vin`
            where that holds for one resource only.
        settings: of the connection, beside those of the demo account.
    """

    connector: Connector
    simulator: Callable[[Path], Simulator]
    examples: tuple[Example, ...]
    sent: Mapping[str, Callable[[Write], Sequence[Sent]]]
    outcomes: OutcomeTable
    error_answer: Callable[[str | int], ErrorAnswer] | None = None
    collections: Mapping[ResourceEnum, tuple[str, ...]]
    makes: Mapping[str, int] = {}
    paged: tuple[ResourceEnum, ...] = ()
    large: Callable[[Path], Simulator] | None = None
    unreadable: Mapping[str, str] = {}
    settings: Mapping[str, str] = {}

    def of(self, operation_type: str, *names: str) -> list[Example]:
        """The examples of creates or of updates; of these names only, where any are given."""
        return [
            example
            for example in self.examples
            if example.operation_type == operation_type and (not names or example.name in names)
        ]
