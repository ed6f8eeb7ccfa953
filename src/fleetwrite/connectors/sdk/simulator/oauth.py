"""OAuth 2.0 as providers offer it (RFC 6749, section 4.1): a page to consent on, codes, and tokens that are refreshed.

What is served to a browser is for people who play with a sandbox, and for the browsers of tests: it names the demo
users and their password. What a provider does in its own way (paths, how an app proves itself, how long tokens last) is
told by its simulator.
"""

import html
import secrets
import time
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from fleetwrite.connectors.sdk.simulator.protocol import Answer, Call, Caller, RefusalError
from fleetwrite.connectors.sdk.simulator.sessions import Sessions
from fleetwrite.connectors.sdk.simulator.storage import Storage

CODE_LASTS_S: Final = 600.0
"""RFC 6749, section 4.1.2: ten minutes at most."""

DEMO_PASSWORD: Final = "demo"  # noqa: S105 - opens nothing but simulators

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})

_GRANTS, _REFRESH_TOKENS, _CODES = "grants", "refresh tokens", "codes"
_NOBODY: Final = ""
"""The storage's organisation for what belongs to none."""

_DECISION: Final = "decision"
_ASKED: Final = ("response_type", "client_id", "redirect_uri", "scope", "state")
"""What the app asks the page with; the form sends it along."""

_FRAME: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; }
label, input { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input { padding: .5rem; margin: .25rem 0 1rem; }
button { font: inherit; padding: .5rem 1rem; }
.note { border-left: .25rem solid; padding-left: .75rem; }
</style>
</head>
<body>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")

_SIGN_IN: Final = Template("""<p><strong>$app</strong> asks for access to your account$scopes.</p>
$problem
<form method="post">
$asked
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" value="$email" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button name="$decision" value="allow">Allow</button>
<button name="$decision" value="deny" formnovalidate>Deny</button>
</form>
<p class="note">This is a simulator. Users: $users. Password of all: $password.</p>
""")


class App(msgspec.Struct, frozen=True, kw_only=True):
    """The one app that is registered with the provider.

    Attributes:
        redirect_uri: where it has browsers sent back to. Addresses of this machine are taken as well, so that a
            sandbox works on whatever port it is.
        scopes: what it may ask for. An app that asks for none gets all.
    """

    name: str
    client_id: str
    client_secret: str
    redirect_uri: str
    scopes: frozenset[str]

    def may_return_to(self, address: str) -> bool:
        """Whether browsers may be sent to this address."""
        parts = urlsplit(address)
        return address == self.redirect_uri or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


class Owner(msgspec.Struct, frozen=True):
    """Somebody who may let the app in, and to which organisation."""

    email: str
    organization: str


class OAuthServer:
    """Lets the app in where an owner consents, and gives it tokens.

    Every refresh token works once, and refreshing ends the access token before.
    """

    def __init__(
        self, provider: str, app: App, owners: Iterable[Owner], storage: Storage, sessions: Sessions, *, lasts_s: float
    ) -> None:
        """Keep consents in ``storage``; access tokens last ``lasts_s`` seconds."""
        self.app = app
        self._provider = provider
        self._owners = {owner.email: owner for owner in owners}
        self._storage = storage
        self._sessions = sessions
        self._lasts_s = lasts_s

    def caller_of(self, access_token: str) -> Caller | None:
        """Return whose token it is; None: nobody's, or not any more."""
        facts = self._sessions.find(access_token)
        if facts is None:
            return None
        grant = self._storage.collection(facts["organization"], _GRANTS).get(facts["grant"])
        if grant is None or grant["generation"] != facts["generation"]:
            return None
        return Caller(facts["organization"], facts["grant"], frozenset(facts["scopes"]))

    def show(self, call: Call) -> Answer:
        """Serve the page on which an owner signs in and decides."""
        asked = {name: call.query.get(name) or "" for name in _ASKED}
        return self._refusal_of(asked) or self._page(asked)

    def decide(self, call: Call) -> Answer:
        """Take the decision, and send the browser back to the app with a code or an error."""
        form = call.form()
        asked = {name: form.get(name, "") for name in _ASKED}
        refusal = self._refusal_of(asked)
        if refusal is not None:
            return refusal
        if form.get(_DECISION) != "allow":
            return _back(asked, error="access_denied")
        owner = self._owners.get(form.get("email", ""))
        if owner is None or form.get("password") != DEMO_PASSWORD:
            problem = '<p class="note" role="alert">This e-mail address and password do not belong together.</p>'
            return self._page(asked, status=401, email=form.get("email", ""), problem=problem)
        code = secrets.token_urlsafe(24)
        consent = {
            "organization": owner.organization,
            "redirect_uri": asked["redirect_uri"],
            "scopes": sorted(asked["scope"].split() or self.app.scopes),
            "ends_at": time.time() + CODE_LASTS_S,
        }
        self._storage.put(_NOBODY, _CODES, code, consent)
        return _back(asked, code=code)

    def exchange(self, code: str, redirect_uri: str | None) -> Answer:
        """Give tokens for a code, once; ``redirect_uri`` None: the app need not repeat it.

        Raises:
            RefusalError: the code is unknown, used or too old, or was given to another address.
        """
        consent = self._storage.collection(_NOBODY, _CODES).get(code)
        if consent is None or redirect_uri not in {None, consent["redirect_uri"]} or consent["ends_at"] <= time.time():
            raise RefusalError(400, "invalid_grant")
        self._storage.delete(_NOBODY, _CODES, code)
        return self.give(consent["organization"], consent["scopes"])

    def refresh(self, refresh_token: str) -> Answer:
        """Give new tokens for a refresh token, once.

        Raises:
            RefusalError: it is unknown or used.
        """
        known = self._take(refresh_token)
        if known is None:
            raise RefusalError(400, "invalid_grant")
        grant = self._storage.collection(known["organization"], _GRANTS)[known["grant"]]
        return self._issue(known["organization"], known["grant"], {**grant, "generation": grant["generation"] + 1})

    def revoke(self, refresh_token: str) -> Answer:
        """End what a consent gave. RFC 7009, section 2.2: an unknown token is answered alike."""
        known = self._take(refresh_token)
        if known is not None:
            self._storage.delete(known["organization"], _GRANTS, known["grant"])
        return Answer(200, {})

    def give(self, organization: str, scopes: Iterable[str]) -> Answer:
        """Give tokens of a new consent."""
        return self._issue(organization, secrets.token_hex(8), {"scopes": sorted(scopes), "generation": 0})

    def _issue(self, organization: str, key: str, grant: dict[str, Any]) -> Answer:
        self._storage.put(organization, _GRANTS, key, grant)
        refresh_token = secrets.token_urlsafe(32)
        self._storage.put(_NOBODY, _REFRESH_TOKENS, refresh_token, {"organization": organization, "grant": key})
        facts = {"organization": organization, "grant": key, **grant}
        return Answer(
            200,
            {
                "access_token": self._sessions.open(facts, lasts_s=self._lasts_s),
                "token_type": "Bearer",
                "expires_in": int(self._lasts_s),
                "refresh_token": refresh_token,
                "scope": " ".join(grant["scopes"]),
            },
        )

    def _take(self, refresh_token: str) -> dict[str, Any] | None:
        known = self._storage.collection(_NOBODY, _REFRESH_TOKENS).get(refresh_token)
        if known is not None:
            self._storage.delete(_NOBODY, _REFRESH_TOKENS, refresh_token)
        return known

    def _refusal_of(self, asked: Mapping[str, str]) -> Answer | None:
        """Return what is answered where the app asks wrongly. Nobody is sent to an address that is not the app's."""
        if asked["client_id"] != self.app.client_id:
            return self._frame(400, "<p>Unknown application.</p>")
        if not self.app.may_return_to(asked["redirect_uri"]):
            return self._frame(400, "<p>The redirect address is not one of the application's.</p>")
        if asked["response_type"] != "code":
            return _back(asked, error="unsupported_response_type")
        if not self.app.scopes.issuperset(asked["scope"].split()):
            return _back(asked, error="invalid_scope", error_description="The requested scope is invalid.")
        return None

    def _page(self, asked: Mapping[str, str], *, status: int = 200, email: str = "", problem: str = "") -> Answer:
        hidden = "\n".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in asked.items()
        )
        scopes = html.escape(asked["scope"])
        content = _SIGN_IN.substitute(
            app=html.escape(self.app.name),
            scopes=f" ({scopes})" if scopes else "",
            problem=problem,
            asked=hidden,
            email=html.escape(email),
            decision=_DECISION,
            users=html.escape(", ".join(self._owners)),
            password=DEMO_PASSWORD,
        )
        return self._frame(status, content)

    def _frame(self, status: int, content: str) -> Answer:
        title = f"Sign in to {html.escape(self._provider)}"
        body = _FRAME.substitute(title=title, content=content).encode()
        return Answer(status, body, {"Cache-Control": "no-store"}, "text/html; charset=utf-8")


def _back(asked: Mapping[str, str], **told: str) -> Answer:
    """Send the browser to the app; what it gave as state comes back as it was."""
    if asked["state"]:
        told["state"] = asked["state"]
    address = asked["redirect_uri"]
    separator = "&" if urlsplit(address).query else "?"
    return Answer(302, None, {"Location": f"{address}{separator}{urlencode(told)}", "Cache-Control": "no-store"})
