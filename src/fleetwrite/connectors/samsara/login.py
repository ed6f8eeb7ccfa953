"""Samsara's OAuth for apps that many organisations install: developers.samsara.com/docs/oauth-20."""

from typing import Final

from fleetwrite.connectors.samsara.endpoints import ORGANIZATION, TOKEN
from fleetwrite.connectors.sdk import oauth
from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.wire import Login, NewSession, Request, basic, form_request
from fleetwrite.connectors.sdk.write import Call

TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path
REVOKE_PATH: Final = "/oauth2/revoke"

USUAL_LIFETIME_S: Final = 3600.0
"""How long an access token lasts where the answer does not say: what a configuration of others has."""


async def log_in(login: Login, session: Session) -> NewSession:
    """Exchange the refresh token, or else the authorisation code, for tokens.

    Raises:
        LoginRefusedError: Samsara does not accept it; an authorisation code is good for one exchange.
        ProviderAnswerError: Samsara answered something else.
    """
    call = oauth.token_call(TOKEN_PATH, login, (TOKEN.scope, ORGANIZATION.scope))
    return await oauth.log_in("Samsara", call, login, session, usual_lifetime_s=USUAL_LIFETIME_S)


def revocation(login: Login) -> Call | None:
    """The call that ends a consent; None: the fleet made a token instead, or nobody has logged in by the consent."""
    if not login.credentials.get(oauth.REFRESH_TOKEN):
        return None
    return Call(method="POST", path=REVOKE_PATH, scopes=(TOKEN.scope, ORGANIZATION.scope))


def render_login(call: Call, login: Login) -> Request:
    """The call of `log_in`, with the secrets that it exchanges."""
    return form_request(call, login, headers=_app(login), fields=[oauth.exchanged(call, login.credentials)])


def render_revocation(call: Call, login: Login) -> Request:
    """The call of `revocation`, with what it ends."""
    return form_request(call, login, headers=_app(login), fields=[("token", login.credentials[oauth.REFRESH_TOKEN])])


def _app(login: Login) -> dict[str, str]:
    return basic(login.credentials["client_id"], login.credentials["client_secret"])
