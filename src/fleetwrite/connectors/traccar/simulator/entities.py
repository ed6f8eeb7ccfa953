"""Devices and drivers: what is checked, and what an update leaves of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from fleetwrite.connectors.sdk.simulator import Answer, Call, Record, RefusalError, Storage

# The width of the column that attributes are kept in, as JSON.
ATTRIBUTES_LENGTH = 4000

# Where what every fleet shares is kept.
EVERYONE = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of object, as Traccar's model of it is.

    Attributes:
        name: the class, as its errors name it.
        collection: the path word.
        defaults: every property, with what a body leaves out is set to.
        lengths: width of the columns of texts.
        kept: properties that only the server sets.
    """

    name: str
    collection: str
    defaults: Mapping[str, Any]
    lengths: Mapping[str, int]
    kept: tuple[str, ...] = ()

    def read(self, call: Call) -> Record:
        """Return the object of a call's body, complete.

        Raises:
            RefusalError: 400, as for every fault.
        """
        body = read_body(call)
        for key, value in body.items():
            if key not in self.defaults:
                raise fault(f'Unrecognized field "{key}" (class org.traccar.model.{self.name})', "UnrecognizedProperty")
            if not isinstance(value, self._types(key)):
                raise fault(f"Cannot deserialize value of {key}", "MismatchedInputException")
        entity = {**self.defaults, **body, "attributes": body.get("attributes") or {}}
        if not isinstance(entity["uniqueId"], str):
            raise fault('Cannot invoke "String.trim()" because "uniqueId" is null', "NullPointerException")
        entity["uniqueId"] = entity["uniqueId"].strip()
        return entity

    def check_columns(self, entity: Record) -> None:
        """Refuse (400) what the columns of the table do not hold."""
        if entity["name"] is None:
            raise fault('NULL not allowed for column "NAME"', "JdbcSQLIntegrityConstraintViolationException")
        texts = {**entity, "attributes": msgspec.json.encode(entity["attributes"]).decode()}
        for key, length in {**self.lengths, "attributes": ATTRIBUTES_LENGTH}.items():
            if len(texts[key] or "") > length:
                raise fault(f'Value too long for column "{key.upper()}"', "JdbcSQLDataException")

    def _types(self, key: str) -> type | tuple[type, ...]:
        default = self.defaults[key]
        if isinstance(default, bool):
            return bool
        if isinstance(default, int):
            return int
        return (dict, type(None)) if key == "attributes" else (str, type(None))


DEVICE = Shape(
    "Device",
    "devices",
    {
        "id": 0,
        "attributes": {},
        "groupId": 0,
        "calendarId": 0,
        "name": None,
        "uniqueId": None,
        "status": "offline",
        "lastUpdate": None,
        "positionId": 0,
        "phone": None,
        "model": None,
        "contact": None,
        "category": None,
        "disabled": False,
        "expirationTime": None,
    },
    {"name": 128, "uniqueId": 128, "phone": 128, "model": 128, "contact": 512, "category": 128},
    kept=("status", "lastUpdate", "positionId"),
)
DRIVER = Shape(
    "Driver",
    "drivers",
    {"id": 0, "attributes": {}, "name": None, "uniqueId": None},
    {"name": 128, "uniqueId": 128},
)


class EntityEndpoints:
    """The endpoints that both kinds share."""

    def __init__(self, storage: Storage, shape: Shape, may_write: Callable[[str], bool], *, has_pages: bool) -> None:
        """Work on ``storage``. ``may_write`` tells it of a fleet; ``has_pages`` is false for servers that are older
        than limit and offset.
        """
        self._storage = storage
        self._shape = shape
        self._may_write = may_write
        self._has_pages = has_pages

    def list(self, call: Call) -> Answer:
        """``GET /api/devices``, ``GET /api/drivers``."""
        found = self._storage.collection(call.caller.organization, self._shape.collection)
        unique_ids = call.query.getall("uniqueId", ())
        if unique_ids and self._shape is DEVICE:
            return Answer(200, [item for item in found.values() if item["uniqueId"] in unique_ids])
        device_id = call.query.get("deviceId")
        if device_id is not None and self._shape is DRIVER:
            links = self._storage.collection(call.caller.organization, "links")
            return Answer(200, [item for key, item in found.items() if f"{device_id} {key}" in links])
        limit, offset = (int(call.query.get(name) or 0) if self._has_pages else 0 for name in ("limit", "offset"))
        # By name alone: those of one name come in an order that no two answers need to share.
        turn = -1 if offset else 1
        items = sorted(found.values(), key=lambda item: (item["name"], turn * item["id"]))
        return Answer(200, items[offset : offset + limit] if limit else items)

    def get(self, call: Call) -> Answer:
        """``GET /api/devices/{id}``, ``GET /api/drivers/{id}``."""
        return Answer(200, self.find(call.caller.organization, call.path_ids["id"]))

    def create(self, call: Call) -> Answer:
        """``POST /api/devices``, ``POST /api/drivers``."""
        self._check_rights(call)
        return Answer(200, self.add(call.caller.organization, self._shape.read(call)))

    def update(self, call: Call) -> Answer:
        """``PUT /api/devices/{id}``, ``PUT /api/drivers/{id}``: the id in the body counts, and what the body leaves out
        is lost.
        """
        entity = self._shape.read(call)
        organization = call.caller.organization
        old = self.find(organization, str(entity["id"]))
        self._check_rights(call)
        entity |= {key: old[key] for key in self._shape.kept}
        self._shape.check_columns(entity)
        if entity["uniqueId"] != old["uniqueId"]:
            self._take(entity["uniqueId"], entity["id"])
            self._storage.delete(EVERYONE, self._index, old["uniqueId"])
        self._storage.put(organization, self._shape.collection, str(entity["id"]), entity)
        return Answer(200, entity)

    def delete(self, call: Call) -> Answer:
        """``DELETE /api/devices/{id}``, ``DELETE /api/drivers/{id}``."""
        organization, key = call.caller.organization, call.path_ids["id"]
        entity = self.find(organization, key)
        self._check_rights(call)
        self._storage.delete(EVERYONE, self._index, entity["uniqueId"])
        self._storage.delete(organization, self._shape.collection, key)
        if self._shape is DEVICE and key in self._storage.collection(organization, "positions"):
            self._storage.delete(organization, "positions", key)
        return Answer(204)

    def find(self, organization: str, key: str) -> Record:
        """Return a fleet's object.

        Raises:
            RefusalError: 400, the user has none with this id; whether somebody else has, nobody is told.
        """
        entity = self._storage.collection(organization, self._shape.collection).get(key)
        if entity is None:
            raise fault(f"{self._shape.name} access denied", "SecurityException")
        return entity

    def add(self, organization: str, entity: Record) -> Record:
        """Store a new object, and return it.

        Raises:
            RefusalError: 400, somebody on the server has one with its identifier, or it does not fit.
        """
        self._shape.check_columns(entity)
        key = self._storage.next_number(f"next id of {self._shape.collection}", 1)
        self._take(entity["uniqueId"], key)
        entity = {**entity, "id": key}
        self._storage.put(organization, self._shape.collection, str(key), entity)
        return entity

    @property
    def _index(self) -> str:
        return f"unique {self._shape.collection}"

    def _take(self, unique_id: str, key: int) -> None:
        if unique_id in self._storage.collection(EVERYONE, self._index):
            raise fault(
                f'Unique index or primary key violation: "PUBLIC.TC_{self._shape.collection.upper()}(UNIQUEID) VALUES '
                f"( '{unique_id}' )\"",
                "JdbcSQLIntegrityConstraintViolationException",
            )
        self._storage.put(EVERYONE, self._index, unique_id, {"id": key})

    def _check_rights(self, call: Call) -> None:
        if not self._may_write(call.caller.organization):
            raise fault("Write access denied", "SecurityException")


def read_body(call: Call) -> dict[str, Any]:
    """Return the object in a call's body.

    Raises:
        RefusalError: 400, there is none.
    """
    try:
        body = call.json()
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise fault("Unexpected character", "JsonParseException")
    return body


def fault(message: str, exception: str) -> RefusalError:
    """Return what Traccar answers to any fault inside it: 400, and the exception with its stack."""
    return RefusalError(400, f"{message} - {exception} (PermissionsService:196 < BaseObjectResource:89 < ...)")
