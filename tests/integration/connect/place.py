"""An installation with the connect page, one partner, and simulators of the providers that fleets connect to."""

import asyncio
import re
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from fleetwrite.api.app import create_app
from fleetwrite.bootstrap import Services, open_services
from fleetwrite.connect.app import connect_routes
from fleetwrite.connect.mail import Mail
from fleetwrite.connections.models import Connection
from fleetwrite.connectors.geotab.simulator.server import GeotabSimulator
from fleetwrite.connectors.motive.simulator.server import MotiveSimulator
from fleetwrite.connectors.samsara.simulator.server import SamsaraSimulator
from fleetwrite.connectors.sdk.simulator import Limit, Simulator
from fleetwrite.contract.orgs import InvitationCreate, PartnerCreate
from fleetwrite.orgs.invitation_models import Invitation
from fleetwrite.orgs.models import Partner
from fleetwrite.settings import AppSettings, Settings, TspSettings
from fleetwrite.vault.keyfile import KeyFile
from integration.api.world import served
from integration.connect.visitor import Answer, Visitor

SIMULATED: Mapping[str, type[Simulator]] = {
    "geotab": GeotabSimulator,
    "motive": MotiveSimulator,
    "samsara": SamsaraSimulator,
}


UNLIMITED = Limit(requests=100_000, per_seconds=1, kind="bucket")
"""Some providers let one log in ten times a minute, and tests are in more of a hurry."""


class Letterbox:
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self._came = asyncio.Condition()

    async def send(self, mail: Mail) -> None:
        async with self._came:
            self.mails.append(mail)
            self._came.notify_all()

    async def until(self, count: int) -> None:
        """Wait until so many mails came."""
        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(lambda: len(self.mails) >= count)

    async def link_to(self, email: str) -> str:
        """The link in the last mail to an address, once there is one."""
        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(lambda: any(mail.to == email.lower() for mail in self.mails))
        text = [mail.text for mail in self.mails if mail.to == email.lower()][-1]
        (link,) = re.findall(r"^http\S+$", text, re.MULTILINE)
        return str(link)


@dataclass(frozen=True, repr=False)
class Place:
    """All of it.

    Attributes:
        simulators: by slug.
        addresses: of the simulators, by slug.
    """

    services: Services
    url: str
    partner: Partner
    letterbox: Letterbox
    simulators: Mapping[str, Simulator]
    addresses: Mapping[str, str]

    def visitor(self) -> Visitor:
        return Visitor(self.url)

    async def invite(self, partner: Partner | None = None, **more: Any) -> Invitation:
        """An invitation of a fleet that nobody else has."""
        body = InvitationCreate(fleet_ref=secrets.token_hex(4), **more)
        invitation, _ = await self.services.invitations.invite((partner or self.partner).id, body)
        return invitation

    async def accepted(self, visitor: Visitor, **more: Any) -> tuple[Answer, UUID]:
        """The page on which providers are chosen, for a visitor whose invitation was accepted; and its fleet."""
        invitation = await self.invite(**more)
        page = await visitor.submit(await visitor.open(f"/connect?invite={invitation.id}"), "/connect/accept")
        fleet_id = (await self.services.invitations.view(invitation.id)).fleet_id
        assert fleet_id is not None
        return page, fleet_id

    async def come_back(self, visitor: Visitor, email: str) -> Answer:
        """What a fleet sees that asked for a link and used it."""
        page = await visitor.submit(await visitor.open("/connect/return"), "/connect/link", email=email)
        assert "Look at your mail" in page.text
        page = await visitor.open(await self.letterbox.link_to(email))
        return await visitor.submit(page, "/connect/return")

    @asynccontextmanager
    async def later(self, by: str) -> AsyncIterator[None]:
        """Let time pass for everything that asks the database what time it is; then it is now again."""
        await self.services.database.pool.execute("UPDATE clock_shift SET shift = $1::text::interval", by)
        yield
        await self.services.database.pool.execute("UPDATE clock_shift SET shift = '0'")

    async def connected(self, fleet_id: UUID) -> list[Connection]:
        return await self.services.connections.of_fleet(fleet_id)

    def login(self, slug: str) -> dict[str, str]:
        """The credentials of a simulator's first account, by the names of the form's fields."""
        account = self.simulators[slug].demo_accounts()[0]
        return {f"credentials__{name}": value for name, value in account.credentials.items()}


@asynccontextmanager
async def opened_place(
    database_url: str, folder: Path, *, partner_name: str = "Acme TMS", **settings: Any
) -> AsyncIterator[Place]:
    """Build it on a fresh database, and serve it."""
    KeyFile.create(folder / "vault.key")
    async with AsyncExitStack() as stack:
        simulators = {slug: kind(folder / "simulators") for slug, kind in SIMULATED.items()}
        addresses = {}
        for slug, simulator in simulators.items():
            addresses[slug] = await simulator.start()
            simulator.replace_limits(UNLIMITED)
            stack.push_async_callback(simulator.stop)
        listening = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        services = await stack.enter_async_context(
            open_services(
                Settings(
                    database_url=database_url,
                    vault_key_file=str(folder / "vault.key"),
                    public_url=url,
                    outbound_allow_http=True,
                    outbound_allowed_networks=("127.0.0.0/8",),
                    tsp={slug: _tsp(simulators[slug], addresses[slug]) for slug in SIMULATED},
                    **settings,
                ),
                name="tests",
            )
        )
        letterbox = Letterbox()
        app = create_app(services, pages=connect_routes(services, letterbox))
        await stack.enter_async_context(served(app, listening))
        partner = await services.orgs.create_partner(PartnerCreate(name=partner_name))
        yield Place(services, url, partner, letterbox, simulators, addresses)


def _tsp(simulator: Simulator, address: str) -> TspSettings:
    app = simulator.demo_app()
    return TspSettings(
        connect={"base_url": address},
        app=None if app is None else AppSettings(client_id=app.client_id, client_secret=app.client_secret),
    )
