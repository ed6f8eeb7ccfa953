"""Vehicles, trailers and other assets: one kind of object, one id space, three sets of endpoints.

Pages: "List all assets", "Create a new asset", "Update an existing asset", "List all vehicles", "Update a
vehicle", "Creates a new trailer asset", "Update a trailer", "Delete a trailer" of the API reference.
"""

from collections.abc import Mapping
from typing import Any

from fleetwrite.connectors.samsara.simulator import fields as f
from fleetwrite.connectors.samsara.simulator.directory import (
    ASSETS_PAGE,
    Directory,
    listing,
    merged,
    new_external_ids,
    page,
    timestamp,
    values,
)
from fleetwrite.connectors.sdk.simulator import Answer, Call, Record, RefusalError

ASSET_TYPES = ("uncategorized", "trailer", "equipment", "unpowered", "vehicle")
REGULATION_MODES = ("mixed", "regulated", "unregulated")
AUXILIARY_INPUTS = (
    *("none", "emergencyLights", "emergencyAlarm", "stopPaddle", "powerTakeOff", "plow", "sweeper", "salter"),
    *("reefer", "door", "boom", "auxiliaryEngine", "generator", "eightWayLights", "panicButton", "privacyButton"),
    *("frontAxleDrive", "weightSensor", "other", "secondaryFuelSource", "ecuPowerTakeOff"),
)

# Plate and notes have these lengths on the vehicle and trailer endpoints; the asset endpoints are silent, but
# write the same object.
_PLATE = f.text(0, 12)
_NOTES = f.text(0, 255)

ASSET = f.Fields(
    {
        "type": f.choice(*ASSET_TYPES),
        "name": f.text(),
        "vin": f.text(17, 17, "[A-Za-z0-9]+"),
        "serialNumber": f.text(),
        "licensePlate": _PLATE,
        "make": f.text(),
        "model": f.text(),
        "year": f.integer(0),
        "notes": _NOTES,
        "regulationMode": f.choice(*REGULATION_MODES),
        "externalIds": f.external_ids,
        "tagIds": f.TAG_IDS,
        "attributes": f.ATTRIBUTES,
        "readingsIngestionEnabled": f.boolean,
    },
    kept=("type",),
)

VEHICLE_UPDATE = f.Fields(
    {
        "name": f.text(),
        "vin": f.text(11, 17, "[A-Za-z0-9]+"),
        "licensePlate": _PLATE,
        "notes": _NOTES,
        "externalIds": f.external_ids,
        "tagIds": f.TAG_IDS,
        "attributes": f.ATTRIBUTES,
        "odometerMeters": f.integer(0),
        "engineHours": f.integer(0),
        "staticAssignedDriverId": f.text(1),
        "vehicleRegulationMode": f.choice(*REGULATION_MODES),
        "vehicleType": f.text(),
        "grossVehicleWeight": f.shape(
            f.Fields({"unit": f.choice("lb", "kg"), "weight": f.integer(0)}, required=("unit", "weight"))
        ),
        "harshAccelerationSettingType": f.choice("passengerCar", "lightTruck", "heavyDuty", "off", "automatic"),
        "gatewaySerial": f.text(1),
        **{f"auxInputType{number}": f.choice(*AUXILIARY_INPUTS) for number in range(1, 14)},
    }
)

TRAILER = f.Fields(
    {
        "name": f.text(1),
        "licensePlate": _PLATE,
        "notes": _NOTES,
        "trailerSerialNumber": f.text(),
        "enabledForMobile": f.boolean,
        "externalIds": f.external_ids,
        "tagIds": f.TAG_IDS,
        "attributes": f.ATTRIBUTES,
    },
    required=("name",),
)

TRAILER_UPDATE = TRAILER.for_update(odometerMeters=f.integer(0))

# How the fields of the vehicle and trailer endpoints are called in the stored asset.
_STORED_NAMES = {"vehicleRegulationMode": "regulationMode", "trailerSerialNumber": "serialNumber"}

_VEHICLE_FIELDS = (
    *("id", "name", "vin", "licensePlate", "make", "model", "notes", "attributes", "vehicleType"),
    *("createdAtTime", "updatedAtTime"),
    *("grossVehicleWeight", "harshAccelerationSettingType", *(f"auxInputType{number}" for number in range(1, 14))),
)
_TRAILER_FIELDS = ("id", "name", "licensePlate", "notes", "enabledForMobile", "attributes", "externalIds")
_ASSET_FIELDS = (
    *("id", "type", "name", "vin", "serialNumber", "licensePlate", "make", "model", "year", "notes"),
    *("regulationMode", "readingsIngestionEnabled", "createdAtTime", "updatedAtTime"),
)


class AssetEndpoints:
    """The handlers of the vehicle, trailer and asset endpoints."""

    def __init__(self, directory: Directory) -> None:
        """Work on ``directory``."""
        self._directory = directory

    def create(self, organization: str, body: Mapping[str, Any], at: float) -> Record:
        """Store a new asset from a checked body of ``POST /assets``."""
        self._check(organization, body, None)
        key = self._directory.new_id("assets")
        created = {"id": key, "type": "uncategorized", "createdAtTime": timestamp(at)}
        return self._store(organization, {}, merged(created, body, at))

    def create_asset(self, call: Call) -> Answer:
        """``POST /assets``."""
        asset = self.create(call.caller.organization, ASSET.read(call), call.at)
        return Answer(200, {"data": self.asset(asset, call.caller.organization)})

    def update_asset(self, call: Call) -> Answer:
        """``PATCH /assets?id=``."""
        path_id = call.query.get("id")
        if not path_id:
            raise RefusalError(400, "Required parameter 'id' is missing.")
        old = self._directory.find(call.caller.organization, "assets", path_id)
        asset = self._update(call, old, ASSET.read(call))
        return Answer(200, {"data": self.asset(asset, call.caller.organization)})

    def list_assets(self, call: Call) -> Answer:
        """``GET /assets``."""
        kind = call.query.get("type")
        if kind is not None and kind not in ASSET_TYPES:
            raise RefusalError(400, f"Invalid value for parameter 'type': must be {', '.join(ASSET_TYPES)}.")
        ids, external = values(call.query, "ids"), values(call.query, "externalIds")

        def wanted(record: Record) -> bool:
            names = {f"{key}:{value}" for key, value in self._external_ids(record).items()}
            return (
                (kind is None or record["type"] == kind)
                and (not ids or record["id"] in ids or bool(names & ids))
                and (not external or bool(names & external))
            )

        organization = call.caller.organization
        assets = self._directory.storage.collection(organization, "assets")
        options = {
            name: call.query.get(name) == "true" for name in ("includeExternalIds", "includeTags", "includeAttributes")
        }
        return Answer(
            200,
            page(
                call,
                assets,
                lambda records: filter(wanted, listing(self._directory, call, records)),
                lambda record: self.asset(
                    record,
                    organization,
                    external_ids=options["includeExternalIds"],
                    tags=options["includeTags"],
                    attributes=options["includeAttributes"],
                ),
                ASSETS_PAGE,
            ),
        )

    def list_vehicles(self, call: Call) -> Answer:
        """``GET /fleet/vehicles``."""
        return self._list_type(call, "vehicle")

    def list_trailers(self, call: Call) -> Answer:
        """``GET /fleet/trailers``."""
        return self._list_type(call, "trailer")

    def get_vehicle(self, call: Call) -> Answer:
        """``GET /fleet/vehicles/{id}``."""
        return Answer(200, {"data": self._project(self._find_type(call, "vehicle"), call.caller.organization)})

    def get_trailer(self, call: Call) -> Answer:
        """``GET /fleet/trailers/{id}``."""
        return Answer(200, {"data": self._project(self._find_type(call, "trailer"), call.caller.organization)})

    def update_vehicle(self, call: Call) -> Answer:
        """``PATCH /fleet/vehicles/{id}``."""
        old = self._find_type(call, "vehicle")
        body = VEHICLE_UPDATE.read(call)
        if body.get("staticAssignedDriverId") == "0":
            body["staticAssignedDriverId"] = None
        if body.get("engineHours") == 0:
            body["engineHours"] = None
        self._directory.require(
            call.caller.organization, "drivers", "staticAssignedDriverId", body.get("staticAssignedDriverId")
        )
        return self._updated(call, old, body)

    def create_trailer(self, call: Call) -> Answer:
        """``POST /fleet/trailers``."""
        body = {**_stored(TRAILER.read(call)), "type": "trailer"}
        trailer = self.create(call.caller.organization, body, call.at)
        return Answer(200, {"data": self._project(trailer, call.caller.organization)})

    def update_trailer(self, call: Call) -> Answer:
        """``PATCH /fleet/trailers/{id}``."""
        return self._updated(call, self._find_type(call, "trailer"), TRAILER_UPDATE.read(call))

    def delete_trailer(self, call: Call) -> Answer:
        """``DELETE /fleet/trailers/{id}``."""
        trailer = self._find_type(call, "trailer")
        owner = ("assets", trailer["id"])
        external = trailer.get("externalIds", {})
        self._directory.hold_external_ids(call.caller.organization, external, {}, owner)
        self._directory.storage.delete(call.caller.organization, *owner)
        return Answer(204)

    def records(self, organization: str, kind: str | None) -> list[Record]:
        """Return everything that is stored of one type of asset, or of all, in the form of its own endpoints."""
        return [
            {
                **record,
                **(self.asset(record, organization) if kind is None else self._project(record, organization)),
            }
            for record in self._directory.storage.collection(organization, "assets").values()
            if kind in (None, record["type"])
        ]

    def asset(
        self,
        record: Record,
        organization: str,
        *,
        external_ids: bool = True,
        tags: bool = True,
        attributes: bool = True,
    ) -> Record:
        """Return an asset as the asset endpoints show it."""
        shown = {name: record[name] for name in _ASSET_FIELDS if name in record}
        if external_ids:
            shown["externalIds"] = self._external_ids(record)
        if tags:
            shown["tags"] = self._directory.tags(organization, record.get("tagIds", ()))
        if attributes and "attributes" in record:
            shown["attributes"] = record["attributes"]
        return shown

    def _project(self, record: Record, organization: str) -> Record:
        is_vehicle = record["type"] == "vehicle"
        names = _VEHICLE_FIELDS if is_vehicle else _TRAILER_FIELDS
        shown = {name: record[name] for name in names if name in record}
        shown["tags"] = self._directory.tags(organization, record.get("tagIds", ()))
        if not is_vehicle:
            return shown | ({"trailerSerialNumber": record["serialNumber"]} if "serialNumber" in record else {})
        shown["externalIds"] = self._external_ids(record)
        if "year" in record:
            shown["year"] = str(record["year"])
        if "regulationMode" in record:
            shown["vehicleRegulationMode"] = record["regulationMode"]
        if "staticAssignedDriverId" in record:
            driver = self._directory.find(organization, "drivers", record["staticAssignedDriverId"])
            shown["staticAssignedDriver"] = {"id": driver["id"], "name": driver["name"]}
        return shown

    @staticmethod
    def _external_ids(record: Record) -> dict[str, str]:
        """Return the external ids together with the one the provider makes of the VIN."""
        automatic = {"samsara.vin": record["vin"]} if "vin" in record else {}
        return {**automatic, **record.get("externalIds", {})}

    def _list_type(self, call: Call, kind: str) -> Answer:
        assets = self._directory.storage.collection(call.caller.organization, "assets")
        return Answer(
            200,
            page(
                call,
                assets,
                lambda records: (
                    record for record in listing(self._directory, call, records) if record["type"] == kind
                ),
                lambda record: self._project(record, call.caller.organization),
            ),
        )

    def _find_type(self, call: Call, kind: str) -> Record:
        record = self._directory.find(call.caller.organization, "assets", call.path_ids["id"])
        if record["type"] != kind:
            raise RefusalError(404, f"No {kind} with id {call.path_ids['id']}.")
        return record

    def _check(self, organization: str, body: Mapping[str, Any], owner: str | None) -> None:
        self._directory.require_tags(organization, body)
        self._directory.check_external_ids(organization, new_external_ids(body), owner)

    def _updated(self, call: Call, old: Record, body: Mapping[str, Any]) -> Answer:
        record = self._update(call, old, _stored(body))
        return Answer(200, {"data": self._project(record, call.caller.organization)})

    def _update(self, call: Call, old: Record, body: Mapping[str, Any]) -> Record:
        self._check(call.caller.organization, body, old["id"])
        if "gatewaySerial" in old and any(body.get(name) for name in ("make", "model", "year")):
            raise RefusalError(400, "Make, model and year of an asset with a gateway cannot be changed.")
        return self._store(call.caller.organization, old, merged(old, body, call.at))

    def _store(self, organization: str, old: Record, new: Record) -> Record:
        external = old.get("externalIds", {}), new.get("externalIds", {})
        self._directory.hold_external_ids(organization, *external, owner=("assets", new["id"]))
        self._directory.storage.put(organization, "assets", new["id"], new)
        return new


def _stored(body: Mapping[str, Any]) -> dict[str, Any]:
    return {_STORED_NAMES.get(name, name): value for name, value in body.items()}
