"""Who is in front of the page: browsers, what they may do for a while, and links that bring them back."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Final
from urllib.parse import quote
from uuid import UUID

import msgspec

from fleetwrite.connect import store
from fleetwrite.connect.errors import ConsentLostError, LinkSpentError, VisitEndedError
from fleetwrite.connect.mail import Mail, Sender
from fleetwrite.connect.models import Departure, Visit
from fleetwrite.kit.database import Database

VISIT_LASTS: Final = timedelta(hours=1)
"""Long enough to look a password up, short enough for a computer in a dispatcher's office."""

CONSENT_LASTS: Final = timedelta(minutes=30)
"""For signing in at the provider, with a second factor that has to be found first."""

LINK_LASTS: Final = timedelta(minutes=30)
"""Mail is seldom slower; whoever comes later asks for another one."""

LINK_PAUSE: Final = timedelta(minutes=1)
"""Nobody's letter box is filled by somebody who knows the address."""

_LONGEST_ADDRESS: Final = 254
"""Characters: RFC 5321, section 4.5.3.1.3, less the brackets."""


class Browser(msgspec.Struct, frozen=True):
    """A browser, by the random secret in its cookie."""

    secret: str

    @classmethod
    def new(cls) -> "Browser":
        """One that was never here."""
        return cls(secrets.token_urlsafe(32))

    @property
    def hash(self) -> bytes:
        """What the database knows it by."""
        return _hashed(self.secret)

    @property
    def form_token(self) -> str:
        """What its forms have to carry: only a page that was shown to this browser can."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()

    def sent(self, form_token: str) -> bool:
        """Whether a form with this token comes from such a page."""
        return hmac.compare_digest(self.form_token.encode(), form_token.encode())


class Visits:
    """Lets browsers in, and knows for how long and for whom."""

    def __init__(self, database: Database, sender: Sender | None, *, public_url: str) -> None:
        self._database = database
        self._sender = sender
        self._public_url = public_url

    @property
    def sends_mail(self) -> bool:
        """Whether anybody can come back by a link."""
        return self._sender is not None

    async def admit(self, invitation_id: UUID, fleet_id: UUID) -> Browser:
        """Let whoever answered an invitation connect that fleet. The browser gets a new secret with it."""
        browser = Browser.new()
        async with self._database.transaction() as connection:
            await store.insert_visit(
                connection, browser.hash, VISIT_LASTS, invitation_id=invitation_id, fleet_id=fleet_id
            )
        return browser

    async def find(self, browser: Browser) -> Visit | None:
        """What a browser may do now; None: nothing."""
        async with self._database.acquire() as connection:
            return await store.find_visit(connection, browser.hash)

    async def require(self, browser: Browser, *, managing: bool = False) -> Visit:
        """What a browser may do now.

        Args:
            browser: which.
            managing: it has to be one that came by a link in a mail.

        Raises:
            VisitEndedError: it may do nothing, or not that.
        """
        visit = await self.find(browser)
        if visit is None or (managing and not visit.may_manage):
            raise VisitEndedError
        return visit

    async def end(self, browser: Browser) -> None:
        """Let a browser do nothing more."""
        async with self._database.transaction() as connection:
            await store.delete_visit(connection, browser.hash)

    async def leave(self, visit: Visit, departure: Departure) -> str:
        """Note that a browser goes to consent; returns the state by which it is known again."""
        state = secrets.token_urlsafe(32)
        async with self._database.transaction() as connection:
            await store.insert_consent(connection, _hashed(state), visit.secret_hash, departure, CONSENT_LASTS)
        return state

    async def returned(self, visit: Visit, state: str, tsp_slug: str) -> Departure:
        """Why a browser had left; a state is good for one return.

        Raises:
            ConsentLostError: this browser did not leave with it, for this provider and lately.
        """
        async with self._database.transaction() as connection:
            departure = await store.take_consent(connection, _hashed(state), visit.secret_hash, tsp_slug)
        if departure is None:
            raise ConsentLostError
        return departure

    async def send_link(self, email: str) -> None:
        """Send a link to come back by, if fleets are registered under the address; nobody is told whether.

        Raises:
            MailNotSentError: the mail server does not take it.
        """
        address = email.strip().lower()
        if self._sender is None or "@" not in address or len(address) > _LONGEST_ADDRESS or "\0" in address:
            return
        secret = secrets.token_urlsafe(32)
        async with self._database.transaction() as connection:
            made = await store.insert_link(connection, _hashed(secret), address, LINK_LASTS, LINK_PAUSE)
        if made:
            link = f"{self._public_url}/connect/return?link={quote(secret)}"
            await self._sender.send(_invitation_to_return(address, link))

    async def come_back(self, secret: str) -> Browser:
        """Let in who has a link that was sent by mail. The browser gets a new secret with it.

        Raises:
            LinkSpentError: the link was used before, is too old, or none of ours.
        """
        browser = Browser.new()
        async with self._database.transaction() as connection:
            email = await store.take_link(connection, _hashed(secret))
            if email is None:
                raise LinkSpentError
            await store.insert_visit(connection, browser.hash, VISIT_LASTS, email=email)
        return browser


def _invitation_to_return(address: str, link: str) -> Mail:
    minutes = int(LINK_LASTS.total_seconds() // 60)
    return Mail(
        to=address,
        subject="Your link to see and change what is connected",
        text=(
            "Somebody, most likely you, asked for a link to the connections of your fleet.\n\n"
            f"{link}\n\n"
            f"It works once, within the next {minutes} minutes. On that page you see what was written in your fleet's\n"
            "name, and can pause the sharing, enter new credentials or disconnect.\n\n"
            "If you did not ask for it, do nothing: without the link nobody can get there.\n"
        ),
    )


def _hashed(secret: str) -> bytes:
    # The secret is random enough that a slow hash would make nothing harder.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
