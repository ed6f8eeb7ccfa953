"""Motive's OAuth: where tokens are asked for, and how.

Guides and reference: developer.gomotive.com/docs/oauth-20, /reference/identify-a-company-using-its-access-token.
"""

from typing import Final

from fleetwrite.connectors.motive.endpoints import LOGIN, TOKEN_PATH
from fleetwrite.connectors.motive.manifest import API_ADDRESS, OAUTH_ADDRESS, OAUTH_URL_SETTING
from fleetwrite.connectors.sdk import oauth
from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request, form_request
from fleetwrite.connectors.sdk.write import Call

USUAL_LIFETIME_S: Final = 7200.0
"""How long an access token lasts where the answer does not say."""


async def log_in(login: Login, session: Session) -> NewSession:
    """Exchange the refresh token, or else the authorisation code, for tokens.

    Raises:
        LoginRefusedError: Motive does not accept it; an authorisation code is good for one exchange.
        ProviderAnswerError: Motive answered something else.
    """
    call = oauth.token_call(TOKEN_PATH, login, (LOGIN.scope,))
    return await oauth.log_in("Motive", call, login, session, usual_lifetime_s=USUAL_LIFETIME_S)


def render_login(call: Call, login: Login) -> Request:
    """The call of `log_in`, with the secrets that it exchanges."""
    credentials = login.credentials
    name, value = oauth.exchanged(call, credentials)
    sent = (
        ["client_id", "client_secret"]
        if name == oauth.REFRESH_TOKEN
        else ["client_id", "client_secret", "redirect_uri"]
    )
    fields = [*((one, credentials[one]) for one in sent), (name, value)]
    return form_request(call, login, fields=fields, base_url=oauth_address(login))


def oauth_address(login: Login) -> str:
    """The address below which Motive has its page to consent on and gives tokens."""
    chosen = login.settings.get(OAUTH_URL_SETTING)
    if chosen:
        return chosen.rstrip("/")
    return OAUTH_ADDRESS if login.base_url == API_ADDRESS else login.base_url
