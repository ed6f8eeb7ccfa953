"""How mail leaves: through a mail server, or, where people only play, into the log."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import msgspec
import structlog

from fleetwrite.connect.errors import MailNotSentError
from fleetwrite.settings import Settings

log = structlog.get_logger(__name__)

_TIMEOUT_S: Final = 20.0
_PORTS: Final = {"smtps": 465, "smtp": 587, "smtp+plain": 25}


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to one address, in plain text."""

    to: str
    subject: str
    text: str


class Sender(Protocol):
    """Takes mail on its way."""

    async def send(self, mail: Mail) -> None:
        """Send a mail.

        Raises:
            MailNotSentError: it was not taken; try again later.
        """
        ...


class LogSender:
    """Prints mail to the log: for a sandbox, whose log only its owner reads."""

    async def send(self, mail: Mail) -> None:
        """See `Sender.send`."""
        log.warning("mail.printed", to=mail.to, subject=mail.subject, text=mail.text)


class SmtpSender:
    """Hands mail to a server, one connection for each: links to come back by are rare.

    Args:
        url: `smtps://user:password@host:port`; `smtp://` begins in the clear and insists on TLS before anything is
            said; `smtp+plain://` never has any, for a relay on the same machine.
        sender: the address that mail comes from.
    """

    def __init__(self, url: str, sender: str) -> None:
        self._parts = urlsplit(url)
        self._from = sender

    async def send(self, mail: Mail) -> None:
        """See `Sender.send`."""
        message = EmailMessage()
        try:
            message["From"], message["To"], message["Subject"] = self._from, mail.to, mail.subject
        except ValueError as error:
            raise MailNotSentError("The address of a mail is none.") from error
        # Nobody answers to a machine's mail, and other machines should not either (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        try:
            await asyncio.to_thread(self._deliver, message)
        except (OSError, smtplib.SMTPException) as error:
            # What the server said may repeat the login.
            raise MailNotSentError(f"The mail server did not take a mail: {type(error).__name__}.") from error

    def _deliver(self, message: EmailMessage) -> None:
        host, port = self._parts.hostname or "", self._parts.port or _PORTS[self._parts.scheme]
        tls = ssl.create_default_context()
        if self._parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=tls)
        else:
            server = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
        with server:
            if self._parts.scheme == "smtp":
                server.starttls(context=tls)
            if self._parts.username:
                server.login(unquote(self._parts.username), unquote(self._parts.password or ""))
            server.send_message(message)


def sender_of(settings: Settings) -> Sender | None:
    """How this installation sends mail; None: it sends none."""
    if settings.smtp_url is not None and settings.mail_from is not None:
        return SmtpSender(settings.smtp_url, settings.mail_from)
    return LogSender() if settings.mail_to_log else None
