"""OAuth 2.0 where a fleet consents (RFC 6749): a code gives the first tokens, a refresh token the next ones."""

from collections.abc import Mapping
from typing import Final

from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError, Session
from fleetwrite.connectors.sdk.outcome_table import read_json
from fleetwrite.connectors.sdk.wire import Login, NewSession
from fleetwrite.connectors.sdk.write import Call

AUTH_CODE: Final = "auth_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - the name of a field
ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of a field

_GRANT_TYPE: Final = "grant_type"
_LONGEST_CODE: Final = 40
"""OAuth's own codes have half of that."""

# The statuses with which OAuth refuses a code, a refresh token or the client (section 5.2).
_REFUSALS: Final = frozenset({400, 401})


async def log_in(provider: str, call: Call, login: Login, session: Session, *, usual_lifetime_s: float) -> NewSession:
    """Exchange the refresh token, or else the authorisation code, for tokens.

    Args:
        provider: what people call it.
        call: of the token endpoint, as `token_call` makes it.
        login: whose.
        session: the way there.
        usual_lifetime_s: how long an access token lasts where the answer does not say.

    Raises:
        LoginRefusedError: the provider does not accept it; an authorisation code is good for one exchange.
        ProviderAnswerError: the provider answered something else.
    """
    answer = await session.call(call)
    document = read_json(answer.body)
    told = document if isinstance(document, dict) else {}
    access_token, refresh_token, lasts_s = (told.get(name) for name in (ACCESS_TOKEN, REFRESH_TOKEN, "expires_in"))
    if answer.status == 200 and isinstance(access_token, str):
        return NewSession(
            values={ACCESS_TOKEN: access_token},
            lasts_s=float(lasts_s) if isinstance(lasts_s, int | float) else usual_lifetime_s,
            credentials=_renewed(login.credentials, refresh_token) if isinstance(refresh_token, str) else None,
        )
    # The body is not repeated: nobody knows which secret is in it.
    if answer.status in _REFUSALS:
        code = str(told.get("error"))[:_LONGEST_CODE]
        remedy = "let the fleet consent anew, and enter the auth_code that this gives"
        if code == "invalid_client":
            remedy = f"client_id and client_secret are not those of an app that {provider} knows"
        grant = _grant_of(login.credentials).replace("_", " ")
        raise LoginRefusedError(f"{provider} refuses the {grant} ({code}): {remedy}", answer)
    raise ProviderAnswerError(f"HTTP {answer.status} from {provider} to POST {call.path}", answer)


def token_call(path: str, login: Login, scopes: tuple[str, ...]) -> Call:
    """The call of the token endpoint, without what it exchanges: `exchanged` has that."""
    # It changes nothing of what we write to.
    return Call(method="POST", path=path, body={_GRANT_TYPE: _grant_of(login.credentials)}, scopes=scopes, reads=True)


def exchanged(call: Call, credentials: Mapping[str, str]) -> tuple[str, str]:
    """The form field of the token endpoint that has what `call` exchanges."""
    if (call.body or {})[_GRANT_TYPE] == REFRESH_TOKEN:
        return REFRESH_TOKEN, credentials[REFRESH_TOKEN]
    return "code", credentials.get(AUTH_CODE, "")


def _grant_of(credentials: Mapping[str, str]) -> str:
    return REFRESH_TOKEN if credentials.get(REFRESH_TOKEN) else "authorization_code"


def _renewed(credentials: Mapping[str, str], refresh_token: str) -> dict[str, str]:
    """The credentials with what is good for the next login in place of what is spent."""
    kept = {name: value for name, value in credentials.items() if name != AUTH_CODE}
    return {**kept, REFRESH_TOKEN: refresh_token}
