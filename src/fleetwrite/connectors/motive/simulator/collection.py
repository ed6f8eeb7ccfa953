"""What vehicles, assets and users have in common: their endpoints, external ids, uniqueness, pages."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from fleetwrite.connectors.sdk.simulator import Answer, Call, Query, Record, RefusalError, Storage

USUAL_PAGE, LARGEST_PAGE = 25, 100

_EXTERNAL_ID: Final = "external id"

T = TypeVar("T")


def read_body(call: Call, kind: type[T]) -> dict[str, Any]:
    """Return the call's body, checked; fields that were not sent are left out.

    Raises:
        RefusalError: 400, for the first fault.
    """
    try:
        body: dict[str, Any] = msgspec.to_builtins(msgspec.json.decode(call.body, type=kind))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusalError(400, f"Invalid parameters: {error}") from error
    return body


def timestamp(at: float) -> str:
    """Write a time as the provider does: UTC, whole seconds, Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def page_of(call: Call, name: str, plural: str, records: Iterable[Record]) -> Answer:
    """Return the page that a call asks for, each record in its envelope."""
    per_page = min(_number(call.query, "per_page", USUAL_PAGE), LARGEST_PAGE)
    page_no = _number(call.query, "page_no", 1)
    found = list(records)
    shown = found[(page_no - 1) * per_page : page_no * per_page]
    pagination = {"per_page": per_page, "page_no": page_no, "total": len(found)}
    return Answer(200, {plural: [{name: record} for record in shown], "pagination": pagination})


def parameter(query: Query, name: str) -> str:
    """Return a query parameter that has to be there.

    Raises:
        RefusalError: 400, it is not.
    """
    value = query.get(name)
    if not value:
        raise RefusalError(400, f"{name} is missing.")
    return value


class Collection:
    """One kind of record of all companies, and its endpoints."""

    name: str
    plural: str
    first_id: int
    create_body: type[msgspec.Struct]
    update_body: type[msgspec.Struct]
    unique: tuple[str, ...]
    """Fields of which no two records of a company have the same, whatever the case of letters."""
    lookups: tuple[str, ...] = ()
    """Those of them that the lookup endpoint takes."""
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, storage: Storage) -> None:
        """Work on ``storage``."""
        self._storage = storage

    def check(self, record: Record) -> None:
        """Raise a RefusalError (400) where fields do not go together."""

    def show(self, record: Record) -> Record:
        """Return a record as the provider shows it."""
        return record

    def select(self, query: Query) -> Callable[[Record], bool] | None:
        """Return which records a list call asks for; None: all."""
        del query
        return None

    def seed(self, company: str, body: dict[str, Any], at: float) -> Record:
        """Store a new record from a body as the create call takes it."""
        checked = msgspec.to_builtins(msgspec.convert(body, self.create_body))
        key = self._storage.next_number(f"next id of {self.plural}", self.first_id)
        created = {"id": key, "company_id": int(company), "status": "active", "external_ids": [], **self.defaults}
        return self._store(company, {}, {**created, "created_at": timestamp(at)}, checked, at)

    def create(self, call: Call) -> Answer:
        """``POST``."""
        body = read_body(call, self.create_body)
        return self._answer(201, self.seed(call.caller.organization, body, call.at))

    def update(self, call: Call) -> Answer:
        """``PUT`` of some fields."""
        old = self._find(call)
        body = read_body(call, self.update_body)
        return self._answer(200, self._store(call.caller.organization, old, old, body, call.at))

    def get(self, call: Call) -> Answer:
        """``GET`` of one."""
        return self._answer(200, self._find(call))

    def list_page(self, call: Call) -> Answer:
        """``GET`` of a page, oldest first."""
        records = self._storage.collection(call.caller.organization, self.plural).values()
        wanted = self.select(call.query)
        return page_of(call, self.name, self.plural, map(self.show, filter(wanted, records) if wanted else records))

    def look_up(self, call: Call) -> Answer:
        """``GET .../lookup`` by exactly one of the keys."""
        given = [name for name in self.lookups if call.query.get(name)]
        if len(given) != 1:
            raise RefusalError(400, f"Specify exactly one of {', '.join(self.lookups)}.")
        return self._holder(call, given[0], str(call.query.get(given[0])))

    def look_up_by_external_id(self, call: Call) -> Answer:
        """``GET .../lookup_by_external_id``."""
        pair = parameter(call.query, "integration_name"), parameter(call.query, "external_id")
        return self._holder(call, _EXTERNAL_ID, _joined(*pair))

    def require(self, company: str, key: int, name: str) -> Record:
        """Return the record that field ``name`` of another body means, or refuse (400)."""
        record = self._storage.collection(company, self.plural).get(str(key))
        if record is None:
            raise RefusalError(400, f"{name}: there is no {self.name} {key}.")
        return record

    def records(self, company: str) -> list[Record]:
        """Return all records of a company as they are shown."""
        return [self.show(record) for record in self._storage.collection(company, self.plural).values()]

    def _answer(self, status: int, record: Record) -> Answer:
        return Answer(status, {self.name: self.show(record)})

    def _find(self, call: Call) -> Record:
        record = self._storage.collection(call.caller.organization, self.plural).get(call.path_ids["id"])
        if record is None:
            raise RefusalError(404, f"{self.name} not found")
        return record

    def _holder(self, call: Call, kind: str, value: str) -> Answer:
        held = self._storage.collection(call.caller.organization, f"unique {kind}").get(value.casefold(), {})
        if held.get("in") != self.plural:
            raise RefusalError(404, f"{self.name} not found")
        company = self._storage.collection(call.caller.organization, self.plural)
        return self._answer(200, company[str(held["id"])])

    def _store(self, company: str, old: Record, base: Record, body: dict[str, Any], at: float) -> Record:
        body.pop("password", None)
        wanted = body.pop("external_ids_attributes", [])
        record = {**base, **body, "updated_at": timestamp(at)}
        if "availability_details" in body:
            record["availability_details"] = {**base["availability_details"], **body["availability_details"]}
        self.check(record)
        for name in self.unique:
            self._hold(company, name, old.get(name), record.get(name), record["id"])
        record["external_ids"] = self._external_ids(company, record, wanted)
        self._storage.put(company, self.plural, str(record["id"]), record)
        return record

    def _external_ids(self, company: str, record: Record, wanted: list[dict[str, Any]]) -> list[Record]:
        """Replace those that are named by their own id; the others come on top."""
        held = {one["id"]: one for one in record["external_ids"]}
        for one in wanted:
            key = one.get("id")
            if key is not None and key not in held:
                raise RefusalError(400, f"external_ids: there is no {key}.")
            before = None if key is None else _joined(held[key]["integration_name"], held[key]["external_id"])
            after = _joined(one["integration_name"], one["external_id"])
            self._hold(company, _EXTERNAL_ID, before, after, record["id"])
            new = self._storage.next_number("next id of external ids", 809001) if key is None else key
            held[new] = {"id": new, "external_id": one["external_id"], "integration_name": one["integration_name"]}
        return list(held.values())

    def _hold(self, company: str, kind: str, old: str | None, new: str | None, key: int) -> None:
        """Give up ``old`` and take ``new`` for a record.

        Raises:
            RefusalError: 400, another one has it.
        """
        before, after = (None if value is None else value.casefold() for value in (old, new))
        if before == after:
            return
        index = f"unique {kind}"
        if after is not None:
            if after in self._storage.collection(company, index):
                raise RefusalError(400, f"{kind} has already been taken")
            self._storage.put(company, index, after, {"in": self.plural, "id": key})
        if before is not None:
            self._storage.delete(company, index, before)


def _joined(integration_name: str, external_id: str) -> str:
    return f"{integration_name}\n{external_id}"


def _number(query: Query, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise RefusalError(400, f"{name} must be a number above 0.")
    return int(text)
