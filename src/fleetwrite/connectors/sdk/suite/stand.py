"""Where a connector is tested without the provider: at its simulator."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from fleetwrite.connectors.sdk.examples import Example
from fleetwrite.connectors.sdk.simulator.limits import Limit
from fleetwrite.connectors.sdk.simulator.server import Simulator
from fleetwrite.connectors.sdk.suite.account import Account
from fleetwrite.connectors.sdk.suite.exhibit import Exhibit, Sent
from fleetwrite.connectors.sdk.suite.session import Control
from fleetwrite.connectors.sdk.wire import Login
from fleetwrite.connectors.sdk.write import Write
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.kit.egress import Egress
from fleetwrite.kit.url_policy import UrlPolicy


class Stand(Account):
    """One connector at its simulator, as the first demo account."""

    def __init__(self, exhibit: Exhibit, simulator: Simulator, control: Control, egress: Egress, login: Login) -> None:
        super().__init__(exhibit, egress, login)
        self.control = control
        self._simulator = simulator

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
