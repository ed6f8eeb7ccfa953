"""An installation with the connect page, one partner, and simulators of the providers that fleets connect to."""

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
from fleetwrite.connectors.geotab.simulator.server import GeotabSimulator
from fleetwrite.connectors.motive.simulator.server import MotiveSimulator
from fleetwrite.connectors.samsara.simulator.server import SamsaraSimulator
from fleetwrite.connectors.sdk.simulator import Simulator
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


class Letterbox:
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)


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

    async def invite(self, fleet_ref: str = "fleet-1", **more: Any) -> Invitation:
        invitation, _ = await self.services.invitations.invite(
            self.partner.id, InvitationCreate(fleet_ref=fleet_ref, **more)
        )
        return invitation

    async def accepted(self, visitor: Visitor, **more: Any) -> Answer:
        """The page on which providers are chosen, for a visitor whose invitation was accepted."""
        invitation = await self.invite(**more)
        page = await visitor.open(f"/connect?invite={invitation.id}")
        return await visitor.submit(page, "/connect/accept")

    async def pass_time(self, by: str) -> None:
        """Let time pass for everything that asks the database what time it is."""
        await self.services.database.pool.execute("UPDATE clock_shift SET shift = shift + $1::text::interval", by)

    async def connections(self) -> list[tuple[str, UUID]]:
        rows = await self.services.database.pool.fetch(
            "SELECT tsp_slug, id FROM connections WHERE status <> 'deleted' ORDER BY created_at, id"
        )
        return [(row["tsp_slug"], row["id"]) for row in rows]


@asynccontextmanager
async def opened_place(
    database_url: str, folder: Path, *, name: str = "Acme TMS", **settings: Any
) -> AsyncIterator[Place]:
    """Build it on a fresh database, and serve it."""
    KeyFile.create(folder / "vault.key")
    async with AsyncExitStack() as stack:
        simulators = {slug: kind(folder / "simulators") for slug, kind in SIMULATED.items()}
        addresses = {}
        for slug, simulator in simulators.items():
            addresses[slug] = await simulator.start()
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
        partner = await services.orgs.create_partner(PartnerCreate(name=name), slug="acme")
        yield Place(services, url, partner, letterbox, simulators, addresses)


def _tsp(simulator: Simulator, address: str) -> TspSettings:
    app = simulator.demo_app()
    return TspSettings(
        connect={"base_url": address},
        app=None if app is None else AppSettings(client_id=app.client_id, client_secret=app.client_secret),
    )
