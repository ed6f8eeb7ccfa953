"""What the suite's checks are run for: read from the manifest, the mapping and the examples."""

import dataclasses
from typing import Any

from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.manifest import Offer
from fleetwrite.connectors.sdk.mapping import NoPlace, UnitOf
from fleetwrite.connectors.sdk.outcome import (
    AuthFailed,
    Forbidden,
    Outcome,
    Rejected,
    Throttled,
    Transient,
    Uncertain,
)
from fleetwrite.connectors.sdk.outcome_table import Meaning, Row
from fleetwrite.connectors.sdk.suite.exhibit import Exhibit
from fleetwrite.connectors.sdk.suite.samples import required_fields
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES

CREATE, UPDATE = ResourceOperationTypeEnum.CREATE, ResourceOperationTypeEnum.UPDATE

OUTCOMES: dict[Meaning, type[Outcome]] = {
    Meaning.REJECTED: Rejected,
    Meaning.FORBIDDEN: Forbidden,
    Meaning.NO_LOGIN: AuthFailed,
    Meaning.THROTTLED: Throttled,
    Meaning.TRANSIENT: Transient,
    Meaning.UNCERTAIN: Uncertain,
}
"""What an outcome is of which a table says this."""

HELD = frozenset({ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER})
"""Resources whose records can be read back."""


@dataclasses.dataclass(frozen=True)
class Told:
    """A row of the outcome table: what the provider answers, and what that must mean."""

    name: str
    row: Row
    status: int
    body: Any = None


def told(exhibit: Exhibit) -> list[Told]:
    """The rows of the outcome table, with answers that stand for them."""
    table = exhibit.outcomes
    rows = [Told(str(status), row, status) for status, row in table.by_status.items()]
    # 418 and 599 stand for the statuses that nobody thought of.
    rows += [
        Told(f"{digit}xx", table.by_class[digit], status)
        for digit, status in ((3, 302), (4, 418), (5, 599))
        if digit in table.by_class
    ]
    if exhibit.error_answer is not None:
        for code, row in table.by_code.items():
            answer = exhibit.error_answer(code)
            rows.append(Told(f"code {code}", row, answer.status, answer.body))
    return rows


def unoffered(exhibit: Exhibit) -> list[tuple[ResourceEnum, ResourceOperationTypeEnum]]:
    """The kinds of write that the provider does not take."""
    offers = {(o.resource, o.operation_type) for o in exhibit.connector.manifest.offers if not o.is_fanned_out}
    return [one for one in WRITE_BODIES if one not in offers]


def offer_of(exhibit: Exhibit, example: Example) -> Offer:
    """The offer that an example makes use of."""
    manifest = exhibit.connector.manifest
    offer = manifest.offer_of(example.resource, example.operation_type, example.kind)
    assert offer is not None, f"nothing is offered for {example.key}"
    return offer


def demanded(exhibit: Exhibit) -> list[tuple[Example, str]]:
    """The full examples of creates, each with one field that only this provider asks for."""
    return [
        (example, field)
        for example in exhibit.of(CREATE, "full")
        for field in demanded_fields(offer_of(exhibit, example), example)
    ]


def demanded_fields(offer: Offer, example: Example) -> list[str]:
    """The fields of an example that this provider asks for beyond the contract."""
    required = required_fields(WRITE_BODIES[example.resource, example.operation_type])
    return [
        field
        for field, rule in offer.table.items()
        if not isinstance(rule, NoPlace | UnitOf) and rule.required and field in example.body and field not in required
    ]


def placeless(exhibit: Exhibit) -> list[tuple[Example, str]]:
    """The full examples of creates, each with one field that the provider has no place for."""
    return [
        (example, field)
        for example in exhibit.of(CREATE, "full")
        for field, rule in offer_of(exhibit, example).table.items()
        if isinstance(rule, NoPlace) and not field.endswith("_id") and not field.endswith("_unit")
    ]


def written(exhibit: Exhibit) -> list[Example]:
    """The examples as they are written to a real account: what others refer to comes first, and updates last."""
    return sorted(exhibit.examples, key=lambda one: (one.operation_type is UPDATE, one.resource not in HELD))
