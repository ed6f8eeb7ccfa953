"""What all endpoints share: ids, uniqueness, external ids as path ids, tags, time, pages."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from fleetwrite.connectors.samsara.simulator.fields import external_value
from fleetwrite.connectors.sdk.simulator import Call, Query, Record, RefusalError, Storage

PAGE = 512
ASSETS_PAGE = 300
DVIRS_PAGE = 200

# First ids. Assets of any type share one id space, in the range of ids seen in the provider's examples (2 to
# the 48th and above); a driver's id is shorter; DVIRs, users and tags have shorter ones still.
FIRST_IDS = {"assets": 281474976720001, "drivers": 1654001, "users": 21001, "tags": 3901, "dvirs": 1240001}


class Directory:
    """Ids and their owners in the storage of one simulator."""

    def __init__(self, storage: Storage) -> None:
        """Work on ``storage``."""
        self.storage = storage

    def new_id(self, collection: str) -> str:
        """Return a new id, unique over all organisations."""
        return str(self.storage.next_number(f"next id of {collection}", FIRST_IDS[collection]))

    def find(self, organization: str, collection: str, path_id: str) -> Record:
        """Return the record of an id, or of an external id written ``key:value``.

        Raises:
            RefusalError: 404, there is none.
        """
        key = path_id
        if ":" in path_id:
            name, _, value = path_id.partition(":")
            key = self._external_owner(organization, collection, name, value)
        record = self.storage.collection(organization, collection).get(key)
        if record is None:
            raise RefusalError(404, f"No object with id {path_id}.")
        return record

    def _external_owner(self, organization: str, collection: str, name: str, value: str) -> str:
        if name == "samsara.vin" and collection == "assets":
            assets = self.storage.collection(organization, "assets").values()
            return next((asset["id"] for asset in assets if asset.get("vin") == value), "")
        owner = self.storage.collection(organization, _unique("external id")).get(f"{name}:{value}", {})
        return str(owner["id"]) if owner.get("collection") == collection else ""

    def require(self, organization: str, collection: str, name: str, key: str | None) -> None:
        """Refuse (400) a body field ``name`` whose id belongs to no record."""
        if key is not None and key not in self.storage.collection(organization, collection):
            raise RefusalError(400, f"Invalid value for field '{name}': no object with id {key}.")

    def require_tags(self, organization: str, body: Mapping[str, Any]) -> None:
        """Refuse (400) ids of tags that do not exist."""
        for key in body.get("tagIds") or ():
            self.require(organization, "tags", "tagIds", key)

    def tags(self, organization: str, ids: Iterable[str]) -> list[Record]:
        """Return tags in the short form that other objects carry."""
        tags = self.storage.collection(organization, "tags")
        return [tags[key] for key in ids]

    def check_unique(self, call_org: str, kind: str, value: str | None, owner: str | None) -> None:
        """Refuse (400) a value that another object holds."""
        if value is None:
            return
        holder = self.storage.collection(call_org, _unique(kind)).get(value)
        if holder is not None and holder["id"] != owner:
            raise RefusalError(400, f"The {kind} '{value}' is already in use.")

    def check_external_ids(self, organization: str, ids: Mapping[str, str | None], owner: str | None) -> None:
        """Refuse (400) external ids that an object of any class holds."""
        for key, value in ids.items():
            if value is not None:
                self.check_unique(organization, "external id", f"{key}:{value}", owner)

    def hold(self, organization: str, kind: str, old: str | None, new: str | None, owner: tuple[str, str]) -> None:
        """Give up ``old`` and take ``new`` for the record ``owner`` (collection and id)."""
        if old == new:
            return
        if old is not None:
            self.storage.delete(organization, _unique(kind), old)
        if new is not None:
            collection, key = owner
            self.storage.put(organization, _unique(kind), new, {"collection": collection, "id": key})

    def hold_external_ids(
        self, organization: str, old: Mapping[str, str], new: Mapping[str, str], owner: tuple[str, str]
    ) -> None:
        """Do ``hold`` for every external id of a record."""
        for key in sorted({*old, *new}):
            pair = [None if ids.get(key) is None else f"{key}:{ids[key]}" for ids in (old, new)]
            self.hold(organization, "external id", pair[0], pair[1], owner)


def _unique(kind: str) -> str:
    return f"unique {kind}"


def new_external_ids(body: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the external ids of a body as the provider keeps them; None where one is taken away."""
    return {key: external_value(value) for key, value in (body.get("externalIds") or {}).items()}


def merged(record: Record, body: Mapping[str, Any], at: float) -> Record:
    """Return a record with a body's fields: null takes a field away, external ids are merged, lists are
    replaced.
    """
    result = {**record, **body, "updatedAtTime": timestamp(at)}
    external = {**record.get("externalIds", {}), **new_external_ids(body)}
    result["externalIds"] = {key: value for key, value in external.items() if value is not None}
    return {key: value for key, value in result.items() if value not in (None, {})}


def timestamp(at: float) -> str:
    """Write a time as the provider does: UTC, milliseconds, Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def values(query: Query, name: str) -> set[str]:
    """Return the values of a parameter, which may be repeated, separated by commas, or both."""
    return {value for text in query.getall(name, ()) for value in text.split(",") if value}


def after_time(query: Query, name: str) -> datetime | None:
    """Return a time parameter.

    Raises:
        RefusalError: 400, it is none.
    """
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RefusalError(400, f"Invalid value for parameter '{name}': must be an RFC 3339 date-time.")
    return moment


def listing(directory: Directory, call: Call, records: Iterable[Record]) -> Iterable[Record]:
    """Filter a list as all list calls can be: by tags, by tags with their descendants, by times.

    Raises:
        RefusalError: 400, a bad parameter; 501, a documented filter that this simulator does not have.
    """
    for name in ("attributeValueIds", "attributes"):
        if call.query.get(name) is not None:
            raise RefusalError(501, f"This simulator does not filter by {name}.")
    wanted = values(call.query, "tagIds")
    parents = values(call.query, "parentTagIds")
    tags = directory.storage.collection(call.caller.organization, "tags")
    family = {key for key in tags if _has_ancestor(tags, key, parents)}
    times = [
        (field, moment)
        for field, name in (("updatedAtTime", "updatedAfterTime"), ("createdAtTime", "createdAfterTime"))
        if (moment := after_time(call.query, name)) is not None
    ]
    return (
        record
        for record in records
        if (not wanted or wanted & set(record.get("tagIds", ())))
        and (not parents or family & set(record.get("tagIds", ())))
        and all(datetime.fromisoformat(record[field]) >= moment for field, moment in times)
    )


def _has_ancestor(tags: Mapping[str, Record], key: str | None, ancestors: set[str]) -> bool:
    while key is not None:
        if key in ancestors:
            return True
        key = tags[key].get("parentTagId")
    return False


def page(
    call: Call,
    collection: Mapping[str, Record],
    select: Callable[[Iterable[Record]], Iterable[Record]],
    project: Callable[[Record], Record],
    size: int = PAGE,
) -> dict[str, Any]:
    """Return one page of the selected records, oldest first, and where the next one begins."""
    ids = list(collection)
    start = _start(call, ids)
    found = list(islice(select(collection[key] for key in ids[start:]), _limit(call, size) + 1))
    more = len(found) > _limit(call, size)
    data = found[: _limit(call, size)]
    return {
        "data": [project(record) for record in data],
        "pagination": {"endCursor": cursor(data[-1]["id"]) if more else "", "hasNextPage": more},
    }


def cursor(key: str) -> str:
    """Return the opaque cursor of the page that follows a record."""
    return base64.urlsafe_b64encode(f"after:{key}".encode()).decode()


def _limit(call: Call, size: int) -> int:
    text = call.query.get("limit")
    if text is None:
        return size
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= size):
        raise RefusalError(400, f"Invalid value for parameter 'limit': must be from 1 to {size}.")
    return int(text)


def _start(call: Call, ids: Sequence[str]) -> int:
    """Return the position behind the cursor's record, which may be gone meanwhile. Ids grow with their
    position.
    """
    text = call.query.get("after")
    if not text:
        return 0
    try:
        word, _, key = base64.urlsafe_b64decode(text).decode().partition(":")
        number = int(key)
    except (binascii.Error, ValueError):
        word, number = "", 0
    if word != "after":
        raise RefusalError(400, "Invalid value for parameter 'after': not a cursor of this list.")
    return bisect_right(ids, number, key=int)
