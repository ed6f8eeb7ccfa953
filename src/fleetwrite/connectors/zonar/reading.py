"""What Zonar holds, in our terms. Its lists have no pages; assets come in two halves, the active and the inactive."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from fleetwrite.connectors.sdk.connector import (
    LoginRefusedError,
    ProviderAnswerError,
    RecordPage,
    Session,
    SourceRecord,
)
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.connectors.zonar.documents import Row, read_document, to_row
from fleetwrite.connectors.zonar.operations import SHOW_ASSETS, SHOW_OPERATORS
from fleetwrite.connectors.zonar.outcomes import NOT_FOUND, describe, is_login_refused, read_error
from fleetwrite.contract.enums import ResourceEnum, UserStatusEnum

TRAILER_TYPE: Final = "Trailer"
"""The label of the type that trailers have; whatever has another is a vehicle."""
VEHICLE_TYPE: Final = "Standard"

ACTIVE: Final = "1"
INACTIVE: Final = "2"
_STATUSES: Final[Mapping[str, str]] = {"active": ACTIVE, "inactive": INACTIVE, "revoked": INACTIVE}
"""How lists call what a write calls by its number."""

MARK: Final = "fw-"
"""How the `exsid` begins that we make up. With an operation's id behind it, it fits into the 40 characters."""

_OURS: Final = re.compile(rf"{MARK}[0-9a-f]{{32}}")

# The last version of each list: of operators the only one with the id and with the PIN, which an edit must repeat.
_ASSETS_VERSION: Final = "4"
_OPERATORS_VERSION: Final = "4"


async def read_list(session: Session, call: Call, root_name: str) -> list[Row]:
    """The rows of a list; none where Zonar says that there is no such thing.

    Raises:
        LoginRefusedError: Zonar does not accept customer, user or password.
        ProviderAnswerError: any other answer that is no such list.
    """
    answer = await session.call(call)
    if is_login_refused(answer):
        raise LoginRefusedError(describe(call, answer), answer)
    error = read_error(answer)
    if error is not None and error.code == NOT_FOUND:
        return []
    root = read_document(answer.body)
    if answer.status != 200 or root is None or root.tag != root_name:
        raise ProviderAnswerError(describe(call, answer), answer)
    rows = [to_row(element) for element in root]
    if not all(row.get("id") for row in rows):
        raise ProviderAnswerError(f"{describe(call, answer)} - the list does not show the ids.", answer)
    return rows


async def read_assets(session: Session, status: str, **key: str) -> list[Row]:
    """The assets that are active, or those that are not. Where an asset does not show it, the one we asked for."""
    rows = await read_list(session, SHOW_ASSETS.read(status=status, logvers=_ASSETS_VERSION, **key), "assetlist")
    known = ({**row, "status": _STATUSES.get(row.get("status", ""), status)} for row in rows)
    return [row for row in known if row["status"] == status]


async def find_asset(session: Session, reqtype: str, target: str, **key: str) -> Row | None:
    """The asset with this key, whether it is active or not; None: there is none."""
    for status in (ACTIVE, INACTIVE):
        rows = await read_assets(session, status, reqtype=reqtype, target=target, **key)
        held = "id" if reqtype == "dbid" else reqtype
        for row in rows:
            if row.get(held) == target:
                return row
    return None


async def read_operators(session: Session, **key: str) -> list[Row]:
    """The operators, the revoked ones too; with their PINs."""
    call = SHOW_OPERATORS.read(status="all", logvers=_OPERATORS_VERSION, **key)
    rows = await read_list(session, call, "oplist")
    return [{**row, "status": _STATUSES.get(row.get("status", ""), "")} for row in rows]


async def find_operator(session: Session, reqtype: str, target: str) -> Row | None:
    """The operator with this key; None: there is none."""
    rows = await read_operators(session, reqtype=reqtype, target=target)
    return next((row for row in rows if row.get(reqtype) == target), None)


async def find_operator_by_id(session: Session, source_id: str) -> Row | None:
    """The operator with this id, by which none can be asked for; None: there is none."""
    return next((row for row in await read_operators(session) if row.get("id") == source_id), None)


def without_pin(row: Row) -> dict[str, Any]:
    """A row that may be kept."""
    return {name: value for name, value in row.items() if name != "pin"}


async def list_assets(session: Session, resource: ResourceEnum, cursor: str | None) -> AsyncIterator[RecordPage]:
    """Vehicles or trailers: the active ones on the first page, the others on the second."""
    for status in (ACTIVE, INACTIVE)[0 if cursor is None else 1 :]:
        rows = [
            row
            for row in await read_assets(session, status)
            if (row.get("type") == TRAILER_TYPE) is (resource is ResourceEnum.TRAILER)
        ]
        is_last = status == INACTIVE
        yield _page(resource, rows, cursor=None if is_last else INACTIVE)


async def list_operators(session: Session) -> AsyncIterator[RecordPage]:
    """Every operator, on one page."""
    yield _page(ResourceEnum.USER, await read_operators(session), cursor=None)


def read_asset(resource: ResourceEnum, row: Row) -> dict[str, Any]:
    """A vehicle's or a trailer's attributes by the contract's names."""
    exsid = row.get("exsid", "")
    return {
        "trailer_name" if resource is ResourceEnum.TRAILER else "vehicle_name": row.get("fleet"),
        "oem": row.get("mfg"),
        "vin": row.get("vin"),
        "license_plate_number": row.get("name"),
        "is_active": row["status"] == ACTIVE,
        "external_id": None if _OURS.fullmatch(exsid) else exsid,
    }


def read_operator(row: Row) -> dict[str, Any]:
    """A driver's attributes by the contract's names."""
    is_active = row["status"] != INACTIVE
    return {
        "is_driver": True,
        "is_active": is_active,
        "status": (UserStatusEnum.ACTIVE if is_active else UserStatusEnum.INACTIVE).value,
        "first_name": row.get("fname"),
        "last_name": row.get("lname"),
        "license_number": row.get("cdl"),
        "employee_number": row.get("empnum"),
    }


def _page(resource: ResourceEnum, rows: Sequence[Row], *, cursor: str | None) -> RecordPage:
    records = [
        SourceRecord(
            resource=resource,
            source_id=row["id"],
            attributes=_shown(read_operator(row) if resource is ResourceEnum.USER else read_asset(resource, row)),
            source_data=without_pin(row),
        )
        for row in rows
    ]
    return RecordPage(records=records, cursor=cursor, is_last=cursor is None)


def _shown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value not in (None, "")}
