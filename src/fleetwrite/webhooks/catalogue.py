"""Which events this system fires, and what each says. Documentation and schemas are drawn from here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.event_names import WebhookEventNameEnum as Name
from fleetwrite.contract.notifications import (
    BaseConnectionEvent,
    BaseExecutionEvent,
    BaseFleetConnectionEvent,
    BaseResourceOperationEvent,
    BaseScheduleEvent,
    BaseTelematicsEvent,
    BaseWebhookEvent,
)
from fleetwrite.contract.org_events import BaseInvitationEvent, BaseShareAgreementEvent
from fleetwrite.contract.telematics_reads import (
    DvirLogRead,
    FuelTransactionRead,
    GroupMessageRead,
    MessageRead,
    TrailerRead,
    UserRead,
    VehicleRead,
)
from fleetwrite.webhooks.models import WILDCARD

SCHEMA_VERSION: Final = "1.0"
"""Of the envelope and of all event data; the first there is."""


class Fired(msgspec.Struct, frozen=True):
    """An event that happens here: when, and what an item of its `data` is."""

    words: str
    data: type[msgspec.Struct]


_RECORDS: Final[Mapping[ResourceEnum, type[msgspec.Struct]]] = MappingProxyType(
    {
        ResourceEnum.VEHICLE: VehicleRead,
        ResourceEnum.TRAILER: TrailerRead,
        ResourceEnum.USER: UserRead,
        ResourceEnum.MESSAGE: MessageRead,
        ResourceEnum.GROUP_MESSAGE: GroupMessageRead,
        ResourceEnum.DVIR_LOG: DvirLogRead,
        ResourceEnum.FUEL_TRANSACTION: FuelTransactionRead,
    }
)


def _record_events() -> dict[Name, Fired]:
    """Those of records, as far as the contract has names for them."""
    events: dict[Name, Fired] = {}
    for resource, shape in _RECORDS.items():
        for verb, fired in (
            ("added", Fired("A list or a write told of a record that was not known.", shape)),
            ("modified", Fired("A list or a write told something new of a record.", shape)),
            ("removed", Fired("The TSP does not have a record any more.", BaseTelematicsEvent)),
        ):
            if (name := f"{resource}.{verb}") in set(Name):
                events[Name(name)] = fired
    return events


RECORD_EVENTS: Final[Mapping[Name, Fired]] = MappingProxyType(_record_events())
"""Written only for partners who want to hear of them: `fleetwrite.records.keeping`."""

FIRED: Final[Mapping[Name, Fired]] = MappingProxyType(
    {
        Name.RESOURCE_OPERATION_CREATED: Fired("A write was accepted.", BaseResourceOperationEvent),
        Name.RESOURCE_OPERATION_SUCCEEDED: Fired(
            "A write reached its TSP; `resource_id` and `source_id` are set.", BaseResourceOperationEvent
        ),
        Name.RESOURCE_OPERATION_FAILED: Fired(
            "A write ended without being done, or nobody can know; `logs` say why.", BaseResourceOperationEvent
        ),
        Name.INVITATION_CREATED: Fired("You invited a fleet.", BaseInvitationEvent),
        Name.INVITATION_VIEWED: Fired("Somebody opened an invitation's link, for the first time.", BaseInvitationEvent),
        Name.INVITATION_ACCEPTED: Fired("A fleet said yes.", BaseInvitationEvent),
        Name.INVITATION_DECLINED: Fired("A fleet said no; `decline_reason` may say why.", BaseInvitationEvent),
        Name.INVITATION_REJECTED: Fired("The same, under its old name.", BaseInvitationEvent),
        Name.INVITATION_EXPIRED: Fired("Nobody answered an invitation in time.", BaseInvitationEvent),
        Name.INVITATION_DELETED: Fired("You took an invitation back.", BaseInvitationEvent),
        Name.SHARE_AGREEMENT_CREATED: Fired(
            "A fleet shares with you; `scopes` say what, at which level.", BaseShareAgreementEvent
        ),
        Name.SHARE_AGREEMENT_UPDATED: Fired(
            "An agreement was changed, paused, activated or cancelled, or expired.", BaseShareAgreementEvent
        ),
        Name.SHARE_AGREEMENT_DELETED: Fired("An agreement was deleted.", BaseShareAgreementEvent),
        Name.CONNECTION_CREATED: Fired("A fleet was connected to a TSP.", BaseConnectionEvent),
        Name.FLEET_CONNECTION_CREATED: Fired("The same, as the link of the two.", BaseFleetConnectionEvent),
        Name.CONNECTION_STALED: Fired("A TSP refuses a connection's login.", BaseConnectionEvent),
        Name.EXECUTION_FAILED: Fired("A schedule could not read a TSP's list.", BaseExecutionEvent),
        Name.SCHEDULE_DEACTIVATED: Fired("A schedule failed too often, and pulls no more.", BaseScheduleEvent),
        **RECORD_EVENTS,
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
