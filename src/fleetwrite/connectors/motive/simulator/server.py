"""The Motive simulator: which endpoints there are, with which scope, for whom, and how errors look."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from fleetwrite.connectors.motive.simulator.activity import Activity
from fleetwrite.connectors.motive.simulator.collection import Collection
from fleetwrite.connectors.motive.simulator.companies import (
    CLIENT_ID,
    CLIENT_SECRET,
    REDIRECT_URI,
    Company,
    demo_companies,
)
from fleetwrite.connectors.motive.simulator.fleet import Assets, Vehicles
from fleetwrite.connectors.motive.simulator.oauth import TokenEndpoint
from fleetwrite.connectors.motive.simulator.people import Users
from fleetwrite.connectors.sdk.simulator import (
    Answer,
    Arriving,
    Call,
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

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
CONSENT_PATH: Final = "/oauth/authorize"

# Motive publishes no limit for its API; this is the most that was seen to be let through. How it counts is not
# documented either; a sliding window is the strictest way.
PER_COMPANY: Final = Limit(requests=60, per_seconds=60)
# Documented for the token endpoint.
PER_APP: Final = Limit(requests=3, per_seconds=1)

_APP: Final = Caller("", "the app", frozenset())
"""Who asks for tokens; the handler decides for whom."""

_BROWSER: Final = Caller("", "a browser", frozenset())
"""Who comes to consent, and signs in there."""


class MotiveSimulator(Simulator):
    """Companies with records apart, behind the endpoints that writes, look-ups and pulls need."""

    name = "motive"
    secret_fields = frozenset({"password", "client_secret", "code", "refresh_token"})
    collections = ("vehicles", "assets", "users", "messages", "fuel_purchases")

    def __init__(self, data_dir: Path, companies: Sequence[Company] | None = None, **options: Any) -> None:
        """Simulate these companies (two demonstration fleets where none are named) on the data in ``data_dir``.

        What a company holds is created at its first start only. Companies that earlier starts brought stay.
        """
        super().__init__(data_dir, **options)
        self._given = demo_companies() if companies is None else tuple(companies)

    @property
    def organization_ids(self) -> tuple[str, ...]:
        """All companies, also those of earlier starts."""
        return tuple(self._known())

    def prepare(self) -> None:
        """Create the companies that are new."""
        self._vehicles, self._assets = Vehicles(self.storage), Assets(self.storage)
        self._users = Users(self.storage)
        self._activity = Activity(self.storage, self._vehicles, self._users)
        self._oauth = TokenEndpoint(self.storage, self.sessions, self._given)
        known = self._known()
        new = [company for company in self._given if company.key not in known]
        self.storage.set("companies", {**known, **{company.key: company.name for company in self._given}})
        at = time.time()
        for company in new:
            for collection, bodies in (
                (self._users, company.users),
                (self._vehicles, company.vehicles),
                (self._assets, company.assets),
            ):
                for body in bodies:
                    collection.seed(company.key, body, at)

    def _known(self) -> dict[str, str]:
        """Return the name of every company by its id."""
        return dict(self.storage.setting("companies") or {})

    def demo_accounts(self) -> Sequence[DemoAccount]:
        """Return the companies given, each with an authorisation code that nobody has used."""
        return [
            DemoAccount(
                fleet_name=company.name,
                account_id=company.key,
                credentials={
                    "client_id": CLIENT_ID,
                    "client_secret": CLIENT_SECRET,
                    "redirect_uri": REDIRECT_URI,
                    "auth_code": self._oauth.auth_code(company),
                },
                settings={},
            )
            for company in self._given
        ]

    def demo_app(self) -> DemoApp:
        """Return the one app that there is."""
        return DemoApp(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the endpoint table: method, path, handler, scope."""
        activity = self._activity
        return (
            Endpoint("POST", TOKEN_PATH, self._oauth.give_tokens),
            Endpoint("GET", CONSENT_PATH, self._oauth.server.show),
            Endpoint("POST", CONSENT_PATH, self._oauth.server.decide),
            Endpoint("GET", "/v1/companies", self._list_companies, "companies.read"),
            *_endpoints(self._vehicles),
            *_endpoints(self._assets),
            *_endpoints(self._users),
            Endpoint("GET", "/v1/vehicles/lookup", self._vehicles.look_up, "vehicles.read"),
            Endpoint("GET", "/v1/users/lookup", self._users.look_up, "users.read"),
            Endpoint("GET", "/v2/messages", activity.list_messages, "messages.read"),
            Endpoint("POST", "/v2/messages", activity.send_message, "messages.manage"),
            Endpoint("GET", "/v1/fuel_purchases", activity.list_purchases, "fuel_purchases.read"),
            Endpoint("POST", "/v1/fuel_purchases", activity.create_purchase, "fuel_purchases.manage"),
        )

    def authenticate(self, arriving: Arriving) -> Caller:
        """Look the access token up."""
        if arriving.path == TOKEN_PATH:
            return _APP
        if arriving.path == CONSENT_PATH:
            return _BROWSER
        scheme, _, token = arriving.headers.get("Authorization", "").partition(" ")
        caller = self._oauth.server.caller_of(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise RefusalError(401, "invalid access token")
        return caller

    def limits(self, caller: Caller, endpoint: Endpoint | None) -> Sequence[KeyedLimit]:
        """Return the app's limit for tokens, the company's for all else."""
        del endpoint
        if caller is _APP:
            return [KeyedLimit(("app",), PER_APP)]
        if caller is _BROWSER:
            return []
        return [KeyedLimit(("company", caller.organization), PER_COMPANY)]

    def render(self, refusal: RefusalError, path: str) -> Answer:
        """Answer as the API does; the token endpoint has the form of OAuth."""
        content = {"error": refusal.message} if path == TOKEN_PATH else {"error_message": refusal.message}
        return Answer(refusal.status, content, refusal.headers)

    def records(self, organization: str, collection: str) -> list[Record]:
        """Return a collection as the endpoints of its name show it."""
        for held in (self._vehicles, self._assets, self._users):
            if held.plural == collection:
                return held.records(organization)
        return self._activity.records(organization, collection)

    def _list_companies(self, call: Call) -> Answer:
        """``GET /v1/companies``: the one whose token it is."""
        key = call.caller.organization
        company = {"id": int(key), "company_id": f"C-{key}", "name": self._known()[key]}
        return Answer(200, {"companies": [{"company": company}]})


def _endpoints(collection: Collection) -> Sequence[Endpoint]:
    path, read, manage = f"/v1/{collection.plural}", f"{collection.plural}.read", f"{collection.plural}.manage"
    return (
        Endpoint("GET", path, collection.list_page, read),
        Endpoint("POST", path, collection.create, manage),
        Endpoint("GET", f"{path}/lookup_by_external_id", collection.look_up_by_external_id, read),
        Endpoint("GET", f"{path}/{{id}}", collection.get, read),
        Endpoint("PUT", f"{path}/{{id}}", collection.update, manage),
    )
