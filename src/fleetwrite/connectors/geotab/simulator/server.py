"""The Geotab simulator: one address, its operations with their limits, sessions, and how errors look."""

import hmac
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from fleetwrite.connectors.geotab.simulator.databases import IMPERSONATE, Database, Login, demo_databases
from fleetwrite.connectors.geotab.simulator.entities import Entities
from fleetwrite.connectors.geotab.simulator.kinds import (
    DEVICE,
    DVIR_LOG,
    FUEL_TRANSACTION,
    KINDS,
    TEXT_MESSAGE,
    USER,
    GeotabError,
    Kind,
    written,
)
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

PATH = "/apiv1"
HERE = "ThisServer"

PER_MINUTE = 60.0
LOGINS = Limit(requests=10, per_seconds=PER_MINUTE)
USUAL = Limit(requests=100, per_seconds=PER_MINUTE)
_LIMITS = {
    "Add User": Limit(requests=250, per_seconds=PER_MINUTE),
    "Get DeviceStatusInfo": Limit(requests=900, per_seconds=PER_MINUTE),
    "GetFeed TextMessage": Limit(requests=60, per_seconds=PER_MINUTE),
}

# When everything was made that a database starts with.
SEEDED_AT = datetime(2024, 1, 1, tzinfo=UTC).timestamp()

# What the base refuses, as this provider says it.
_ERRORS = {
    403: ("InvalidPermissionsException", -32000),
    404: ("MissingMethodException", -32601),
    429: ("OverLimitException", -32000),
}


class GeotabSimulator(Simulator):
    """Databases with users and entities apart, behind the operations that writes, look-ups and pulls need."""

    name = "geotab"
    secret_fields = frozenset({"password", "userName", "sessionId"})
    collections = tuple(kind.name for kind in KINDS)

    def __init__(
        self,
        data_dir: Path,
        databases: Sequence[Database] | None = None,
        *,
        host: str | None = None,
        **options: Any,
    ) -> None:
        """Simulate these databases (two demonstration fleets where none are named) on the data in ``data_dir``.

        What a database holds is created at its first start only. ``host`` is the name of the host at which the
        databases are: signing in names it, and nothing else is answered elsewhere; None: the host that was asked.
        """
        super().__init__(data_dir, **options)
        self._databases = {one.name: one for one in (demo_databases() if databases is None else databases)}
        self._host = host

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """The names of all databases."""
        return tuple(self._databases)

    def prepare(self) -> None:
        """Create what new databases start with."""
        groups = {name: frozenset(database.groups) for name, database in self._databases.items()}
        self._entities = Entities(self.storage, groups)
        self._rights = frozenset({IMPERSONATE, *(one.scope for one in self.endpoints() if one.scope)})
        seeded = list(self.storage.setting("databases") or ())
        for database in self._databases.values():
            if database.name not in seeded:
                self._seed(database)
                seeded.append(database.name)
        self.storage.set("databases", seeded)

    def _seed(self, database: Database) -> None:
        seeder = Caller(database.name, "", frozenset())
        for user in database.users:
            self._entities.add(seeder, USER, user, SEEDED_AT)
        drivers = [self._entities.add(seeder, USER, driver, SEEDED_AT) for driver in database.drivers]
        vehicles = [self._entities.add(seeder, DEVICE, vehicle, SEEDED_AT) for vehicle in database.vehicles]
        for trailer in database.trailers:
            self._entities.add(seeder, DEVICE, trailer, SEEDED_AT)
        for driver_id, device_id in list(zip(drivers, vehicles, strict=False))[: database.driving]:
            self._entities.seat(database.name, driver_id, device_id, SEEDED_AT)

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return each database with its first login."""
        return [
            DemoAccount(
                fleet_name=database.fleet_name,
                account_id=database.name,
                credentials={
                    "username": database.logins[0].username,
                    "password": database.logins[0].password,
                    "database": database.name,
                },
                settings={},
            )
            for database in self._databases.values()
        ]

    def receive(self, database: str, message_id: str, at: float, *, is_read: bool) -> None:
        """Let a message reach its vehicle, and be read there, where ``is_read``."""
        self._entities.receive(database, message_id, at, is_read=is_read)
        self.storage.commit()

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the operations: all at one address, each with the right and the limit that it has."""
        return (
            Endpoint("POST", PATH, self._authenticate, limit=LOGINS, operation="Authenticate"),
            *self._operations("Get", self._get, *KINDS),
            *self._operations("GetFeed", self._feed, TEXT_MESSAGE),
            *self._operations("GetCountOf", self._count, DEVICE, USER),
            *self._operations("Add", self._add, DEVICE, USER, TEXT_MESSAGE, DVIR_LOG, FUEL_TRANSACTION),
            *self._operations("Set", self._set, DEVICE, USER, DVIR_LOG, FUEL_TRANSACTION),
            *self._operations("Remove", self._remove, DEVICE, USER),
        )

    def _operations(
        self, method: str, work: Callable[[Caller, Kind, Record, float], Any], *kinds: Kind
    ) -> list[Endpoint]:
        def handler(kind: Kind) -> Callable[[Call], Answer]:
            return lambda call: _result(work(call.caller, kind, call.json()["params"], call.at))

        return [
            Endpoint(
                "POST",
                PATH,
                handler(kind),
                scope=f"{method} {kind.name}",
                limit=_LIMITS.get(f"{method} {kind.name}", USUAL),
                operation=f"{method} {kind.name}",
            )
            for kind in kinds
        ]

    def operation(self, arriving: Arriving) -> str | None:
        """Return method and entity, as the body says."""
        match arriving.json():
            case {"method": str(method), "params": {"typeName": str(type_name)}}:
                return f"{method} {type_name}"
            case {"method": str(method)}:
                return method
        return None

    def authenticate(self, arriving: Arriving) -> Caller:
        """Look the session up, and whether its database is at this host."""
        if arriving.path != PATH:
            raise RefusalError(404, "Not found.")
        match arriving.json():
            case {"method": "Authenticate", "params": {"userName": str(user_name), "database": str(database)}}:
                return Caller(database, user_name, frozenset())
            case {"method": str(), "params": {"credentials": {"sessionId": str(session_id), **credentials}}}:
                session = self.sessions.find(session_id)
                if session is None or session != credentials or self._is_elsewhere(arriving.headers["Host"]):
                    raise GeotabError("InvalidUserException", "The session is not known.")
                return self._caller(session["database"], session["userName"])
            case {"method": str()}:
                raise GeotabError("InvalidUserException", "Credentials are missing.")
        raise GeotabError("JsonSerializerException", "The body is no call.", -32700)

    def _caller(self, database: str, user_name: str) -> Caller:
        login = self._login(database, user_name)
        forbidden = frozenset() if login is None else login.forbidden
        return Caller(database, user_name, self._rights - forbidden)

    def _login(self, database: str, user_name: str) -> Login | None:
        logins = self._databases[database].logins if database in self._databases else ()
        return next((login for login in logins if login.username == user_name), None)

    def _is_elsewhere(self, host: str) -> bool:
        return self._host is not None and host.partition(":")[0] != self._host

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the operation's limit, for each user and database."""
        if endpoint is None or endpoint.limit is None:
            return ()
        return (KeyedLimit((endpoint.operation, caller.token, caller.organization), endpoint.limit),)

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Answer with an error in a body of status 200; what never got as far as the API, with a page."""
        if isinstance(refusal, GeotabError):
            return _error(refusal.kind, refusal.code, refusal.message)
        if path != PATH or refusal.status not in _ERRORS:
            page = f"<html><body><h1>{refusal.status}</h1>{refusal.message}</body></html>"
            return Answer(refusal.status, page.encode(), refusal.headers, content_type="text/html")
        kind, code = _ERRORS[refusal.status]
        headers = dict(refusal.headers)
        if refusal.status == 429 and "Retry-After" in headers:
            wait_s = math.ceil(float(headers["Retry-After"]))
            headers["Retry-After"] = str(wait_s)
            headers |= {"X-Rate-Limit-Limit": "1m", "X-Rate-Limit-Remaining": "0"}
            headers["X-Rate-Limit-Reset"] = written(datetime.now(UTC).timestamp() + wait_s)
        return _error(kind, code, refusal.message, headers)

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return a collection with all that is stored."""
        return list(self.storage.collection(organization, collection).values())

    def _authenticate(self, call: Call) -> Answer:
        """``Authenticate``: a session, and the host at which the database is."""
        params = call.json()["params"]
        if call.caller.organization not in self._databases:
            raise GeotabError("DbUnavailableException", "UnknownDatabase")
        login = self._login(call.caller.organization, call.caller.token)
        if login is None or not hmac.compare_digest(str(params.get("password")).encode(), login.password.encode()):
            raise GeotabError("InvalidUserException", "Incorrect login credentials.")
        facts = {"database": call.caller.organization, "userName": login.username}
        session_id = self.sessions.open(facts)
        port = call.headers["Host"].partition(":")[2]
        path = HERE if self._host is None else f"{self._host}:{port}"
        return _result({"credentials": {**facts, "sessionId": session_id}, "path": path})

    def _get(self, caller: Caller, kind: Kind, params: Record, at: float) -> list[Record]:
        del at
        return self._entities.get(caller, kind, params)

    def _feed(self, caller: Caller, kind: Kind, params: Record, at: float) -> Record:
        del at
        return self._entities.feed(caller, kind, params)

    def _count(self, caller: Caller, kind: Kind, params: Record, at: float) -> int:
        del at
        return self._entities.count(caller, kind, params.get("search") or {})

    def _add(self, caller: Caller, kind: Kind, params: Record, at: float) -> str:
        return self._entities.add(caller, kind, _entity(params), at)

    def _set(self, caller: Caller, kind: Kind, params: Record, at: float) -> None:
        del at
        self._entities.set(caller, kind, _entity(params))

    def _remove(self, caller: Caller, kind: Kind, params: Record, at: float) -> None:
        del at
        self._entities.remove(caller, kind, _entity(params))


def _entity(params: Record) -> Record:
    entity = params.get("entity")
    if not isinstance(entity, dict):
        raise GeotabError("ArgumentNullException", "'entity' must be given.")
    return entity


def _result(result: Any) -> Answer:
    return Answer(200, {"result": result, "jsonrpc": "2.0"})


def _error(kind: str, code: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Return an error in both forms: the class in ``data.type``, and in the older list."""
    error = {
        "message": message,
        "code": code,
        "data": {"id": str(uuid4()), "type": kind, "requestIndex": 0},
        "name": "JSONRPCError",
        "errors": [{"message": message, "name": kind}],
    }
    return Answer(200, {"error": error, "jsonrpc": "2.0"}, headers or {})
