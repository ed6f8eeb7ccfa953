"""Units: made, described, sent commands, and told of fillings."""

from typing import Any

from fleetwrite.connectors.sdk.simulator import Record, Storage
from fleetwrite.connectors.wialon.simulator.accounts import DEVICE_TYPES
from fleetwrite.connectors.wialon.simulator.errors import Params, WialonError, decimal, item_name, number, text
from fleetwrite.connectors.wialon.simulator.search import Searching

PROFILE_FIELDS = frozenset(
    {
        *(
            "vehicle_type",
            "vehicle_class",
            "vin",
            "registration_plate",
            "brand",
            "model",
            "year",
            "color",
            "engine_model",
        ),
        *(
            "engine_power",
            "engine_displacement",
            "primary_fuel_type",
            "co2_emission",
            "cargo_type",
            "carrying_capacity",
        ),
        *("width", "height", "depth", "effective_capacity", "gross_vehicle_weight", "axles"),
    }
)

COMMAND, EVENT, FILLING = 0x200, 0x600, 0x22
"""Types of messages, and the bits of an event that is a filling."""


class Units:
    """The services of units."""

    def __init__(self, storage: Storage) -> None:
        """Keep them there."""
        self._storage = storage

    def create(self, account: str, params: Params, at: float) -> Any:
        """``core/create_unit``. Names need not be unique."""
        del at
        name, flags = item_name(params), number(params, "dataFlags")
        creator = number(params, "creatorId")
        if str(creator) not in self._storage.collection(account, "users"):
            raise WialonError(6, "creator not found")
        unit = self.add(account, creator, name, number(params, "hwTypeId"))
        return {"item": Searching(self._storage).shown(account, "units", unit, flags), "flags": flags}

    def add(self, account: str, creator: int, name: str, type_id: int) -> Record:
        """Store a new unit."""
        if type_id not in {one["id"] for one in DEVICE_TYPES}:
            raise WialonError(6, "unknown hardware type")
        empty: Record = {
            "flds": {},
            "fldsmax": -1,
            "pflds": {},
            "cml": {},
            "cml_max": -1,
            "uid": "",
            "ph": "",
            "psw": "",
        }
        unit = {
            "id": self._storage.next_number("item", 25600001),
            "nm": name,
            "cls": 2,
            "mu": 0,
            "uacl": 880333093887,
            "crt": creator,
            "bact": int(account),
            "hw": type_id,
            "act": 1,
            "dactt": 0,
            **empty,
        }
        self.put(account, unit)
        return unit

    def put(self, account: str, unit: Record) -> None:
        """Store a unit as it is now."""
        self._storage.put(account, "units", str(unit["id"]), unit)

    def rename(self, account: str, params: Params, at: float) -> Any:
        """``item/update_name``."""
        del at
        unit, name = self._unit(account, params), item_name(params)
        self.put(account, {**unit, "nm": name})
        return {"nm": name}

    def set_profile_field(self, account: str, params: Params, at: float) -> Any:
        """``item/update_profile_field``: by its name, out of a fixed list."""
        del at
        unit, name, value = self._unit(account, params), text(params, "n"), text(params, "v")
        if name not in PROFILE_FIELDS:
            raise WialonError(4, f"unknown profile field {name}")
        return self._set_field(account, unit, "pflds", _number_of(unit["pflds"], name), name, value)

    def set_custom_field(self, account: str, params: Params, at: float) -> Any:
        """``item/update_custom_field``: by its number. Two may have the same name."""
        del at
        unit, mode = self._unit(account, params), text(params, "callMode")
        name, value = text(params, "n"), text(params, "v")
        if mode == "create":
            return self._set_field(account, unit, "flds", None, name, value)
        key = number(params, "id")
        if mode != "update" or str(key) not in unit["flds"]:
            raise WialonError(4)
        return self._set_field(account, unit, "flds", key, name, value)

    def _set_field(self, account: str, unit: Record, kind: str, key: int | None, name: str, value: str) -> Any:
        key = key if key is not None else max((int(one) for one in unit[kind]), default=0) + 1
        field = {"id": key, "n": name, "v": value}
        self.put(account, {**unit, kind: {**unit[kind], str(key): field}})
        return [key, field]

    def set_active(self, account: str, params: Params, at: float) -> Any:
        """``unit/set_active``."""
        unit, active = self._unit(account, params), int(bool(params.get("active")))
        if "active" not in params:
            raise WialonError(4)
        self.put(account, {**unit, "act": active, "dactt": 0 if active else int(at)})
        return {"active": active}

    def execute(self, account: str, params: Params, at: float) -> Any:
        """``unit/exec_cmd``: a command that the unit has, by its name. Its own parameters win over those sent."""
        unit, name, sent = self._unit(account, params), text(params, "commandName"), text(params, "param")
        link = text(params, "linkType")
        number(params, "timeout")
        command = next((one for one in unit["cml"].values() if one["n"] == name), None)
        if command is None:
            raise WialonError(5, "no such command")
        message = {"t": int(at), "f": COMMAND, "tp": "ucr", "ca": name, "cn": command["c"], "cp": command["p"] or sent}
        self._register(account, "commands", unit, {**message, "ui": 0, "ln": "", "lt": link, "et": int(at), "p": {}})
        return {}

    def register_filling(self, account: str, params: Params, at: float) -> Any:
        """``unit/registry_fuel_filling_event``: the volume is in the measures of the unit. Nothing is unique."""
        del at
        unit = self._unit(account, params)
        fields = {name: decimal(params, name) for name in ("volume", "cost")}
        place = {name: decimal(params, name) for name in ("x", "y")}
        message = {"t": number(params, "date"), "f": EVENT | FILLING, "tp": "evt", "et": text(params, "description")}
        details = {**fields, "location": text(params, "location"), "deviation": number(params, "deviation", 0)}
        self._register(account, "fillings", unit, {**message, **place, "p": details})
        return {}

    def load_interval(self, account: str, params: Params, at: float) -> Any:
        """``messages/load_interval``: the messages of a unit in a span of time whose flags are as asked for."""
        del at
        unit = self._unit(account, params)
        since, until = number(params, "timeFrom"), number(params, "timeTo")
        flags, mask, count = number(params, "flags"), number(params, "flagsMask"), number(params, "loadCount")
        found = [
            entry["message"]
            for collection in ("commands", "fillings")
            for entry in self._storage.collection(account, collection).values()
            if entry["unit"] == unit["id"]
            and since <= entry["message"]["t"] <= until
            and entry["message"]["f"] & mask == flags
        ]
        found.sort(key=lambda message: message["t"])
        return {"count": len(found), "messages": found[:count]}

    def device_types(self, account: str, params: Params, at: float) -> Any:
        """``core/get_hw_types``, filtered by name or by id."""
        del account, at
        kind, wanted = params.get("filterType"), params.get("filterValue", [])
        if kind not in (None, "name", "id"):
            raise WialonError(4)
        return [one for one in DEVICE_TYPES if kind is None or one[kind] in wanted]

    def _register(self, account: str, collection: str, unit: Record, message: Record) -> None:
        key = self._storage.next_number("message", 1)
        self._storage.put(account, collection, str(key), {"unit": unit["id"], "message": message})

    def _unit(self, account: str, params: Params) -> Record:
        unit = self._storage.collection(account, "units").get(str(number(params, "itemId")))
        if unit is None:
            raise WialonError(7)
        return unit


def _number_of(fields: Record, name: str) -> int | None:
    return next((field["id"] for field in fields.values() if field["n"] == name), None)
