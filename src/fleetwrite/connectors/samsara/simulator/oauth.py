"""OAuth for apps that many organisations install: the endpoints below `/oauth2/`."""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from fleetwrite.connectors.samsara.simulator.organizations import ALL_SCOPES, Organization
from fleetwrite.connectors.sdk.simulator import Answer, Call, Caller, RefusalError, Sessions, Storage
from fleetwrite.connectors.sdk.simulator.oauth import App, OAuthServer, Owner

CONSENT_PATH: Final = "/oauth2/authorize"
TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path
REVOKE_PATH: Final = "/oauth2/revoke"

CLIENT_ID: Final = "samsara_demo_app"
CLIENT_SECRET: Final = "samsara_demo_app_secret"  # noqa: S105 - opens nothing but this simulator
REDIRECT_URI: Final = "https://gateway.example/oauth/samsara"

ACCESS_TOKEN_LASTS_S: Final = 3600

_APP: Final = App(
    name="Fleetwrite",
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    redirect_uri=REDIRECT_URI,
    scopes=ALL_SCOPES,
)


class AppEndpoints:
    """The page to consent on, and what an app proves itself to by HTTP Basic: tokens, and their end."""

    def __init__(self, storage: Storage, sessions: Sessions, organizations: Iterable[Organization]) -> None:
        """Let the app in to these organisations."""
        owners = (Owner(one.admin, one.id) for one in organizations if one.admin)
        self._server = OAuthServer("Samsara", _APP, owners, storage, sessions, lasts_s=ACCESS_TOKEN_LASTS_S)

    def caller_of(self, access_token: str) -> Caller | None:
        """Return whose token it is; None: nobody's, or not any more."""
        return self._server.caller_of(access_token)

    def show(self, call: Call) -> Answer:
        """``GET /oauth2/authorize``."""
        return self._server.show(call)

    def decide(self, call: Call) -> Answer:
        """``POST /oauth2/authorize``: what the page sends."""
        return self._server.decide(call)

    def give_tokens(self, call: Call) -> Answer:
        """``POST /oauth2/token``."""
        _require_app(call)
        form = call.form()
        match form.get("grant_type"):
            case "authorization_code":
                return self._server.exchange(form.get("code", ""), form.get("redirect_uri"))
            case "refresh_token":
                return self._server.refresh(form.get("refresh_token", ""))
            case _:
                raise RefusalError(400, "unsupported_grant_type")

    def revoke(self, call: Call) -> Answer:
        """``POST /oauth2/revoke``."""
        _require_app(call)
        return self._server.revoke(call.form().get("token", ""))


def _require_app(call: Call) -> None:
    scheme, _, encoded = call.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    if scheme.lower() != "basic" or given != f"{CLIENT_ID}:{CLIENT_SECRET}":
        raise RefusalError(401, "invalid_client", {"WWW-Authenticate": "Basic"})
