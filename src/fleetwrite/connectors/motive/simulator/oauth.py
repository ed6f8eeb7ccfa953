"""The token endpoint: an authorisation code gives tokens once, and so does every refresh token.

A company's code is used up by its exchange; the next one then counts as given, as though the company had consented
anew. Refreshing ends the access token before.
"""

import secrets
from collections.abc import Iterable
from typing import Any, Final

from fleetwrite.connectors.motive.simulator.companies import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Company
from fleetwrite.connectors.sdk.simulator import Answer, Call, Caller, RefusalError, Sessions, Storage

ACCESS_TOKEN_LASTS_S: Final = 7200

_GRANTS, _REFRESH_TOKENS = "grants", "refresh tokens"


class TokenEndpoint:
    """Exchanges codes and refresh tokens of the one app."""

    def __init__(self, storage: Storage, sessions: Sessions, companies: Iterable[Company]) -> None:
        """Give tokens for these companies."""
        self._storage = storage
        self._sessions = sessions
        self._companies = tuple(companies)

    def auth_code(self, company: Company) -> str:
        """Return the code that a company has and nobody has used."""
        used = self._storage.setting(f"codes used by {company.key}") or 0
        return f"{company.auth_code}-{used}" if used else company.auth_code

    def caller_of(self, access_token: str) -> Caller | None:
        """Return whose token it is; None: nobody's, or not any more."""
        facts = self._sessions.find(access_token)
        if facts is None:
            return None
        grant = self._storage.collection(facts["company"], _GRANTS)[facts["grant"]]
        if grant["generation"] != facts["generation"]:
            return None
        return Caller(facts["company"], facts["grant"], frozenset(facts["scopes"]))

    def give_tokens(self, call: Call) -> Answer:
        """``POST /oauth/token``."""
        form = call.form()
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise RefusalError(401, "invalid_client")
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form)
            case "refresh_token":
                return self._refresh(form.get("refresh_token", ""))
            case _:
                raise RefusalError(400, "unsupported_grant_type")

    def _exchange(self, form: dict[str, str]) -> Answer:
        given = form.get("code", "")
        company = next((one for one in self._companies if self.auth_code(one) == given), None)
        if company is None or form.get("redirect_uri") != REDIRECT_URI:
            raise RefusalError(400, "invalid_grant")
        name = f"codes used by {company.key}"
        self._storage.set(name, (self._storage.setting(name) or 0) + 1)
        return self._issue(company.key, secrets.token_hex(8), {"scopes": sorted(company.scopes), "generation": 0})

    def _refresh(self, refresh_token: str) -> Answer:
        known = self._storage.collection("", _REFRESH_TOKENS).get(refresh_token)
        if known is None:
            raise RefusalError(400, "invalid_grant")
        self._storage.delete("", _REFRESH_TOKENS, refresh_token)
        grant = self._storage.collection(known["company"], _GRANTS)[known["grant"]]
        return self._issue(known["company"], known["grant"], {**grant, "generation": grant["generation"] + 1})

    def _issue(self, company: str, key: str, grant: dict[str, Any]) -> Answer:
        self._storage.put(company, _GRANTS, key, grant)
        facts = {"company": company, "grant": key, **grant}
        refresh_token = secrets.token_urlsafe(32)
        self._storage.put("", _REFRESH_TOKENS, refresh_token, {"company": company, "grant": key})
        return Answer(
            200,
            {
                "access_token": self._sessions.open(facts, lasts_s=ACCESS_TOKEN_LASTS_S),
                "token_type": "Bearer",
                "expires_in": ACCESS_TOKEN_LASTS_S,
                "refresh_token": refresh_token,
                "scope": " ".join(grant["scopes"]),
            },
        )
