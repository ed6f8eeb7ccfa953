"""Motive's OAuth: an authorisation code gives the first tokens, a refresh token, which works once, the next.

Guides and reference: developer.gomotive.com/docs/oauth-20, /reference/identify-a-company-using-its-access-token.
"""

from collections.abc import Mapping
from typing import Final

from fleetwrite.connectors.motive.endpoints import LOGIN, TOKEN_PATH
from fleetwrite.connectors.motive.manifest import API_ADDRESS, OAUTH_ADDRESS, OAUTH_URL_SETTING
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request, form_request
from fleetwrite.connectors.sdk.write import Call

USUAL_LIFETIME_S: Final = 7200.0
"""How long an access token lasts where the answer does not say."""

_LONGEST_CODE: Final = 40
"""OAuth's own codes have half of that."""

_REMEDIES: Final = {"invalid_client": "client_id and client_secret are not those of an app that Motive knows"}
"""OAuth's code of a refusal -> what to do, where that is not to consent anew."""

# The statuses with which OAuth refuses a code, a refresh token or the client (RFC 6749, section 5.2).
_REFUSALS: Final = frozenset({400, 401})


async def log_in(login: Login, session: Session) -> NewSession:
    """Exchange the refresh token, or else the authorisation code, for tokens.

    Raises:
        LoginRefusedError: Motive does not accept it; an authorisation code is good for one exchange.
        ProviderAnswerError: Motive answered something else.
    """
    grant = "refresh_token" if login.credentials.get("refresh_token") else "authorization_code"
    # It changes nothing of what we write to.
    call = Call(method="POST", path=TOKEN_PATH, body={"grant_type": grant}, scopes=(LOGIN.scope,), reads=True)
    answer = await session.call(call)
    document = read_json(answer.body)
    told = document if isinstance(document, dict) else {}
    access_token, refresh_token, lasts_s = (told.get(name) for name in ("access_token", "refresh_token", "expires_in"))
    if answer.status == 200 and isinstance(access_token, str):
        return NewSession(
            values={"access_token": access_token},
            lasts_s=float(lasts_s) if isinstance(lasts_s, int | float) else USUAL_LIFETIME_S,
            credentials=_renewed(login.credentials, refresh_token) if isinstance(refresh_token, str) else None,
        )
    # The body is not repeated: nobody knows which secret is in it.
    if answer.status in _REFUSALS:
        code = str(told.get("error"))[:_LONGEST_CODE]
        remedy = _REMEDIES.get(code, "let the fleet consent anew, and enter the auth_code that this gives")
        raise LoginRefusedError(f"Motive refuses the {grant.replace('_', ' ')} ({code}): {remedy}", answer)
    raise ProviderAnswerError(f"HTTP {answer.status} from Motive to POST {TOKEN_PATH}", answer)


def render_login(call: Call, login: Login) -> Request:
    """The call of `log_in`, with the secrets that it exchanges."""
    credentials = login.credentials
    fields = [(name, credentials[name]) for name in ("client_id", "client_secret")]
    if (call.body or {})["grant_type"] == "refresh_token":
        fields.append(("refresh_token", credentials["refresh_token"]))
    else:
        fields += [("redirect_uri", credentials["redirect_uri"]), ("code", credentials.get("auth_code", ""))]
    return form_request(call, login, fields=fields, base_url=_address(login))


def _address(login: Login) -> str:
    chosen = login.settings.get(OAUTH_URL_SETTING)
    if chosen:
        return chosen.rstrip("/")
    return OAUTH_ADDRESS if login.base_url == API_ADDRESS else login.base_url


def _renewed(credentials: Mapping[str, str], refresh_token: str) -> dict[str, str]:
    """The credentials with what is good for the next login in place of what is spent."""
    kept = {name: value for name, value in credentials.items() if name != "auth_code"}
    return {**kept, "refresh_token": refresh_token}
