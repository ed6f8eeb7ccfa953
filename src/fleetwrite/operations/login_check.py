"""Tries new credentials at the provider before they take the place of those that are stored."""

import asyncio
from collections.abc import Mapping
from typing import Final

from fleetwrite.connections.errors import LoginCheckError
from fleetwrite.connections.logins import PrivateLogin
from fleetwrite.connections.models import Account
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.kit.egress import AnswerLostError, Egress, NotSentError
from fleetwrite.operations.session import Patience, ProviderSession, Slots

CHECK_LASTS_S: Final = 20.0
"""Somebody is waiting for the answer, with credentials in hand."""

_REFUSALS: Final = frozenset({400, 401, 403})


class LoginChecker:
    """Asks providers whether they know somebody by these credentials."""

    def __init__(self, egress: Egress, slots: Slots, registry: Registry, *, read_timeout_s: float) -> None:
        self._egress = egress
        self._slots = slots
        self._registry = registry
        self._read_timeout_s = read_timeout_s

    async def check(self, account: Account) -> Mapping[str, str] | None:
        """Make sure, by a cheap read, that the account's credentials are good now.

        Returns:
            The credentials that the provider gave for them, which are good from now on; None: they stay as they are.

        Raises:
            LoginCheckError: the provider refuses them, or does not answer.
        """
        connector = self._registry.get(account.connection.tsp_slug)
        patience = Patience(
            deadline_at=asyncio.get_running_loop().time() + CHECK_LASTS_S,
            slot_wait_s=CHECK_LASTS_S,
            write_timeout_s=self._read_timeout_s,
            read_timeout_s=self._read_timeout_s,
        )
        login = PrivateLogin()
        session = ProviderSession(self._egress, self._slots, login, account, connector, patience)
        name = connector.manifest.name
        try:
            await connector.check_login(session)
        except ProviderAnswerError as error:
            if isinstance(error, LoginRefusedError) or error.answer.status in _REFUSALS:
                raise LoginCheckError(f"{name} does not accept these credentials: {error}.") from error
            raise LoginCheckError(f"They could not be checked, try again later: {error}.") from error
        except (NotSentError, AnswerLostError, SlotTimeoutError) as error:
            raise LoginCheckError(f"They could not be checked at {name}, try again later: {error}.") from error
        return None if login.made is None else login.made.credentials
