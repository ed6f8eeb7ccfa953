"""A mail server of a few lines (RFC 5321), which takes everything and keeps it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


class MailServer:
    """Listens on a free port of this machine.

    Attributes:
        url: as the setting `smtp_url` wants it.
        refuses: whether it takes no mail at all.
    """

    def __init__(self) -> None:
        self.url = ""
        self.refuses = False
        self._mails: asyncio.Queue[EmailMessage] = asyncio.Queue()

    async def next(self) -> EmailMessage:
        """The next mail, once it is there."""
        async with asyncio.timeout(20):
            return await self._mails.get()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            match line.split(maxsplit=1)[0].upper():
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    content = await reader.readuntil(b"\r\n.\r\n")
                    mail = message_from_bytes(content[:-3].replace(b"\r\n..", b"\r\n."), policy=default)
                    assert isinstance(mail, EmailMessage)
                    self._mails.put_nowait(mail)
                    writer.write(b"250 taken\r\n")
                case b"MAIL" if self.refuses:
                    writer.write(b"550 not here\r\n")
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 fine\r\n")
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def opened_mail_server() -> AsyncIterator[MailServer]:
    """A server that listens."""
    server = MailServer()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.url = f"smtp+plain://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
