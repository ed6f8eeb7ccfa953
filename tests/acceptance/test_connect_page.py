"""The whole story in a real browser, which runs no script: a fleet is invited, connects, is written to, says stop."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import aiohttp
import pytest
from playwright.async_api import Page

from acceptance.browser import keep_picture, opened_browser
from fleetwrite.bootstrap import REALM_PATH, open_services
from fleetwrite.connectors.sdk.simulator.oauth import DEMO_PASSWORD
from fleetwrite.sandbox.seed import pull_records
from fleetwrite.sandbox.up import SANDBOX_DEFAULTS, everything
from fleetwrite.settings import Settings
from integration.connect.mail_server import MailServer, opened_mail_server
from integration.connect.place import opened_place

EMAIL = "dispatch@northwind.example"
OWNER = "ines.vogel@northwind-haulage.example"


async def admin(environment: dict[str, str], *arguments: str) -> str:
    """What `fleetwrite admin ...` prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fleetwrite", "admin", *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


@dataclass(frozen=True)
class Partner:
    """A partner's software."""

    api_url: str
    http: aiohttp.ClientSession
    token: str

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, self.api_url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def connections(self) -> dict[str, str]:
        """Their ids by the provider's name."""
        status, page = await self.call("GET", "/v2/integrations/connections")
        assert status == 200, page
        return {one["source_name"]: one["id"] for one in page["items"]}

    async def write(self, message: dict[str, Any]) -> None:
        """Send a message, and wait until the provider has it."""
        status, operation = await self.call("POST", "/v2/telematics/messages", message)
        assert status == 202, operation
        path = f"/v2/integrations/connections/{message['connection_id']}/resource-operations/{operation['id']}"
        async with asyncio.timeout(60):
            while operation["status"] == "pending":
                await asyncio.sleep(0.1)
                status, operation = await self.call("GET", path)
        assert operation["status"] == "success", [log["error_details"] for log in operation["logs"]]

    async def message(self, connection_id: str, text: str) -> dict[str, Any]:
        """A message from an office user to a driver, whom the lists name."""
        people = {}
        for kind, is_driver in (("recipient_id", "true"), ("sender_id", "false")):
            path = f"/v2/telematics/users?connection_id={connection_id}&is_driver={is_driver}"
            status, page = await self.call("GET", path)
            assert status == 200, page
            # The last driver is on holiday, and Geotab delivers messages to vehicles.
            people[kind] = min(page["items"], key=lambda one: str(one["source_id"]))["id"]
        return {"connection_id": connection_id, "message_text": text, **people}


@asynccontextmanager
async def signed_in(api_url: str, printed: str) -> AsyncIterator[Partner]:
    """A partner with the client that was printed when it was made."""
    ((client_id, client_secret),) = re.findall(r"^client (\S+)\nsecret (\S+)$", printed, re.MULTILINE)
    async with aiohttp.ClientSession() as http:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        async with http.post(f"{api_url}{REALM_PATH}/protocol/openid-connect/token", data=form) as answer:
            assert answer.status == 200, await answer.text()
            token = (await answer.json())["access_token"]
        yield Partner(api_url, http, token)


async def connect_motive(page: Page) -> None:
    await page.get_by_role("link", name="Motive").click()
    await keep_picture(page, "connect 4 motive")
    await page.get_by_role("button", name="Continue to Motive").click()
    await page.get_by_label("E-mail address").fill(OWNER)
    await page.get_by_label("Password").fill(DEMO_PASSWORD)
    await keep_picture(page, "connect 5 consent at motive")
    await page.get_by_role("button", name="Allow").click()
    await page.get_by_text("Motive is connected.").wait_for()


async def connect_geotab(page: Page, credentials: dict[str, str]) -> None:
    await page.get_by_role("link", name="Connect another account").click()
    await page.get_by_label("Search by name").fill("geo")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="Geotab").click()
    await page.get_by_label("User name").fill(credentials["username"])
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_label("Database").fill(credentials["database"])
    await page.get_by_role("button", name="Check and connect").click()
    await page.get_by_role("alert").get_by_text("Geotab does not accept this.").wait_for()
    await keep_picture(page, "connect 6 geotab refuses")
    await page.get_by_label("Password").fill(credentials["password"])
    await page.get_by_role("button", name="Check and connect").click()
    await page.get_by_text("Geotab is connected.").wait_for()
    await keep_picture(page, "connect 7 connected")


async def demo_login(folder: Path, tsp: str) -> dict[str, str]:
    """What logs in to the simulator's first account."""
    url = json.loads((folder / "sandbox.json").read_text())["simulators"][tsp]["url"]
    async with aiohttp.ClientSession() as http, http.get(f"{url}/_simulator/accounts") as answer:
        credentials: dict[str, str] = (await answer.json())["accounts"][0]["credentials"]
        return credentials


async def read_people(environment: dict[str, str], fleet_id: str) -> None:
    """Read drivers and office users of a fleet's connections."""
    async with open_services(Settings.load(environment), name="test") as services:
        for connection in await services.connections.of_fleet(UUID(fleet_id)):
            await pull_records(services, connection)


async def come_back(page: Page, api_url: str, mails: MailServer) -> None:
    await page.goto(f"{api_url}/connect/return")
    await page.get_by_label("E-mail address").fill(EMAIL)
    await page.get_by_role("button", name="Send the link").click()
    await page.get_by_text("Look at your mail").first.wait_for()
    mail = await mails.next()
    assert mail["To"] == EMAIL
    (link,) = re.findall(r"^http\S+", mail.get_content(), re.MULTILINE)
    await page.goto(link)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("heading", name="Your connections").wait_for()


async def agree(page: Page, invitation: dict[str, Any]) -> None:
    await page.goto(invitation["magic_link"])
    await page.get_by_role("heading", name="Contoso TMS asks to work with Northwind Haulage").wait_for()
    await keep_picture(page, "connect 1 invitation")
    await page.get_by_role("button", name="Agree and choose provider").click()
    await page.get_by_role("heading", name="Which telematics provider do you use?").wait_for()
    await keep_picture(page, "connect 2 providers")


@asynccontextmanager
async def installation(database_url: str, folder: Path, mails: MailServer) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """All processes of an installation whose providers are simulated: its address, and the environment of others."""
    variables = {
        **os.environ,
        **SANDBOX_DEFAULTS,
        "DATABASE_URL": database_url,
        "FLEETWRITE_SMTP_URL": mails.url,
        "FLEETWRITE_MAIL_FROM": "connect@fw.example",
    }
    running = everything(
        folder, port=0, sandbox=True, progress=lambda _text: None, variables=variables, tsps=["motive", "geotab"]
    )
    async with running as api_url:
        made = {
            "FLEETWRITE_PUBLIC_URL": api_url,
            "FLEETWRITE_VAULT_KEY_FILE": str(folder / "vault.key"),
            "FLEETWRITE_CONFIG": str(folder / "sandbox.toml"),
        }
        yield api_url, variables | made


INVITATION = {
    "fleet_ref": "northwind",
    "fleet_name": "Northwind Haulage",
    "fleet_email": EMAIL,
    "success_redirect_url": "https://tms.example/connected",
    "permissions": {"message": "read_write", "user": "read", "vehicle": "read"},
}


async def test_a_fleet_is_invited_connects_is_written_to_and_says_stop(database_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(opened_browser(scripts=False))
        mails = await stack.enter_async_context(opened_mail_server())
        api_url, environment = await stack.enter_async_context(installation(database_url, tmp_path, mails))
        printed = await admin(environment, "partner", "create", "Contoso TMS", "--slug", "contoso")
        partner = await stack.enter_async_context(signed_in(api_url, printed))
        status, invitation = await partner.call("POST", "/v2/orgs/invitations", INVITATION)
        assert status == 201, invitation

        page = await browser.new_page()
        await agree(page, invitation)
        await connect_motive(page)
        await connect_geotab(page, await demo_login(tmp_path, "geotab"))
        way_back = await page.get_by_role("link", name="Back to Contoso TMS").get_attribute("href")
        assert way_back is not None
        assert way_back.startswith("https://tms.example/connected?status=success&")
        assert f"invitation_id={invitation['id']}" in way_back

        connections = await partner.connections()
        assert set(connections) == {"motive", "geotab"}
        _, accepted = await partner.call("GET", f"/v2/orgs/invitations/{invitation['id']}")
        await read_people(environment, accepted["fleet_id"])
        messages = [await partner.message(one, f"Dock 7, please ({name})") for name, one in connections.items()]
        for message in messages:
            await partner.write(message)

        await come_back(page, api_url, mails)
        assert await page.get_by_role("cell", name="Send a message").count() == len(messages)
        await keep_picture(page, "connect 8 coming back")
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_role("button", name="Resume").wait_for()
        for message in messages:
            status, refused = await partner.call("POST", "/v2/telematics/messages", message)
            assert status == 403, refused


@pytest.mark.parametrize(("width", "colors"), [(360, "dark"), (360, "light"), (1280, "dark")])
async def test_pages_fit_small_screens_and_both_colours(
    database_url: str, tmp_path: Path, width: int, colors: Literal["light", "dark"]
) -> None:
    async with (
        opened_browser(scripts=True, width=width, colors=colors) as browser,
        opened_place(database_url, tmp_path) as place,
    ):
        invitation = await place.invite(fleet_name="A-very-long-name-of-a-fleet-without-any-blank-in-it" * 2)
        page = await browser.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        for name, address in (
            ("invitation", f"/connect?invite={invitation.id}"),
            ("providers", "/connect/providers"),
            ("geotab", "/connect/providers/geotab"),
            ("samsara", "/connect/providers/samsara"),
            ("return", "/connect/return"),
        ):
            await page.goto(place.url + address)
            wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert not wide, name
            await keep_picture(page, f"{name} {width} {colors}")
            if name == "invitation":
                await page.get_by_role("button", name="Agree").click()
        # Whatever the policy blocks is told there.
        assert problems == []
