"""Adding, changing, finding and removing entities, with the rules that each kind has."""

import secrets
from typing import Any

from fleetwrite.connectors.geotab.simulator.databases import IMPERSONATE
from fleetwrite.connectors.geotab.simulator.kinds import (
    ASSET_GROUPS,
    DEVICE,
    DEVICE_STATUS_INFO,
    DVIR_LOG,
    KINDS,
    MAX_DATE,
    MOST_FED,
    MOST_RESULTS,
    SYSTEM_GROUPS,
    TEXT_MESSAGE,
    USER,
    GeotabError,
    Kind,
    found,
    instant,
    written,
)
from fleetwrite.connectors.sdk.simulator import Caller, Record, Storage

_LOG_TYPES = frozenset({"Unknown", "PreTrip", "PostTrip", "InTrip"})
_PRODUCTS = frozenset(
    {"Unknown", "NonFuel", "Regular", "Midgrade", "Premium", "Super", "Diesel", "E85", "CNG", "LPG"}
) | {*("Hydrogen", "DieselExhaustFluid", "Electric")}
_LEAST_PASSWORD = 8


class Entities:
    """The entities of all databases."""

    def __init__(self, storage: Storage, groups: dict[str, frozenset[str]]) -> None:
        """Work on ``storage``; ``groups`` are the databases' own."""
        self._storage = storage
        self._groups = groups

    def records(self, database: str, kind: Kind) -> dict[str, Record]:
        """Return a database's entities of a kind by id, oldest first."""
        return self._storage.collection(database, kind.name)

    def add(self, caller: Caller, kind: Kind, entity: Record, at: float) -> str:
        """Add an entity and return its id."""
        kind.check(entity)
        record = {**kind.defaults, **{name: value for name, value in entity.items() if name not in kind.owned}}
        record["id"] = self._new_id(caller.organization, kind)
        self._complete(caller, kind, record, at)
        self._settle(caller, kind, record, None)
        return str(record["id"])

    def set(self, caller: Caller, kind: Kind, entity: Record) -> None:
        """Put an entity in the place of the one with its id: whatever is not in it is reset."""
        kind.check(entity)
        old = self._require(caller.organization, kind, "id", entity)
        kept = {name: old[name] for name in (*kind.owned, "activeFrom") if name in old}
        sent = {name: value for name, value in entity.items() if name not in kind.owned}
        self._settle(caller, kind, {**kind.defaults, **kept, **sent, "id": old["id"]}, old)

    def remove(self, caller: Caller, kind: Kind, entity: Record) -> None:
        """Remove an entity."""
        old = self._require(caller.organization, kind, "id", entity)
        self._storage.delete(caller.organization, kind.name, old["id"])

    def get(self, caller: Caller, kind: Kind, params: Record) -> list[Record]:
        """Return what a search finds; of more than is given at once, the first."""
        search = params.get("search") or {}
        records = found(kind, search, self.records(caller.organization, kind))
        sort = params.get("sort")
        if sort is not None:
            if (sort.get("sortBy"), sort.get("sortDirection")) != ("id", "asc"):
                raise GeotabError("ArgumentException", "This simulator sorts by id, ascending, only.")
            records = sorted(records, key=lambda record: _order(record["id"]))
            if sort.get("offset") is not None:
                records = [record for record in records if _order(record["id"]) > _order(sort["offset"])]
        limit = min(int(params.get("resultsLimit") or MOST_RESULTS), MOST_RESULTS)
        hidden = {"sourceData"} if not search.get("includeSourceData") else set()
        return [{name: value for name, value in record.items() if name not in hidden} for record in records[:limit]]

    def feed(self, caller: Caller, kind: Kind, params: Record) -> Record:
        """Return what was added or changed behind a version, in the order of versions, and the last version."""
        since = str(params.get("fromVersion") or "")
        records = [one for one in self.records(caller.organization, kind).values() if one["version"] > since]
        limit = min(int(params.get("resultsLimit") or MOST_RESULTS), MOST_FED)
        data = sorted(records, key=lambda record: str(record["version"]))[:limit]
        return {"data": data, "toVersion": data[-1]["version"] if data else since or f"{0:016X}"}

    def receive(self, database: str, message_id: str, at: float, *, is_read: bool) -> None:
        """Let a message be delivered, and read, where ``is_read``."""
        record = self._storage.collection(database, TEXT_MESSAGE.name)[message_id]
        told = {"delivered": written(at), **({"read": written(at)} if is_read else {})}
        self._put(database, TEXT_MESSAGE, {**record, **told})

    def count(self, caller: Caller, kind: Kind, search: Record) -> int:
        """Return how many a search finds."""
        return len(found(kind, search, self.records(caller.organization, kind)))

    def seat(self, database: str, driver_id: str, device_id: str, at: float) -> None:
        """Let a driver sit in a vehicle."""
        state = {
            "id": device_id,
            "device": {"id": device_id},
            "driver": {"id": driver_id, "isDriver": True},
            "dateTime": written(at),
            "isDeviceCommunicating": True,
            "isDriving": False,
            "speed": 0,
        }
        self._storage.put(database, DEVICE_STATUS_INFO.name, device_id, state)

    def _new_id(self, database: str, kind: Kind) -> str:
        """Return a new id, unique in its database only; those of inspections are long ones."""
        if kind is DVIR_LOG:
            return "a" + secrets.token_urlsafe(16)
        return f"b{self._storage.next_number(f'next {kind.name} of {database}', 1):X}"

    def _complete(self, caller: Caller, kind: Kind, record: Record, at: float) -> None:
        """Fill in what only a new one gets."""
        if kind is DEVICE:
            record.setdefault("activeFrom", written(at))
            has_hardware = bool(record["serialNumber"])
            record |= {"deviceType": "GO9" if has_hardware else "None", "productId": 120 if has_hardware else -1}
            record["engineVehicleIdentificationNumber"] = "?"
            if {"id": "GroupTrailerId"} in record["groups"]:
                record["tmpTrailerId"] = f"{caller.organization}-{record['id']}"
        elif kind is USER:
            record.setdefault("activeFrom", written(at))
            _check_password(record)
        elif kind is TEXT_MESSAGE:
            record |= {"sent": written(at), "delivered": MAX_DATE, "read": None, "markedReadBy": None}
            if record.get("user") is None:
                record["user"] = {"id": self._own_id(caller)}

    def _settle(self, caller: Caller, kind: Kind, record: Record, old: Record | None) -> None:
        """Check a whole record and store it; passwords are kept by nobody here."""
        database = caller.organization
        for name in kind.group_lists:
            for group in record.get(name) or ():
                self._check_group(database, group)
        for name, target in kind.references.items():
            if record.get(name) is not None:
                self._require(database, next(one for one in KINDS if one.name == target), name, record[name])
        others = [other for other in self.records(database, kind).values() if other["id"] != record["id"]]
        match kind.name:
            case "Device":
                _check_device(record, old, others)
            case "User":
                _check_user(record, others)
            case "TextMessage":
                self._check_message(caller, record)
            case "DVIRLog":
                self._check_dvir(database, record)
            case "FuelTransaction":
                _check_fuel(record, others)
        record.pop("password", None)
        self._put(database, kind, record)

    def _put(self, database: str, kind: Kind, record: Record) -> None:
        """Store a record, with a version of its own."""
        version = self._storage.next_number(f"version of {database} {kind.name}", 1)
        self._storage.put(database, kind.name, record["id"], {**record, "version": f"{version:016X}"})

    def _check_group(self, database: str, group: Any) -> None:
        key = group.get("id") if isinstance(group, dict) else None
        if key not in SYSTEM_GROUPS and key not in self._groups[database]:
            raise GeotabError("ArgumentException", f"Invalid group id used {key}.")

    def _require(self, database: str, kind: Kind, name: str, reference: Record) -> Record:
        record = self.records(database, kind).get(str(reference.get("id")))
        if record is None:
            raise GeotabError("ArgumentException", f"'{name}' is the id of no {kind.name}.")
        return record

    def _own_id(self, caller: Caller) -> str:
        users = self.records(caller.organization, USER).values()
        return next(str(user["id"]) for user in users if user["name"] == caller.token)

    def _check_message(self, caller: Caller, record: Record) -> None:
        content = record["messageContent"]
        if not isinstance(content, dict) or content.get("contentType") != "Normal":
            raise GeotabError("ArgumentException", "This simulator takes messages of contentType Normal only.")
        if not content.get("message"):
            raise GeotabError("ArgumentNullException", "'message' must be given.")
        if record["isDirectionToVehicle"] is not True:
            raise GeotabError("ArgumentException", "Messages from a vehicle are made by its device.")
        if record["user"]["id"] != self._own_id(caller) and IMPERSONATE not in caller.scopes:
            raise GeotabError("InvalidPermissionsException", f"The user lacks {IMPERSONATE}.")

    def _check_dvir(self, database: str, record: Record) -> None:
        instant(record["dateTime"])
        self._check_group(database, record["defectList"])
        if record.get("trailer") is not None:
            raise GeotabError("ArgumentException", "A log is of a device or of a trailer, not of both.")
        if record["logType"] not in _LOG_TYPES:
            raise GeotabError("InvalidCastException", f"There is no DVIRLogType {record['logType']}.")


def _check_device(record: Record, old: Record | None, others: list[Record]) -> None:
    groups = {group["id"] for group in record["groups"]}
    types = groups & ASSET_GROUPS
    before = set() if old is None else {group["id"] for group in old["groups"]} & ASSET_GROUPS
    if len(types) > 1 or (before and types and types != before):
        raise GeotabError("GroupRelationViolatedException", "An asset is a vehicle or a trailer, and stays one.")
    if old is None and not types:
        record["groups"] = [*record["groups"], {"id": "GroupVehicleId"}]
    serial = record["serialNumber"]
    if serial and any(other["serialNumber"] == serial for other in others):
        raise GeotabError("DuplicateException", "A device with this serial number exists already.")


def _check_user(record: Record, others: list[Record]) -> None:
    name = record["name"].casefold()
    if any(other["name"].casefold() == name for other in others):
        raise GeotabError("DuplicateUserException", "A user with this name exists already.")
    licence = record.get("licenseNumber")
    if licence and any(other.get("licenseNumber") == licence for other in others):
        raise GeotabError("DuplicateException", "A driver with this licence number exists already.")
    if record["isDriver"] and not record["driverGroups"]:
        raise GeotabError("ArgumentNullException", "'driverGroups' must be given for a driver.")


def _check_password(record: Record) -> None:
    password = record.get("password") or ""
    names = (record["name"], record["firstName"], record["lastName"])
    if len(password) < _LEAST_PASSWORD or any(name.casefold() in password.casefold() for name in names):
        raise GeotabError("PasswordPolicyViolationException", "The password is too weak.")


def _check_fuel(record: Record, others: list[Record]) -> None:
    instant(record["dateTime"])
    if record["productType"] not in _PRODUCTS:
        raise GeotabError("InvalidCastException", f"There is no FuelTransactionProductType {record['productType']}.")
    for name in ("volume", "cost", "odometer"):
        if not isinstance(record[name], int | float) or record[name] < 0:
            raise GeotabError("ArgumentOutOfRangeException", f"'{name}' must be a number from 0 on.")
    if any(_compared(other) == _compared(record) for other in others):
        raise GeotabError("DuplicateException", "An equal fuel transaction exists already.")


def _compared(record: Record) -> Record:
    """What makes two fuel transactions the same."""
    return {name: value for name, value in record.items() if name not in {"id", "version", "sourceData"}}


def _order(key: str) -> tuple[int, str]:
    """Order ids as numbers: the longer is the later."""
    return len(key), key
