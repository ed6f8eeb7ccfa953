"""Whether a write whose answer was lost is at Zonar.

A create is told by our operation's id in `exsid`; where the partner's own external id is there instead, nothing at
Zonar shows whose the record is. An update is read back.
"""

from collections.abc import Mapping
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.outcome import Absent, Conflict, Finding, Found, Lookalike, Unknowable
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.connectors.zonar.documents import Row
from fleetwrite.connectors.zonar.operations import ADDRESSING
from fleetwrite.connectors.zonar.reading import MARK, find_asset, find_operator, find_operator_by_id, without_pin
from fleetwrite.contract.enums import ResourceEnum

_MESSAGES: Final = "Zonar documents no way to read which messages were sent."

_ASSET_KEYS: Final[Mapping[str, str]] = {"exsid": "external_id", "fleet": "fleet number", "vin": "vin"}
_OPERATOR_KEYS: Final[Mapping[str, str]] = {
    "exsid": "external id",
    "empnum": "employee_number",
    "cdl": "license_number",
}
"""What no two may share, and what people call it; by each of these one can be asked for."""


async def look_up(write: Write, call: Call, session: Session) -> Finding:
    """Whether `write` is at Zonar; see `Connector.look_up`.

    Raises:
        ProviderAnswerError: Zonar did not answer the question.
    """
    if write.resource is ResourceEnum.MESSAGE:
        return Unknowable(reason=_MESSAGES)
    if write.target is None:
        return await find_created(write, call, session)
    source_id = write.target.source_id
    is_operator = write.resource is ResourceEnum.USER
    row = await (find_operator_by_id(session, source_id) if is_operator else find_asset(session, "dbid", source_id))
    if row is None or not _holds(row, call.body or {}):
        return Absent()
    return Found(source_id=source_id, source_data=without_pin(row))


def mark(write: Write) -> str:
    """The `exsid` that tells what `write` created from a stranger's."""
    return f"{MARK}{write.operation_id.hex}"


async def find_created(write: Write, call: Call, session: Session) -> Finding:
    """What `write` created; else who has one of the keys that it needs."""
    sent = call.body or {}
    is_operator = write.resource is ResourceEnum.USER
    for reqtype, name in (_OPERATOR_KEYS if is_operator else _ASSET_KEYS).items():
        target = sent.get(reqtype)
        if target is None:
            continue
        if is_operator:
            row = await find_operator(session, reqtype, target)
        else:
            # A fleet number alone means nothing to Zonar.
            row = await find_asset(session, reqtype, target, **({"type": sent["type"]} if reqtype == "fleet" else {}))
        if row is not None:
            return _judge(write, sent, row, f"{name} {target}")
    return Absent()


def _judge(write: Write, sent: Mapping[str, Any], row: Row, key: str) -> Finding:
    source_id = row["id"]
    if row.get("exsid") == mark(write):
        return Found(source_id=source_id, source_data=without_pin(row))
    return (Lookalike if _holds(row, sent) else Conflict)(source_id=source_id, key=key)


def _holds(row: Row, sent: Mapping[str, Any]) -> bool:
    """Whether everything `sent` is in a row."""
    return all(row.get(name, "") == value for name, value in sent.items() if name not in ADDRESSING)
