"""Tries credentials at the provider before anything is stored."""

import asyncio
from collections.abc import Mapping
from typing import Final

from fleetwrite.connections.errors import (
    BadConnectionFieldsError,
    FieldFault,
    LoginNotAcceptedError,
    LoginNotCheckedError,
)
from fleetwrite.connections.fields import address_field
from fleetwrite.connections.logins import PrivateLogin
from fleetwrite.connections.models import TriedLogin, VerifiedLogin
from fleetwrite.connectors.sdk.connector import LoginRefusedError, ProviderAnswerError
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.wire import MASK
from fleetwrite.dispatch.errors import SlotTimeoutError
from fleetwrite.kit.egress import AnswerLostError, Egress, ForbiddenUrlError, NotSentError
from fleetwrite.kit.tenancy import acting_as_system
from fleetwrite.operations.session import Patience, ProviderSession, Slots

CHECK_LASTS_S: Final = 20.0
"""Somebody is waiting for the answer, with credentials in hand."""

_REFUSALS: Final = frozenset({400, 401, 403})

_SHORTEST_HIDDEN: Final = 4
"""Whoever has a password of three letters is not helped by hiding them wherever they stand in a text."""


class LoginChecker:
    """Asks providers whether they know somebody by these credentials, and whom."""

    def __init__(self, egress: Egress, slots: Slots, registry: Registry, *, read_timeout_s: float) -> None:
        self._egress = egress
        self._slots = slots
        self._registry = registry
        self._read_timeout_s = read_timeout_s

    async def check(self, tried: TriedLogin) -> VerifiedLogin:
        """Make sure, by a cheap read, that credentials are good now.

        Raises:
            LoginNotAcceptedError: the provider refuses them.
            LoginNotCheckedError: it could not be asked, or answers something that says nothing about them.
            BadConnectionFieldsError: the address may not be called.
        """
        connector = self._registry.get(tried.tsp_slug)
        patience = Patience(
            deadline_at=asyncio.get_running_loop().time() + CHECK_LASTS_S,
            slot_wait_s=CHECK_LASTS_S,
            write_timeout_s=self._read_timeout_s,
            read_timeout_s=self._read_timeout_s,
        )
        private = PrivateLogin()
        session = ProviderSession(self._egress, self._slots, private, tried, connector, patience)
        manifest = connector.manifest
        try:
            with acting_as_system():  # the budgets that the call falls under are everybody's
                told = await connector.check_login(session)
        except ProviderAnswerError as error:
            words = _without_secrets(str(error), manifest, tried.login.credentials)
            if isinstance(error, LoginRefusedError) or error.answer.status in _REFUSALS:
                raise LoginNotAcceptedError(f"{manifest.name} does not accept these credentials: {words}.") from error
            raise LoginNotCheckedError(f"The credentials could not be checked, try again later: {words}.") from error
        except ForbiddenUrlError as error:
            raise BadConnectionFieldsError([FieldFault(field=address_field(manifest), message=str(error))]) from error
        except (NotSentError, AnswerLostError, SlotTimeoutError) as error:
            raise LoginNotCheckedError(
                f"The credentials could not be checked at {manifest.name}, try again later: {error}."
            ) from error
        return VerifiedLogin(
            credentials=session.login.credentials,
            settings=tried.login.settings,
            session=private.made,
            account_id=connector.account_of(session.login, told),
        )


def _without_secrets(text: str, manifest: Manifest, credentials: Mapping[str, str]) -> str:
    """A provider's words, in which it may have repeated what it was sent."""
    for field in manifest.with_login_of(credentials).credentials:
        secret = credentials.get(field.name, "")
        if field.sensitive and len(secret) >= _SHORTEST_HIDDEN:
            text = text.replace(secret, MASK)
    return text
