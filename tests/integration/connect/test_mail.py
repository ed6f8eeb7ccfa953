"""Mail through a server that speaks SMTP."""

import pytest

from fleetwrite.connect.errors import MailNotSentError
from fleetwrite.connect.mail import LogSender, Mail, SmtpSender, sender_of
from fleetwrite.settings import Settings
from integration.connect.mail_server import opened_mail_server

MAIL = Mail(to="ines@fleet.example", subject="Grüße", text="One line\n.a line with a dot\nhttps://fw.example/x?y=z\n")


async def test_a_mail_arrives_as_it_was_written() -> None:
    async with opened_mail_server() as server:
        await SmtpSender(server.url, "connect@fw.example").send(MAIL)
        mail = await server.next()

    assert (mail["From"], mail["To"], mail["Subject"]) == ("connect@fw.example", MAIL.to, MAIL.subject)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == MAIL.text


async def test_a_server_without_tls_gets_nothing_where_that_is_insisted_on() -> None:
    async with opened_mail_server() as server:
        with pytest.raises(MailNotSentError):
            await SmtpSender(server.url.replace("smtp+plain", "smtp"), "connect@fw.example").send(MAIL)


async def test_a_refusal_is_told_without_what_the_server_said() -> None:
    async with opened_mail_server() as server:
        server.refuses = True
        with pytest.raises(MailNotSentError) as refused:
            await SmtpSender(server.url, "connect@fw.example").send(MAIL)

    assert "not here" not in str(refused.value)


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(MailNotSentError):
        await SmtpSender("smtp+plain://127.0.0.1:9", "connect@fw.example").send(MAIL)


@pytest.mark.parametrize("to", ["ines@fleet.example\nBcc: eve@evil.example", "ines@fleet.example\r\n\r\nHello"])
async def test_an_address_can_not_bring_headers_along(to: str) -> None:
    async with opened_mail_server() as server:
        with pytest.raises(MailNotSentError):
            await SmtpSender(server.url, "connect@fw.example").send(Mail(to=to, subject="s", text="t"))


def test_mail_is_printed_only_where_that_is_wanted() -> None:
    assert sender_of(Settings()) is None
    assert isinstance(sender_of(Settings(mail_to_log=True)), LogSender)
    by_server = Settings(mail_to_log=True, smtp_url="smtps://mail.example", mail_from="a@fw.example")
    assert isinstance(sender_of(by_server), SmtpSender)
