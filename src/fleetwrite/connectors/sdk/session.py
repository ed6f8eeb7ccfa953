"""A logged-in way to a provider: what the product's sessions and the suite's have in common."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from fleetwrite.connectors.sdk.connector import Connector, SessionConnector
from fleetwrite.connectors.sdk.wire import Login, NewSession
from fleetwrite.connectors.sdk.write import Call
from fleetwrite.kit.egress import HttpAnswer


class LoggedIn(ABC):
    """Implements `connectors.sdk.connector.Session`: logs in where calls need that, and again where it is refused."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    @property
    @abstractmethod
    def login(self) -> Login:
        """The login as it stands."""

    @abstractmethod
    async def renew(self, connector: SessionConnector) -> None:
        """Let `login` have a session that is another one than now; `log_in` makes it."""

    @abstractmethod
    async def send(self, call: Call, login: Login) -> HttpAnswer:
        """Send one call, as `login`."""

    async def call(self, call: Call) -> HttpAnswer:
        """See `Session.call`."""
        connector = self._connector
        if not isinstance(connector, SessionConnector) or not connector.needs_session(self.login):
            return await self.send(call, self.login)
        if not self.login.session:
            await self.renew(connector)
        answer = await self.send(call, self.login)
        if connector.is_login_refused(answer):
            await self.renew(connector)
            answer = await self.send(call, self.login)
        return answer

    async def log_in(self, connector: SessionConnector, credentials: Mapping[str, str]) -> NewSession:
        """Log in with these credentials. Raises what `SessionConnector.log_in` raises, and what `call` raises."""
        login = msgspec.structs.replace(self.login, credentials=credentials, session={})
        return await connector.log_in(login, _Unauthorised(self.send, login))


class _Unauthorised(msgspec.Struct, frozen=True):
    """The way to log in: calls carry the credentials, and no session."""

    send: Callable[[Call, Login], Awaitable[HttpAnswer]]
    login: Login

    async def call(self, call: Call) -> HttpAnswer:
        """See `Session.call`."""
        return await self.send(call, self.login)
