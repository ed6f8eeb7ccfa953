"""Drivers and trailers: numbered inside a resource, and written whole."""

from typing import Any

from fleetwrite.connectors.sdk.simulator import Record, Storage
from fleetwrite.connectors.wialon.simulator.errors import Params, WialonError, number, text

# What an update that does not mention it takes away.
DRIVER = {"n": "", "c": "", "ds": "", "p": "", "pwd": "", "ej": {}, "jp": {}, "r": 1.0, "ck": 0}
TRAILER = {"n": "", "c": "", "ds": "", "ej": {}, "jp": {}}
UNBOUND = {"bu": 0, "pu": 0, "bt": 0}


class Members:
    """The services of drivers and trailers."""

    def __init__(self, storage: Storage) -> None:
        """Keep them there."""
        self._storage = storage

    def update_driver(self, account: str, params: Params, at: float) -> Any:
        """``resource/update_driver``."""
        del at
        for name in ("c", "ds", "p", "pwd"):
            text(params, name)
        return self._update(account, params, "drivers", DRIVER)

    def update_trailer(self, account: str, params: Params, at: float) -> Any:
        """``resource/update_trailer``."""
        del at
        for name in ("c", "ds"):
            text(params, name)
        return self._update(account, params, "trailers", TRAILER)

    def bind_driver(self, account: str, params: Params, at: float) -> Any:
        """``resource/bind_unit_driver``: assign a driver to a unit, or take the driver off it."""
        key, unit_id = f"{number(params, 'resourceId')}:{number(params, 'driverId')}", number(params, "unitId")
        held = self._storage.collection(account, "drivers").get(key)
        if held is None:
            raise WialonError(4)
        if str(unit_id) not in self._storage.collection(account, "units"):
            raise WialonError(7)
        seat = {
            "bu": unit_id if number(params, "mode") else 0,
            "pu": held["bu"],
            "bt": number(params, "time") or int(at),
        }
        self._storage.put(account, "drivers", key, {**held, **seat})
        return {}

    def add(self, account: str, resource_id: int, collection: str, fields: Record) -> Record:
        """Store a new driver or trailer of a resource."""
        key = self._storage.next_number(f"{collection} {resource_id}", 1)
        member = {"id": key, **(DRIVER if collection == "drivers" else TRAILER), **UNBOUND, **fields}
        self._storage.put(account, collection, f"{resource_id}:{key}", member)
        return member

    def _update(self, account: str, params: Params, collection: str, blank: Record) -> Any:
        resource_id, mode = number(params, "itemId"), text(params, "callMode")
        if str(resource_id) not in self._storage.collection(account, "resources"):
            raise WialonError(7)
        if not text(params, "n"):
            raise WialonError(4, "VALIDATE_PARAMS_ERROR: {n: text}")
        fields: Record = {name: params.get(name, default) for name, default in blank.items()}
        if not all(isinstance(value, str) for value in fields["jp"].values()):
            raise WialonError(4, "VALIDATE_PARAMS_ERROR: {jp: object of texts}")
        if mode == "create" and number(params, "id") == 0:
            self._require_own_phone(account, fields, None)
            member = self.add(account, resource_id, collection, fields)
        else:
            key = f"{resource_id}:{number(params, 'id')}"
            held = self._storage.collection(account, collection).get(key)
            if mode != "update" or held is None:
                raise WialonError(4)
            self._require_own_phone(account, fields, key)
            member = {**held, **fields}
            self._storage.put(account, collection, key, member)
        return [member["id"], member]

    def _require_own_phone(self, account: str, fields: Record, own: str | None) -> None:
        """Units and drivers can not have the same phone number."""
        phone = fields.get("p")
        if not phone:
            return
        drivers = self._storage.collection(account, "drivers")
        units = self._storage.collection(account, "units").values()
        taken = any(key != own and one["p"] == phone for key, one in drivers.items())
        if taken or any(unit["ph"] == phone for unit in units):
            raise WialonError(1002, "phone number exists")
