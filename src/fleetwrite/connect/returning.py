"""Coming back: a link by mail, which works once."""

import asyncio

import structlog

from fleetwrite.connect.errors import MailNotSentError
from fleetwrite.connect.page import Desk, Page, PageRequest, Redirect
from fleetwrite.connect.visits import Browser

log = structlog.get_logger(__name__)

_sending: set[asyncio.Task[None]] = set()
"""Mails on their way: a task that nobody holds may be forgotten."""


async def show(desk: Desk, request: PageRequest) -> Page | Redirect:
    """With a link: a button that uses it up, so that nothing that only looks at links does. Else: have one sent."""
    link = request.query.get("link")
    if link is not None:
        return Page(template="come_back.html", values={"link": link})
    visit = await desk.visits.find(request.browser)
    if visit is not None and visit.may_manage:
        return Redirect(to="/connect/fleet")
    return Page(template="ask_for_link.html", values={"sends_mail": desk.visits.sends_mail})


async def come_back(desk: Desk, request: PageRequest) -> Redirect:
    """Use a link up."""
    return Redirect(to="/connect/fleet", browser=await desk.visits.come_back(request.form.get("link", "")))


async def send_link(desk: Desk, request: PageRequest) -> Page:
    """Have a link sent. The answer is the same, and as quick, whoever is registered."""
    task = asyncio.create_task(_send(desk, request.form.get("email", "")))
    _sending.add(task)
    task.add_done_callback(_sending.discard)
    return Page(template="link_sent.html")


async def sign_out(desk: Desk, request: PageRequest) -> Redirect:
    """End the visit."""
    await desk.visits.end(request.browser)
    return Redirect(to="/connect/return", browser=Browser.new())


async def _send(desk: Desk, email: str) -> None:
    try:
        await desk.visits.send_link(email)
    except MailNotSentError as error:
        log.warning("connect.link_not_sent", error=str(error))
    except Exception:
        log.exception("connect.link_not_sent")
