"""The Traccar simulator: its endpoints, whom it lets in, and the messages that it takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fleetwrite.connectors.sdk.simulator import (
    Answer,
    Arriving,
    Call,
    Caller,
    DemoAccount,
    Endpoint,
    KeyedLimit,
    Record,
    RefusalError,
    Simulator,
)
from fleetwrite.connectors.traccar.simulator.entities import DEVICE, DRIVER, EntityEndpoints, fault, read_body
from fleetwrite.connectors.traccar.simulator.fleets import Fleet, demo_fleets

# Protocols of trackers, with the commands that they know beside custom ones.
PROTOCOLS = {
    "huabao": ("engineStop", "engineResume", "message", "rebootDevice"),
    "teltonika": (),
}

# When the devices that have reported did so: the same at every start, so that tests know their JSON.
REPORTED_AT = "2026-11-02T08:15:00.000+00:00"

_DEVICE_SEEDS = ("protocol", "online", "driver", "linked")


class TraccarSimulator(Simulator):
    """One server with a user for each fleet."""

    name = "traccar"
    collections = ("devices", "drivers", "commands", "positions")

    def __init__(
        self, data_dir: Path, fleets: Sequence[Fleet] | None = None, *, has_pages: bool = True, **options: Any
    ) -> None:
        """Simulate these fleets (two for demonstration where none are named) on the data in ``data_dir``. What a
        fleet holds is created at its first start only.
        """
        super().__init__(data_dir, **options)
        self._fleets = {fleet.id: fleet for fleet in (demo_fleets() if fleets is None else fleets)}
        self._callers = {fleet.token: Caller(fleet.id, fleet.id, frozenset()) for fleet in self._fleets.values()}
        self._has_pages = has_pages

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """The users."""
        return tuple(self._fleets)

    def prepare(self) -> None:
        """Create what new fleets hold."""
        self._devices, self._drivers = (
            EntityEndpoints(self.storage, shape, self._may_write, has_pages=self._has_pages)
            for shape in (DEVICE, DRIVER)
        )
        known = set(self.storage.setting("fleets") or ())
        self.storage.set("fleets", sorted(known | self._fleets.keys()))
        for fleet in self._fleets.values():
            if fleet.id not in known:
                self._seed(fleet)

    def _seed(self, fleet: Fleet) -> None:
        drivers = {body["uniqueId"]: self._drivers.add(fleet.id, {**DRIVER.defaults, **body}) for body in fleet.drivers}
        for seed in fleet.devices:
            body = {key: value for key, value in seed.items() if key not in _DEVICE_SEEDS}
            device = self._devices.add(fleet.id, {**DEVICE.defaults, **body})
            if "protocol" in seed:
                status = "online" if seed.get("online") else "offline"
                self._report(fleet.id, device, seed["protocol"], status, seed.get("driver"))
            for unique_id in seed.get("linked", ()):
                self._link(fleet.id, device["id"], drivers[unique_id]["id"])

    def _report(self, organization: str, device: Record, protocol: str, status: str, driver: str | None) -> None:
        key = self.storage.next_number("next id of positions", 1)
        attributes = {"ignition": status == "online", **({"driverUniqueId": driver} if driver else {})}
        position = {
            "id": key,
            "attributes": attributes,
            "deviceId": device["id"],
            "protocol": protocol,
            **dict.fromkeys(("serverTime", "deviceTime", "fixTime"), REPORTED_AT),
            "valid": True,
            "latitude": 30.2672,
            "longitude": -97.7431,
        }
        self.storage.put(organization, "positions", str(device["id"]), position)
        reported = {**device, "status": status, "lastUpdate": REPORTED_AT, "positionId": key}
        self.storage.put(organization, "devices", str(device["id"]), reported)

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return the fleets given."""
        return [
            DemoAccount(fleet_name=fleet.name, account_id=fleet.id, credentials={"token": fleet.token}, settings={})
            for fleet in self._fleets.values()
        ]

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the endpoint table."""
        return (
            *(
                endpoint
                for path, of in (("/api/devices", self._devices), ("/api/drivers", self._drivers))
                for endpoint in (
                    Endpoint("GET", path, of.list),
                    Endpoint("POST", path, of.create),
                    Endpoint("GET", f"{path}/{{id}}", of.get),
                    Endpoint("PUT", f"{path}/{{id}}", of.update),
                    Endpoint("DELETE", f"{path}/{{id}}", of.delete),
                )
            ),
            Endpoint("POST", "/api/permissions", self.link),
            Endpoint("DELETE", "/api/permissions", self.unlink),
            Endpoint("GET", "/api/positions", self.list_positions),
            Endpoint("GET", "/api/commands/types", self.list_command_types),
            Endpoint("POST", "/api/commands/send", self.send_command),
        )

    def authenticate(self, arriving: Arriving) -> Caller:
        """Look the token up."""
        scheme, _, token = arriving.headers.get("Authorization", "").partition(" ")
        caller = self._callers.get(token) if scheme == "Bearer" else None
        if caller is None:
            raise RefusalError(401, "HTTP 401 Unauthorized - WebApplicationException (SecurityRequestFilter:118 < ...)")
        return caller

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return none: Traccar limits nothing."""
        del caller, endpoint
        return ()

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Answer with the bare text of an exception."""
        del path
        return Answer(refusal.status, refusal.message.encode(), refusal.headers, content_type="text/plain")

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return a collection as it is stored."""
        return list(self.storage.collection(organization, collection).values())

    def link(self, call: Call) -> Answer:
        """``POST /api/permissions``, of a device and a driver."""
        self._link(call.caller.organization, *self._pair(call))
        return Answer(204)

    def unlink(self, call: Call) -> Answer:
        """``DELETE /api/permissions``, of a device and a driver."""
        organization, (device_id, driver_id) = call.caller.organization, self._pair(call)
        if f"{device_id} {driver_id}" in self.storage.collection(organization, "links"):
            self.storage.delete(organization, "links", f"{device_id} {driver_id}")
        return Answer(204)

    def list_positions(self, call: Call) -> Answer:
        """``GET /api/positions``: the last one of each device."""
        return Answer(200, self.records(call.caller.organization, "positions"))

    def list_command_types(self, call: Call) -> Answer:
        """``GET /api/commands/types``: those that a device knows, as far as it has reported; without one, all there
        are.
        """
        device_id = call.query.get("deviceId")
        if device_id is None:
            known = {one for commands in PROTOCOLS.values() for one in commands}
        else:
            self._devices.find(call.caller.organization, device_id)
            known = set(self._commands(call.caller.organization, device_id))
        return Answer(200, [{"type": one} for one in sorted({*known, "custom"})])

    def send_command(self, call: Call) -> Answer:
        """``POST /api/commands/send``: at once to a device that is connected, else it waits until it is."""
        body = read_body(call)
        organization = call.caller.organization
        if not self._may_write(organization):
            raise fault("Operation restricted", "SecurityException")
        device = self._devices.find(organization, str(body.get("deviceId", 0)))
        command = {
            "id": 0,
            "attributes": body.get("attributes") or {},
            "deviceId": device["id"],
            "type": body.get("type"),
            "textChannel": body.get("textChannel", False),
            "description": body.get("description"),
        }
        is_sent = device["status"] == "online"
        if is_sent and command["type"] not in self._commands(organization, str(device["id"])):
            raise fault(f"Command {command['type']} is not supported", "RuntimeException")
        key = self.storage.next_number("next id of commands", 1)
        self.storage.put(organization, "commands", str(key), {**command, "sent": is_sent})
        return Answer(200, command) if is_sent else Answer(202, {**command, "id": key})

    def _commands(self, organization: str, device_id: str) -> tuple[str, ...]:
        position = self.storage.collection(organization, "positions").get(device_id)
        return PROTOCOLS[position["protocol"]] if position else ()

    def _pair(self, call: Call) -> tuple[int, int]:
        body, organization = read_body(call), call.caller.organization
        device = self._devices.find(organization, str(body.get("deviceId", 0)))
        driver = self._drivers.find(organization, str(body.get("driverId", 0)))
        return device["id"], driver["id"]

    def _link(self, organization: str, device_id: int, driver_id: int) -> None:
        self.storage.put(organization, "links", f"{device_id} {driver_id}", {"deviceId": device_id})

    def _may_write(self, organization: str) -> bool:
        return not self._fleets[organization].readonly
