"""Which events this system fires, and what each says. Documentation and schemas are drawn from here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from fleetwrite.contract.event_names import WebhookEventNameEnum as Name
from fleetwrite.contract.notifications import BaseConnectionEvent, BaseResourceOperationEvent, BaseWebhookEvent
from fleetwrite.webhooks.models import WILDCARD

SCHEMA_VERSION: Final = "1.0"
"""Of the envelope and of all event data; the first there is."""


class Fired(msgspec.Struct, frozen=True):
    """An event that happens here: when, and what an item of its `data` is."""

    words: str
    data: type[msgspec.Struct]


FIRED: Final[Mapping[Name, Fired]] = MappingProxyType(
    {
        Name.RESOURCE_OPERATION_CREATED: Fired("A write was accepted.", BaseResourceOperationEvent),
        Name.RESOURCE_OPERATION_SUCCEEDED: Fired(
            "A write reached its TSP; `resource_id` and `source_id` are set.", BaseResourceOperationEvent
        ),
        Name.RESOURCE_OPERATION_FAILED: Fired(
            "A write ended without being done, or nobody can know; `logs` say why.", BaseResourceOperationEvent
        ),
        Name.CONNECTION_STALED: Fired("A TSP refuses a connection's login.", BaseConnectionEvent),
        Name.WEBHOOK_CREATED: Fired("Another webhook of yours was created.", BaseWebhookEvent),
        Name.WEBHOOK_UPDATED: Fired("Another webhook's URL, filters or secret were changed.", BaseWebhookEvent),
        Name.WEBHOOK_DELETED: Fired("Another webhook of yours was deleted.", BaseWebhookEvent),
        Name.WEBHOOK_STALED: Fired("The receiver of another webhook of yours fails too often.", BaseWebhookEvent),
        Name.WEBHOOK_ACTIVATED: Fired("Another webhook is delivered to again.", BaseWebhookEvent),
        Name.WEBHOOK_PAUSED: Fired("Another webhook was paused, by you or by a 410.", BaseWebhookEvent),
    }
)

_HEAD: Final = """\
# Events

Made by `fleetwrite events` from the code; do not edit it. All names of the contract are accepted when subscribing;
those marked *never* are not fired by this system. What an item of `data` looks like, as an OpenAPI 3.0 document:
`GET /v2/notifications/schemas/{event_name}`.

| event | fired | item of `data` |
|---|---|---|
"""


def event_page() -> str:
    """The page that lists all names of the contract, as Markdown."""
    return _HEAD + "".join(_row(name) for name in Name if not name.endswith(WILDCARD))


def _row(name: Name) -> str:
    fired = FIRED.get(name)
    if fired is None:
        return f"| `{name}` | *never* | |\n"
    return f"| `{name}` | {fired.words} | `{fired.data.__name__}` |\n"
