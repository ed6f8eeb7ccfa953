"""The suite on real accounts: who they are (from the environment), and what is done differently there.

Nobody paces the calls to a simulator; here the declared budgets are kept to. What is written is left behind, so that it
is written once, and only what was made here is updated. Nothing secret is shown: see `LiveRun.masked`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import ClassVar, Final
from urllib.parse import quote, quote_plus

import pytest

from fleetwrite.connectors.sdk.connector import SessionConnector
from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.manifest import Budget, Field, Manifest
from fleetwrite.connectors.sdk.outcome import Absent, Applied, Finding
from fleetwrite.connectors.sdk.suite.account import Account
from fleetwrite.connectors.sdk.suite.exhibit import Exhibit
from fleetwrite.connectors.sdk.suite.session import DirectSession, KeptLogin
from fleetwrite.connectors.sdk.wire import MASK, Login
from fleetwrite.connectors.sdk.write import Call, Write
from fleetwrite.kit.egress import Egress, HttpAnswer
from fleetwrite.kit.url_policy import UrlPolicy

PREFIX: Final = "FLEETWRITE_LIVE"

_ANYWHERE: Final = UrlPolicy(allow_http=True, allowed_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
"""Who runs the suite says where the account is, which may be on their own network."""


def variable(manifest: Manifest, field: Field) -> str:
    """The environment variable of a credential or a setting: `FLEETWRITE_LIVE_SAMSARA_TOKEN`."""
    return f"{PREFIX}_{manifest.slug}_{field.name}".upper()


class Pace:
    """Spaces calls evenly, such that none of the budgets is exceeded."""

    def __init__(self, budgets: Sequence[Budget]) -> None:
        self._gaps = {one.scope: one.per_seconds / one.requests for one in budgets if one.requests and one.per_seconds}
        self._free_at: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, scopes: Sequence[str]) -> AsyncIterator[None]:
        """Wait until a call of these scopes may be made, which then is. Counted is from its answer on: the provider had
        it before that.
        """
        now = time.monotonic()
        await asyncio.sleep(max([0.0, *(self._free_at.get(scope, now) - now for scope in scopes)]))
        try:
            yield
        finally:
            now = time.monotonic()
            self._free_at |= {scope: now + self._gaps[scope] for scope in scopes if scope in self._gaps}


class LiveSession(DirectSession):
    """A session at a real account."""

    def __init__(self, account: "LiveAccount", login: Login | KeptLogin, made: str | None) -> None:
        timeout_s = account.connector.manifest.timeout_s
        super().__init__(account.egress, account.connector, login, made, timeout_s=timeout_s)
        self._account = account

    async def send(self, call: Call, login: Login) -> HttpAnswer:
        """See `LoggedIn.send`."""
        async with self._account.pace.slot(call.scopes):
            return await super().send(call, login)

    async def renew(self, connector: SessionConnector) -> None:
        """See `LoggedIn.renew`."""
        await super().renew(connector)
        self._account.hide(self.login)


class LiveAccount(Account):
    """One connector at a real account, for all the checks of a run."""

    most_resumptions: ClassVar[int | None] = 1

    def __init__(self, exhibit: Exhibit, egress: Egress, login: Login) -> None:
        super().__init__(exhibit, egress, login)
        self.pace = Pace(self.connector.manifest.budgets)
        self.secrets: set[str] = set()
        self._entered = login.credentials
        self._made: set[str] = set()
        self.hide(login)

    def hide(self, login: Login) -> None:
        """Let nothing secret of a login be shown."""
        manifest = self.connector.manifest
        names = [field.name for field in manifest.credentials if field.sensitive]
        self.secrets |= {login.credentials[name] for name in names if name in login.credentials}
        self.secrets |= {value for name, value in login.session.items() if manifest.session.get(name, MASK) == MASK}

    @property
    def replaced(self) -> list[str]:
        """The variables whose values do not work any more, as logging in gave others."""
        manifest, now = self.connector.manifest, self.login.credentials
        return [
            variable(manifest, field)
            for field in manifest.credentials
            if field.name in self._entered and now.get(field.name) != self._entered[field.name]
        ]

    def session(self, login: Login | None = None, made: str | None = None) -> LiveSession:
        """See `Account.session`."""
        return LiveSession(self, login or self._kept, made)

    async def changing(self, example: Example) -> Write:
        """The write of an example that is to be carried out; an update only of what this run made."""
        if example.target is None:
            return await self.write(example)
        kind = example.target.resource
        records = [one for one in await self.known() if one.resource is not kind or one.source_id in self._made]
        if all(one.resource is not kind for one in records):
            self.lacks(f"a {kind.value} that this run made: no other is changed")
        return await self.write(example, among=records)

    def took(self, write: Write, outcome: Applied) -> None:
        """Remember what was made, and that its list is out of date."""
        self._made.add(outcome.source_id)
        self._known.pop(write.resource, None)

    async def look_up(self, write: Write) -> Finding:
        """See `Account.look_up`. Before the provider has settled, an absence means nothing."""
        found = await super().look_up(write)
        if not isinstance(found, Absent):
            return found
        await asyncio.sleep(self.connector.manifest.reconciliation.settle_s)
        return await super().look_up(write)

    def lacks(self, what: str) -> None:
        """Say that the account has not what a check needs, which is nobody's fault.

        Raises:
            pytest.skip.Exception: always.
        """
        pytest.skip(f"not at this account: {what}")


class LiveRun:
    """One run of the suite on real accounts."""

    def __init__(self, environment: Mapping[str, str], *, writes: bool) -> None:
        self.writes = writes
        self._environment = environment
        self._accounts: dict[str, LiveAccount] = {}

    @asynccontextmanager
    async def open(self, exhibit: Exhibit) -> AsyncIterator[LiveAccount]:
        """The account of a connector, the same in every check: a login may work once only."""
        slug = exhibit.connector.manifest.slug
        async with Egress(_ANYWHERE) as egress:
            if slug not in self._accounts:
                self._accounts[slug] = LiveAccount(exhibit, egress, self.login(exhibit.connector.manifest))
            account = self._accounts[slug]
            account.egress = egress
            yield account

    def missing(self, manifest: Manifest) -> list[str]:
        """The variables without which the account can not be reached."""
        return [
            variable(manifest, field)
            for field in (*manifest.credentials, *manifest.settings)
            if field.required and not self._value(manifest, field)
        ]

    def masked(self, text: str) -> str:
        """`text` without what is secret of any account, as it is or as a URL has it."""
        secrets = {secret for account in self._accounts.values() for secret in account.secrets}
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), quote_plus(secret)) if form}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, MASK)
        return text

    @property
    def replaced(self) -> list[str]:
        """The variables that have to be set anew before the next run."""
        return [name for account in self._accounts.values() for name in account.replaced]

    def login(self, manifest: Manifest) -> Login:
        """What the variables say of the account.

        Raises:
            pytest.UsageError: its region is none of the provider's.
        """
        settings = self._values(manifest, manifest.settings)
        base_url = manifest.base_url(settings)
        if base_url is None:
            raise pytest.UsageError(
                f"{PREFIX}_{manifest.slug}_REGION".upper() + f" is none of: {', '.join(manifest.regions)}."
            )
        return Login(base_url=base_url, credentials=self._values(manifest, manifest.credentials), settings=settings)

    def _values(self, manifest: Manifest, fields: Iterable[Field]) -> dict[str, str]:
        found = {field.name: self._value(manifest, field) for field in fields}
        return {name: value for name, value in found.items() if value}

    def _value(self, manifest: Manifest, field: Field) -> str:
        return self._environment.get(variable(manifest, field), "")
