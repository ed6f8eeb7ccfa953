"""What items look like, by the flags they are asked for with, and how they are searched."""

import fnmatch
from collections.abc import Iterable
from typing import Any

from fleetwrite.connectors.sdk.simulator import Record, Storage
from fleetwrite.connectors.wialon.simulator.errors import Params, WialonError, number, text

COLLECTIONS = {"avl_unit": "units", "avl_resource": "resources", "user": "users"}

# Flag -> what a unit, a resource, a user shows with it.
UNIT_FLAGS = {
    0x1: ("nm", "cls", "id", "mu", "uacl"),
    0x4: ("crt", "bact"),
    0x8: ("flds", "fldsmax"),
    0x100: ("uid", "hw", "ph", "psw", "act", "dactt"),
    0x80000: ("cml", "cml_max"),
    0x800000: ("pflds",),
}
RESOURCE_FLAGS = {
    0x1: ("nm", "cls", "id", "mu", "uacl"),
    0x4: ("crt", "bact"),
    0x100: ("drvrs", "drvrsmax"),
    0x10000: ("trlrs", "trlrsmax"),
}
USER_FLAGS = {0x1: ("nm", "cls", "id", "mu", "uacl"), 0x4: ("crt", "bact")}
FLAGS = {"units": UNIT_FLAGS, "resources": RESOURCE_FLAGS, "users": USER_FLAGS}


class Searching:
    """The services that show items."""

    def __init__(self, storage: Storage) -> None:
        """Search what is stored there."""
        self._storage = storage

    def search_item(self, account: str, params: Params, at: float) -> Any:
        """``core/search_item``: one item by its id; without a right to it, it is as if there were none."""
        del at
        key, flags = str(number(params, "id")), number(params, "flags")
        for collection in COLLECTIONS.values():
            item = self._storage.collection(account, collection).get(key)
            if item is not None:
                return {"item": self.shown(account, collection, item, flags), "flags": flags}
        raise WialonError(7)

    def search_items(self, account: str, params: Params, at: float) -> Any:
        """``core/search_items``: those whose property is like a mask, sorted, from one position to another."""
        del at
        spec = params.get("spec")
        if not isinstance(spec, dict):
            raise WialonError(4, "VALIDATE_PARAMS_ERROR: {spec: object}")
        collection = COLLECTIONS.get(text(spec, "itemsType"))
        if collection is None or number(params, "force") not in (0, 1):
            raise WialonError(4)
        flags, first, last = number(params, "flags"), number(params, "from"), number(params, "to")
        mask = text(spec, "propValueMask")
        found = [
            item
            for item in self._storage.collection(account, collection).values()
            if any(_is_like(value, mask) for value in _property(item, text(spec, "propName")))
        ]
        found.sort(key=lambda item: item["id"] if spec.get("sortType") == "sys_id" else item["nm"])
        page = found[first:] if last == 0 else found[first : last + 1]
        return {
            "searchSpec": spec,
            "dataFlags": flags,
            "totalItemsCount": len(found),
            "indexFrom": first,
            "indexTo": first + len(page) - 1,
            "items": [self.shown(account, collection, item, flags) for item in page],
        }

    def shown(self, account: str, collection: str, item: Record, flags: int) -> Record:
        """Return an item as it is shown with these flags."""
        whole = {**item, **self._members(account, item)} if collection == "resources" else item
        names = [name for flag, shown in FLAGS[collection].items() if flags & flag for name in shown]
        return {name: whole[name] for name in names}

    def _members(self, account: str, resource: Record) -> Record:
        """Return the drivers and trailers of a resource as it shows them: by their number in it, as a text."""
        members: Record = {}
        for collection, name in (("drivers", "drvrs"), ("trailers", "trlrs")):
            inside = [
                one
                for key, one in self._storage.collection(account, collection).items()
                if key.startswith(f"{resource['id']}:")
            ]
            members[name] = {str(one["id"]): one for one in inside}
            members[f"{name}max"] = -1
        return members


def _property(item: Record, name: str) -> Iterable[str]:
    match name:
        case "sys_id":
            return [str(item["id"])]
        case "sys_name":
            return [item["nm"]]
        case "rel_customfield_value":
            return [field["v"] for field in item.get("flds", {}).values()]
    raise WialonError(4, f"unknown property {name}")


def _is_like(value: str, mask: str) -> bool:
    if mask.startswith(">"):
        return value.isdecimal() and int(value) > int(mask[1:])
    return fnmatch.fnmatchcase(value.casefold(), mask.casefold())
