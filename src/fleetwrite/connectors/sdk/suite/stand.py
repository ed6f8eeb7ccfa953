"""Where a connector is tested: its simulator, and a session at it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from fleetwrite.connectors.sdk.connector import RecordPage, SourceRecord
from fleetwrite.connectors.sdk.examples import Example, build
from fleetwrite.connectors.sdk.outcome import Finding
from fleetwrite.connectors.sdk.simulator.limits import Limit
from fleetwrite.connectors.sdk.simulator.server import Simulator
from fleetwrite.connectors.sdk.suite.exhibit import Exhibit, Sent
from fleetwrite.connectors.sdk.suite.session import Control, DirectSession, KeptLogin
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy

LOOK_BACK = timedelta(seconds=30)
"""How long ago an attempt may have begun that a test just made."""


class Stand:
    """One connector at its simulator, as the first demo account."""

    def __init__(self, exhibit: Exhibit, simulator: Simulator, control: Control, egress: Egress, login: Login) -> None:
        self.exhibit = exhibit
        self.connector = exhibit.connector
        self.control = control
        self._kept = KeptLogin(login)
        self._simulator = simulator
        self._egress = egress
        self._records: list[SourceRecord] | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, exhibit: Exhibit, folder: Path, *, large: bool = False) -> "AsyncIterator[Stand]":
        """Start the simulator (the one with more than a page of records, where `large`)."""
        make = exhibit.large if large and exhibit.large is not None else exhibit.simulator
        simulator = make(folder)
        url = await simulator.start()
        try:
            # Nobody paces the calls here.
            simulator.replace_limits(Limit(requests=1_000_000, per_seconds=1))
            policy = UrlPolicy(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
            async with Egress(policy) as egress:
                account = simulator.demo_accounts()[0]
                login = Login(
                    base_url=url,
                    credentials=account.credentials,
                    settings={**account.settings, **exhibit.settings},
                )
                yield cls(exhibit, simulator, Control(egress, url), egress, login)
        finally:
            await simulator.stop()

    @property
    def login(self) -> Login:
        """The login as it stands: credentials that work once are replaced by what they gave."""
        return self._kept.login

    @property
    def other_logins(self) -> list[Login]:
        """Those of the simulator's other accounts."""
        return [
            msgspec.structs.replace(self.login, credentials=account.credentials, session={})
            for account in self._simulator.demo_accounts()[1:]
        ]

    async def account_of(self, login: Login) -> str | None:
        """The name of the account that a login leads to, once it was checked."""
        session = self.session(None if login is self.login else login)
        told = await self.connector.check_login(session)
        return self.connector.account_of(session.login, told)

    def session(self, login: Login | None = None, made: str | None = None) -> DirectSession:
        """A new session of the account; of `login`, nobody has logged in to."""
        return DirectSession(self._egress, self.connector, login or self._kept, made)

    async def pages(self, resource: ResourceEnum, cursor: str | None = None) -> list[RecordPage]:
        """The pages of a list, from the beginning or from a cursor."""
        return [page async for page in self.connector.list_records(resource, self.session(), cursor)]

    async def records(self, resource: ResourceEnum) -> list[SourceRecord]:
        """What the provider lists now."""
        return [record for page in await self.pages(resource) for record in page.records]

    async def write(self, example: Example, body: dict[str, Any] | None = None, **changes: Any) -> Write:
        """The write of an example, of an operation of its own; `body` takes the place of the example's."""
        if self._records is None:
            listed = [listing.resource for listing in self.connector.manifest.listings]
            self._records = [record for resource in listed for record in await self.records(resource)]
        if body is not None:
            example = msgspec.structs.replace(example, body=body)
        write = build(example, uuid4(), self._records, self.login.settings)
        return msgspec.structs.replace(write, **changes)

    async def look_up(self, write: Write) -> Finding:
        """What the connector finds of a write."""
        call = self.connector.translate(write).call
        return await self.connector.look_up(write, call, self.session(), LOOK_BACK)

    def count(self, resource: ResourceEnum) -> int:
        """How many of a resource the provider has in this account, by the simulator's own books."""
        account = self._simulator.demo_accounts()[0]
        names = self.exhibit.collections[resource]
        return sum(len(self._simulator.records(account.account_id, name)) for name in names)

    def sent(self, example: Example, write: Write) -> Sequence[Sent]:
        """The calls that an example must lead to."""
        return self.exhibit.sent[example.key](write)

    def making(self, example: Example, write: Write) -> Sent:
        """The one of them that must not be made twice."""
        return next(sent for sent in self.sent(example, write) if not sent.is_read)

    async def break_call(self, sent: Sent, kind: str, **how: Any) -> None:
        """Let a fault hit a call."""
        fault = {"kind": kind, "method": sent.method, "path": sent.path, "operation": sent.operation, **how}
        await self.control.add_fault(fault)
