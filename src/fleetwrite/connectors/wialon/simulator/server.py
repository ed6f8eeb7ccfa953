"""The Wialon simulator: one address, which services it has, for whom, and how errors look."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fleetwrite.connectors.sdk.simulator import (
    Answer,
    Arriving,
    Call,
    Caller,
    DemoAccount,
    Endpoint,
    KeyedLimit,
    Limit,
    Record,
    RefusalError,
    Simulator,
)
from fleetwrite.connectors.wialon.simulator.accounts import DEVICE_TYPES, Account, demo_accounts, fingerprint
from fleetwrite.connectors.wialon.simulator.errors import Params, WialonError
from fleetwrite.connectors.wialon.simulator.members import Members
from fleetwrite.connectors.wialon.simulator.search import Searching
from fleetwrite.connectors.wialon.simulator.units import Units

PATH = "/wialon/ajax.html"
LOG_IN = "token/login"
BATCH = "core/batch"

IDLE_S = 300.0
"""A session ends after so long without a call."""

# Both for the address that the calls come from, which is one here.
LOGINS = KeyedLimit("logins", Limit(requests=120, per_seconds=60))
FAILED_LOGINS = KeyedLimit("failed logins", Limit(requests=10, per_seconds=60))

Service = Callable[[str, Params, float], Any]
"""Does what a service does, for an account, with parameters, at an instant; returns the answer's JSON."""

# Whose login the token is that nobody knows.
NOBODY = Caller("", "nobody", frozenset())


class WialonSimulator(Simulator):
    """Accounts with a token and items each, behind the services that writes, look-ups and pulls need."""

    name = "wialon"
    secret_fields = frozenset({"token", "sid", "eid", "pwd", "psw"})
    collections = ("units", "resources", "users", "drivers", "trailers", "commands", "fillings")

    def __init__(self, data_dir: Path, accounts: Sequence[Account] | None = None, **options: Any) -> None:
        """Simulate these accounts (two demonstration fleets where none are named) on the data in ``data_dir``.

        Names and tokens are taken over at every start; what an account holds is created at its first start only.
        """
        super().__init__(data_dir, **options)
        self._given = demo_accounts() if accounts is None else tuple(accounts)
        self._services: Mapping[str, Service] = {}

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """All accounts, also those of earlier starts."""
        return tuple(self._known())

    def prepare(self) -> None:
        """Create the accounts that are new and learn all tokens."""
        self._units, self._members = Units(self.storage), Members(self.storage)
        searching = Searching(self.storage)
        self._services = {
            "core/search_item": searching.search_item,
            "core/search_items": searching.search_items,
            "core/get_hw_types": self._units.device_types,
            "core/create_unit": self._units.create,
            "item/update_name": self._units.rename,
            "item/update_profile_field": self._units.set_profile_field,
            "item/update_custom_field": self._units.set_custom_field,
            "unit/set_active": self._units.set_active,
            "unit/exec_cmd": self._units.execute,
            "unit/registry_fuel_filling_event": self._units.register_filling,
            "messages/load_interval": self._units.load_interval,
            "resource/update_driver": self._members.update_driver,
            "resource/update_trailer": self._members.update_trailer,
            "resource/bind_unit_driver": self._members.bind_driver,
        }
        known = self._known()
        new = [account for account in self._given if str(account.id) not in known]
        known |= {str(one.id): {"token": fingerprint(one.token), "user": one.user_id} for one in self._given}
        self.storage.set("accounts", known)
        for account in new:
            self._seed(account, time.time())

    def endpoints(self) -> Sequence[Endpoint]:
        """Return a row for each service; all have the same address."""
        names = (LOG_IN, BATCH, *self._services)
        return [Endpoint("POST", PATH, self._serve_service, operation=name) for name in names]

    def operation(self, arriving: Arriving) -> str | None:
        """Return the service that is called."""
        return arriving.form().get("svc") if arriving.path == PATH else None

    def authenticate(self, arriving: Arriving) -> Caller:
        """Return whose call it is, by its session; a login is let through as whose token it is."""
        form = arriving.form()
        svc = form.get("svc", "")
        if arriving.path == PATH and svc not in {LOG_IN, BATCH, *self._services}:
            raise WialonError(2)
        if svc == LOG_IN:
            token = _params(form.get("params", "")).get("token")
            owner = self._owner(token) if isinstance(token, str) else None
            return NOBODY if owner is None else Caller(owner, "login", frozenset())
        session = self.sessions.find(form.get("sid", ""))
        if session is None:
            raise WialonError(1)
        return Caller(session["account"], "session", frozenset())

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the limits of logins; no others are counted by time."""
        if endpoint is None or endpoint.operation != LOG_IN:
            return []
        return [LOGINS, FAILED_LOGINS] if caller is NOBODY else [LOGINS]

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Return an error in Wialon's own way; what has an HTTP status comes from a server in front of it."""
        del path
        if isinstance(refusal, WialonError):
            return Answer(200, refusal.document)
        page = f"<html><body><h1>{refusal.status} {refusal.message}</h1></body></html>"
        return Answer(refusal.status, page.encode(), refusal.headers, content_type="text/html")

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return an account's records as they are stored."""
        return list(self.storage.collection(organization, collection).values())

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return the accounts given, with the device type of new units."""
        return [
            DemoAccount(
                fleet_name=account.name,
                account_id=str(account.id),
                credentials={"token": account.token},
                settings={"hw_type_id": str(DEVICE_TYPES[0]["id"])},
            )
            for account in self._given
        ]

    def _serve_service(self, call: Call) -> Answer:
        form = call.form()
        svc, params = form["svc"], _params(form.get("params", "{}"))
        if svc == LOG_IN:
            return Answer(200, self._log_in(call.caller, params))
        if svc == BATCH:
            return Answer(200, self._batch(call, params))
        return Answer(200, self._services[svc](call.caller.organization, params, call.at))

    def _log_in(self, caller: Caller, params: Params) -> Any:
        if not isinstance(params.get("token"), str) or "fl" not in params:
            raise WialonError(4)
        if caller is NOBODY:
            raise WialonError(8, "INVALID_AUTH_TOKEN")
        account = caller.organization
        user = self.storage.collection(account, "users")[str(self._known()[account]["user"])]
        sid = self.sessions.open({"account": account}, idle_s=IDLE_S)
        return {
            "host": "127.0.0.1",
            "eid": sid,
            "tm": int(time.time()),
            "au": user["nm"],
            "user": {name: user[name] for name in ("nm", "cls", "id", "mu", "uacl", "crt", "bact")},
        }

    def _batch(self, call: Call, params: Params) -> list[Any]:
        """Do several services in order; with the flag 1, none behind the first that fails."""
        results: list[Any] = []
        has_failed = False
        for part in params.get("params") or ():
            if has_failed and params.get("flags") == 1:
                results.append({"error": 10})
                continue
            try:
                service = self._services[part["svc"]]
                results.append(service(call.caller.organization, part["params"], call.at))
            except WialonError as error:
                has_failed = True
                results.append(error.document)
        return results

    def _owner(self, token: str) -> str | None:
        """Return the account whose token this is."""
        mark = fingerprint(token)
        return next((key for key, account in self._known().items() if account["token"] == mark), None)

    def _known(self) -> dict[str, Any]:
        """Return token (its fingerprint only) and user of every account by its id."""
        return dict(self.storage.setting("accounts") or {})

    def _seed(self, account: Account, at: float) -> None:
        key = str(account.id)
        base = {"uacl": 1099511627775, "mu": 0, "crt": account.user_id, "bact": account.id}
        user = {**base, "id": account.user_id, "nm": account.name.lower().replace(" ", "."), "cls": 1}
        self.storage.put(key, "users", str(account.user_id), user)
        self.storage.put(key, "resources", key, {**base, "id": account.id, "nm": account.name, "cls": 3})
        units = [self._seed_unit(account, unit) for unit in account.units]
        for position, (name, seat) in enumerate(account.drivers):
            bound = {} if seat is None else {"bu": units[seat]["id"], "bt": int(at) - 86400}
            # With a mobile key, which nobody may read out of a log.
            fields = {"n": name, "p": f"+1555{account.id % 1000:04}{position}", "pwd": fingerprint(name)[:12], **bound}
            self._members.add(key, account.id, "drivers", fields)
        for trailer in account.trailers:
            self._members.add(key, account.id, "trailers", trailer)
        for position, trailers in enumerate(account.resources, 1):
            resource_id = account.id + position
            resource = {**base, "id": resource_id, "nm": f"{account.name} {position}", "cls": 3}
            self.storage.put(key, "resources", str(resource_id), resource)
            for number in range(trailers):
                self._members.add(key, resource_id, "trailers", {"n": f"Spare {position}-{number}"})

    def _seed_unit(self, account: Account, unit: dict[str, Any]) -> Record:
        made = self._units.add(str(account.id), account.user_id, unit["nm"], DEVICE_TYPES[0]["id"])
        profile = enumerate(unit.get("profile", {}).items(), 1)
        # The first says the same always, whatever it is sent with.
        texts = {"Call in": "Call dispatch, please.", **({"Message": ""} if unit.get("takes_messages") else {})}
        commands = [
            {"id": key, "n": name, "c": "driver_msg", "l": "", "p": text, "a": 16777216, "f": 0}
            for key, (name, text) in enumerate(texts.items(), 1)
        ]
        whole = {
            **made,
            "mu": unit.get("mu", 0),
            "uid": unit.get("uid", ""),
            "pflds": {str(key): {"id": key, "n": name, "v": value} for key, (name, value) in profile},
            "cml": {str(command["id"]): command for command in commands},
        }
        self._units.put(str(account.id), whole)
        return whole


def _params(text: str) -> Params:
    try:
        params = msgspec.json.decode(text)
    except msgspec.DecodeError:
        params = None
    if not isinstance(params, dict):
        raise WialonError(4, "VALIDATE_PARAMS_ERROR")
    return params
