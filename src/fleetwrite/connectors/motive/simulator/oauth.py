"""The token endpoint: an authorisation code gives tokens once, and so does every refresh token.

Beside the codes that the page to consent on gives, each company has one that counts as given. Its exchange uses it up;
the next one then counts as given, as though the company had consented anew.
"""

from collections.abc import Iterable
from typing import Final

from fleetwrite.connectors.motive.simulator.companies import (
    ALL_SCOPES,
    CLIENT_ID,
    CLIENT_SECRET,
    REDIRECT_URI,
    Company,
)
from fleetwrite.connectors.sdk.simulator import Answer, Call, RefusalError, Sessions, Storage
from fleetwrite.connectors.sdk.simulator.oauth import App, OAuthServer, Owner

ACCESS_TOKEN_LASTS_S: Final = 7200

_APP: Final = App(
    name="Fleetwrite",
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    redirect_uri=REDIRECT_URI,
    scopes=ALL_SCOPES,
)


class TokenEndpoint:
    """Exchanges codes and refresh tokens of the one app."""

    def __init__(self, storage: Storage, sessions: Sessions, companies: Iterable[Company]) -> None:
        """Give tokens for these companies."""
        self._storage = storage
        self._companies = tuple(companies)
        owners = (Owner(company.admin, company.key) for company in self._companies if company.admin)
        self.server = OAuthServer("Motive", _APP, owners, storage, sessions, lasts_s=ACCESS_TOKEN_LASTS_S)

    def auth_code(self, company: Company) -> str:
        """Return the code that a company has and nobody has used."""
        used = self._storage.setting(f"codes used by {company.key}") or 0
        return f"{company.auth_code}-{used}" if used else company.auth_code

    def give_tokens(self, call: Call) -> Answer:
        """``POST /oauth/token``."""
        form = call.form()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise RefusalError(401, "invalid_client")
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form)
            case "refresh_token":
                return self.server.refresh(form.get("refresh_token", ""))
            case _:
                raise RefusalError(400, "unsupported_grant_type")

    def _exchange(self, form: dict[str, str]) -> Answer:
        given = form.get("code", "")
        company = next((one for one in self._companies if self.auth_code(one) == given), None)
        if company is None or form.get("redirect_uri") != REDIRECT_URI:
            return self.server.exchange(given, form.get("redirect_uri", ""))
        name = f"codes used by {company.key}"
        self._storage.set(name, (self._storage.setting(name) or 0) + 1)
        return self.server.give(company.key, company.scopes)
