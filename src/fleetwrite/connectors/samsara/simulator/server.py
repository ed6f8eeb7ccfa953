"""The Samsara simulator: which endpoints there are, with which scope and limit, for whom, and how errors
look.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from fleetwrite.connectors.samsara.simulator.activity import ActivityEndpoints
from fleetwrite.connectors.samsara.simulator.assets import ASSET, AssetEndpoints
from fleetwrite.connectors.samsara.simulator.directory import Directory
from fleetwrite.connectors.samsara.simulator.oauth import (
    CLIENT_ID,
    CLIENT_SECRET,
    CONSENT_PATH,
    REVOKE_PATH,
    TOKEN_PATH,
    AppEndpoints,
)
from fleetwrite.connectors.samsara.simulator.organizations import (
    Organization,
    demo_organizations,
    fingerprint,
)
from fleetwrite.connectors.samsara.simulator.people import DRIVER, USER, PeopleEndpoints
from fleetwrite.connectors.sdk.simulator import (
    Answer,
    Arriving,
    Caller,
    DemoAccount,
    DemoApp,
    Endpoint,
    KeyedLimit,
    Limit,
    Record,
    RefusalError,
    Simulator,
)

# Global ceilings and endpoint tiers of the page on rate limits. How the provider counts is not documented; a
# sliding window is the strictest way, so that whoever keeps to it keeps to the others.
PER_TOKEN = Limit(requests=150, per_seconds=1)
PER_ORGANIZATION = Limit(requests=200, per_seconds=1)
LEVEL_ONE = Limit(requests=100, per_seconds=60)
LEVEL_TWO = Limit(requests=5, per_seconds=1)
LEGACY_TIER_1 = Limit(requests=25, per_seconds=1)

MESSAGES_PATH = "/v1/fleet/messages"

# The legacy API declares its own error bodies as bare strings; what stands in front of it answers like
# everywhere else.
_LEGACY_ERRORS = (400, 404)

_OAUTH_PATHS = frozenset({CONSENT_PATH, TOKEN_PATH, REVOKE_PATH})

_VISITOR = Caller("", "a visitor", frozenset())
"""A browser that comes to consent, or an app that asks for tokens: both prove themselves to the handler."""


class SamsaraSimulator(Simulator):
    """Organisations with tokens and records apart, behind the endpoints that writes, look-ups and pulls need."""

    name = "samsara"
    secret_fields = frozenset({"password", "code", "refresh_token", "token"})
    collections = (
        *("vehicles", "trailers", "assets", "drivers", "users", "user-roles", "tags"),
        *("messages", "dvirs", "fuel-purchase"),
    )

    def __init__(self, data_dir: Path, organizations: Sequence[Organization] | None = None, **options: Any) -> None:
        """Simulate these organisations (two demonstration fleets where none are named) on the data in
        ``data_dir``.

        Names and tokens are taken over at every start; what an organisation holds is created at its first
        start only. Organisations that earlier starts brought stay.
        """
        super().__init__(data_dir, **options)
        self._given = demo_organizations() if organizations is None else tuple(organizations)
        self._callers: dict[str, Caller] = {}

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """All organisations, also those of earlier starts."""
        return tuple(self._known())

    def prepare(self) -> None:
        """Create the organisations that are new and learn all tokens.

        Raises:
            ValueError: a token belongs to two organisations.
        """
        directory = Directory(self.storage)
        self._assets = AssetEndpoints(directory)
        self._people = PeopleEndpoints(directory)
        self._activity = ActivityEndpoints(directory)
        self._apps = AppEndpoints(self.storage, self.sessions, self._given)
        known = self._known()
        new = [organization for organization in self._given if organization.id not in known]
        for organization in self._given:
            known[organization.id] = {
                "name": organization.name,
                "tokens": {token.fingerprint: sorted(token.scopes) for token in organization.tokens},
            }
        tokens = [token for organization in known.values() for token in organization["tokens"]]
        if len(tokens) != len(set(tokens)):
            raise ValueError("two organizations have the same token: give each its own")
        self.storage.set("organizations", known)
        for organization in new:
            self._seed(organization, time.time())
        self._callers = {
            token: Caller(key, token, frozenset(scopes))
            for key, organization in known.items()
            for token, scopes in organization["tokens"].items()
        }

    def _known(self) -> dict[str, Any]:
        """Return name and tokens (their fingerprints only) of every organisation by its id."""
        return dict(self.storage.setting("organizations") or {})

    def _seed(self, organization: Organization, at: float) -> None:
        key = organization.id
        for name in organization.roles:
            self._people.create_role(key, name)
        for name in organization.tags:
            self._people.create_tag(key, name)
        roles = {role["name"]: role["id"] for role in self.storage.collection(key, "user-roles").values()}
        for driver in organization.drivers:
            self._people.create(key, DRIVER.check(driver), at)
        for user in organization.users:
            body = {name: value for name, value in user.items() if name != "role"}
            body["roles"] = [{"roleId": roles[user["role"]]}]
            self._people.create_user_record(key, USER.check(body))
        for kind, bodies in (("vehicle", organization.vehicles), ("trailer", organization.trailers)):
            for asset in bodies:
                self._assets.create(key, ASSET.check({**asset, "type": kind}), at)

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return the organisations given, with an office user for inspections and the least role for new ones."""
        accounts = []
        for organization in self._given:
            roles = self.storage.collection(organization.id, "user-roles").values()
            users = self.storage.collection(organization.id, "users").values()
            accounts.append(
                DemoAccount(
                    fleet_name=organization.name,
                    account_id=organization.id,
                    credentials={"token": organization.tokens[0].secret},
                    settings={
                        "dvir_author_id": next(user["id"] for user in users),
                        "office_role_id": next(role["id"] for role in roles if role["name"] == organization.roles[-1]),
                    },
                )
            )
        return accounts

    def demo_app(self) -> DemoApp:
        """Return the one app that there is."""
        return DemoApp(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the endpoint table: method, path, handler, scope, limit per organisation."""
        assets, people, activity = self._assets, self._people, self._activity
        return (
            Endpoint("GET", "/me", people.me, "Read Org Information", LEVEL_TWO),
            Endpoint("GET", "/fleet/vehicles", assets.list_vehicles, "Read Vehicles", LEGACY_TIER_1),
            Endpoint("GET", "/fleet/vehicles/{id}", assets.get_vehicle, "Read Vehicles", LEGACY_TIER_1),
            Endpoint("PATCH", "/fleet/vehicles/{id}", assets.update_vehicle, "Write Vehicles", LEVEL_ONE),
            Endpoint("GET", "/assets", assets.list_assets, "Read Assets", LEVEL_TWO),
            Endpoint("POST", "/assets", assets.create_asset, "Write Assets", LEVEL_ONE),
            Endpoint("PATCH", "/assets", assets.update_asset, "Write Assets", LEVEL_ONE),
            Endpoint("GET", "/fleet/trailers", assets.list_trailers, "Read Trailers", LEVEL_TWO),
            Endpoint("POST", "/fleet/trailers", assets.create_trailer, "Write Trailers", LEVEL_ONE),
            Endpoint("GET", "/fleet/trailers/{id}", assets.get_trailer, "Read Trailers", LEVEL_TWO),
            Endpoint("PATCH", "/fleet/trailers/{id}", assets.update_trailer, "Write Trailers", LEVEL_ONE),
            Endpoint("DELETE", "/fleet/trailers/{id}", assets.delete_trailer, "Write Trailers", LEVEL_ONE),
            Endpoint("GET", "/fleet/drivers", people.list_drivers, "Read Drivers", LEVEL_TWO),
            Endpoint("POST", "/fleet/drivers", people.create_driver, "Write Drivers", LEVEL_ONE),
            Endpoint("GET", "/fleet/drivers/{id}", people.get_driver, "Read Drivers", LEGACY_TIER_1),
            Endpoint("PATCH", "/fleet/drivers/{id}", people.update_driver, "Write Drivers", LEVEL_ONE),
            Endpoint("GET", "/users", people.list_users, "Read Users", LEVEL_TWO),
            Endpoint("POST", "/users", people.create_user, "Write Users", LEVEL_ONE),
            Endpoint("GET", "/users/{id}", people.get_user, "Read Users", LEVEL_TWO),
            Endpoint("PATCH", "/users/{id}", people.update_user, "Write Users", LEVEL_ONE),
            Endpoint("DELETE", "/users/{id}", people.delete_user, "Write Users", LEVEL_ONE),
            Endpoint("GET", "/user-roles", people.list_roles, "Read Users", LEVEL_TWO),
            Endpoint("GET", "/tags", people.list_tags, "Read Tags", LEVEL_TWO),
            Endpoint("GET", MESSAGES_PATH, activity.list_messages, "Read Messages", LEVEL_ONE),
            Endpoint("POST", MESSAGES_PATH, activity.send_messages, "Write Messages", LEVEL_ONE),
            Endpoint("POST", "/fleet/dvirs", activity.create_dvir, "Write DVIRs", LEVEL_ONE),
            Endpoint("GET", "/dvirs/stream", activity.stream_dvirs, "Read DVIRs", LEVEL_TWO),
            Endpoint("POST", "/fuel-purchase", activity.create_fuel_purchase, "Write Fuel Purchase", LEVEL_ONE),
            Endpoint("GET", CONSENT_PATH, self._apps.show),
            Endpoint("POST", CONSENT_PATH, self._apps.decide),
            Endpoint("POST", TOKEN_PATH, self._apps.give_tokens),
            Endpoint("POST", REVOKE_PATH, self._apps.revoke),
        )

    def authenticate(self, arriving: Arriving) -> Caller:
        """Look the bearer token up: one that an organisation made, or one that an app was given."""
        if arriving.path in _OAUTH_PATHS:
            return _VISITOR
        scheme, _, secret = arriving.headers.get("Authorization", "").partition(" ")
        token = secret.strip() if scheme.lower() == "bearer" else ""
        caller = self._callers.get(fingerprint(token)) or self._apps.caller_of(token)
        if caller is None:
            raise RefusalError(401, "The API token is missing or invalid.")
        return caller

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the token's, the organisation's and the endpoint's limit; the last is shared by all its
        tokens.
        """
        if caller is _VISITOR:
            return []
        limits = [
            KeyedLimit(("token", caller.token), PER_TOKEN),
            KeyedLimit(("organization", caller.organization), PER_ORGANIZATION),
        ]
        if endpoint is not None and endpoint.limit is not None:
            key = ("endpoint", caller.organization, endpoint.method, endpoint.path)
            limits.append(KeyedLimit(key, endpoint.limit))
        return limits

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Answer with message and request id; the legacy API with the message alone, OAuth in its own form."""
        if path in _OAUTH_PATHS:
            return Answer(refusal.status, {"error": refusal.message}, refusal.headers)
        if path == MESSAGES_PATH and refusal.status in _LEGACY_ERRORS:
            return Answer(refusal.status, refusal.message, refusal.headers)
        return Answer(refusal.status, {"message": refusal.message, "requestId": str(uuid4())}, refusal.headers)

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return a collection as the endpoints of its name show it, and what else is stored."""
        if collection in ("vehicles", "trailers", "assets"):
            return self._assets.records(organization, {"vehicles": "vehicle", "trailers": "trailer"}.get(collection))
        if collection in ("messages", "dvirs", "fuel-purchase"):
            return self._activity.records(organization, collection)
        return self._people.records(organization, collection)
