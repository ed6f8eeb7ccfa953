"""Drivers and trailers in Wialon's terms: items inside a resource, each written whole."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.connector import Session, WriteSession
from fleetwrite.connectors.sdk.mapping import Draft
from fleetwrite.connectors.sdk.outcome import Outcome, Rejected
from fleetwrite.connectors.sdk.write import Call, Translation, Write
from fleetwrite.connectors.wialon import settings
from fleetwrite.connectors.wialon.mapping import DRIVER, MARK, PROVIDER, TRAILER, as_texts
from fleetwrite.connectors.wialon.outcomes import gone, read_outcome
from fleetwrite.connectors.wialon.reading import BASE, DRIVERS, TRAILERS, Item, read_item, read_own_account
from fleetwrite.connectors.wialon.services import UPDATE_DRIVER, UPDATE_TRAILER, Service, params_of
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum
from fleetwrite.contract.errors import ErrorType


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two kinds of items.

    Attributes:
        name: what people call it.
        service: writes it.
        flag: shows it with its resource.
        key: where it is there.
        blank: what Wialon wants to be told of a new one, and we know nothing of.
        whole: what an update has to repeat, as it takes away what it is not told.
    """

    name: str
    service: Service
    flag: int
    key: str
    blank: Mapping[str, Any]
    whole: tuple[str, ...]


# The mobile key (`pwd`) of a new driver stays empty: an administrator chooses it who can tell it to the driver.
DRIVER_KIND: Final = Kind(
    name="driver",
    service=UPDATE_DRIVER,
    flag=DRIVERS,
    key="drvrs",
    blank={"n": "", "c": "", "ds": "", "p": "", "pwd": "", "f": 0, "jp": {}},
    whole=("n", "c", "ds", "p", "pwd", "f", "ck", "r", "ej", "jp"),
)
TRAILER_KIND: Final = Kind(
    name="trailer",
    service=UPDATE_TRAILER,
    flag=TRAILERS,
    key="trlrs",
    blank={"n": "", "c": "", "ds": "", "f": 0, "jp": {}},
    whole=("n", "c", "ds", "f", "ej", "jp"),
)

KINDS: Final[Mapping[ResourceEnum, Kind]] = {ResourceEnum.USER: DRIVER_KIND, ResourceEnum.TRAILER: TRAILER_KIND}


def translate_trailer(write: Write) -> Translation:
    """A trailer."""
    draft = Draft(write, TRAILER, provider=PROVIDER)
    draft.fill()
    return _translate(draft, TRAILER_KIND)


def translate_user(write: Write) -> Translation:
    """A driver. Office users are logins to Wialon, and not ours to make."""
    draft = Draft(write, DRIVER, provider=PROVIDER)
    draft.fill()
    known = None if write.target is None else write.target.attributes.get("is_driver")
    if draft.given("is_driver") is False or known is False:
        draft.fault(
            "is_driver",
            ErrorType.WRONG_KIND,
            "Of Wialon's users only drivers are written here: office users are made and changed in Wialon.",
        )
    _put_name(draft)
    for field, says_active in (("is_active", True), ("status", UserStatusEnum.ACTIVE)):
        if draft.given(field) not in (None, says_active):
            draft.lose(field, "A driver of Wialon can not be deactivated.", essential=True)
    return _translate(draft, DRIVER_KIND)


async def carry_out(write: Write, call: Call, session: WriteSession) -> Outcome:
    """Write a driver or trailer; see `Connector.carry_out`. What an update does not mention is read and sent back."""
    kind = KINDS[write.resource]
    sent = params_of(call)
    if write.target is not None:
        held = await read_member(session, kind, write.target.source_id)
        if held is None:
            return gone(call, f"{kind.name} {write.target.source_id}")
        kept = {name: held[name] for name in kind.whole if name in held}
        whole = {**kind.blank, **kept, **sent, "jp": {**(held.get("jp") or {}), **sent["jp"]}}
        call = kind.service.call(whole)
    elif "itemId" not in sent:
        account = await read_own_account(session)
        if account is None:
            return Rejected(
                details="The token's user may not see the resource of its own account. Set resource_id in the settings "
                f"of the connection to the resource that new {kind.name}s go to."
            )
        call = kind.service.call({"itemId": account["id"], **sent})
    return read_outcome(write, call, await session.call(call))


async def read_member(session: Session, kind: Kind, source_id: str) -> Item | None:
    """A driver or trailer by our id of it; None if Wialon shows none.

    Raises:
        ProviderAnswerError: Wialon did not answer the question.
    """
    resource_id, item_id = split_id(source_id)
    resource = await read_item(session, resource_id, BASE | kind.flag)
    return find_member(resource, kind, item_id)


def find_member(resource: Item | None, kind: Kind, item_id: int) -> Item | None:
    """The driver or trailer with this number in a resource; None if it has none."""
    members = ((resource or {}).get(kind.key) or {}).values()
    return next((member for member in members if member["id"] == item_id), None)


def split_id(source_id: str) -> tuple[int, int]:
    """The resource and the number in it, out of the id of a driver or trailer."""
    resource_id, _, item_id = source_id.partition(":")
    return int(resource_id), int(item_id)


def _translate(draft: Draft, kind: Kind) -> Translation:
    return _update(draft, kind) if draft.is_update else _create(draft, kind)


def _create(draft: Draft, kind: Kind) -> Translation:
    draft.put(f"jp.{MARK}", draft.write.operation_id.hex)
    resource_id = settings.read_number(draft, settings.RESOURCE)
    losses = draft.settle()
    params = {"id": 0, "callMode": "create", **kind.blank, **_fields(draft)}
    if resource_id is not None:
        params["itemId"] = resource_id
    return Translation(call=kind.service.call(params), losses=losses)


def _update(draft: Draft, kind: Kind) -> Translation:
    draft.require_change()
    losses = draft.settle()
    resource_id, item_id = split_id(draft.write.require_target().source_id)
    params = {"itemId": resource_id, "id": item_id, "callMode": "update", **_fields(draft)}
    return Translation(call=kind.service.call(params), losses=losses)


def _fields(draft: Draft) -> dict[str, Any]:
    return {**draft.body, "jp": as_texts(draft.body.get("jp", {}))}


def _put_name(draft: Draft) -> None:
    """Join the two names. An update must bring both: which word of the name at Wialon was whose is not known."""
    fields = ("first_name", "last_name")
    parts = {
        field: "" if draft.is_cleared(field) else draft.given(field)
        for field in fields
        if draft.is_cleared(field) or draft.given(field) is not None
    }
    if draft.is_update and not parts:
        return
    if draft.is_update and len(parts) == 1:
        missing = next(field for field in fields if field not in parts)
        draft.fault(
            missing,
            ErrorType.REQUIRED_BY_TSP,
            "Wialon keeps one name for both: send first_name and last_name together, an empty text for a name that is "
            "not there.",
        )
        return
    name = " ".join(part for part in (parts.get(field) for field in fields) if part)
    if not name:
        draft.fault("first_name", ErrorType.REQUIRED_BY_TSP, "Wialon takes no driver without a name.")
    draft.put("n", name)
