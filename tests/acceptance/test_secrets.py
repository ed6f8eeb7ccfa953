"""Secrets stay secret: a sandbox is used and mistreated; then its database, logs and processes are searched."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from acceptance.leaks import forms, leaks
from fleetwrite.kit.postgres_binaries import find_binaries
from fleetwrite.vault.keyfile import KeyFile
from fleetwrite.vault.places import PLACES
from fleetwrite.vault.service import Vault
from integration.connect.test_consents import decided
from integration.connect.visitor import Visitor

START_S = 90
SECRET = b"a secret of some length?>"

WRONG_SECRET = "a-wrong-secret-that-may-be-an-old-one"
WRONG_PASSWORD = "a wrong password, right elsewhere"

PURPOSES = {
    "connections": "connection-credentials",
    "login_sessions": "connection-session",
    "operation_secrets": "operation-secrets",
    "subscriptions": "webhook-secret",
    "signing_keys": "token-signing-key",
}

NO_SECRETS = {"server", "database", "username", "userName", "client_id", "redirect_uri"}
"""Named values that are sealed with the secrets beside them, and known to many."""


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.hex().encode(),
        SECRET.hex().upper().encode(),
        base64.b64encode(SECRET),
        base64.urlsafe_b64encode(SECRET),
        base64.b64encode(b"user:" + SECRET),
        base64.b64encode(b"x" + SECRET + b"y"),
        base64.urlsafe_b64encode(b"xy" + SECRET + b"yz"),
    ],
)
def test_a_secret_is_found_however_it_is_written(written: bytes) -> None:
    assert leaks({"it": SECRET}, {"here": b"..." + written + b"...", "there": b"nothing"}) == ["it in here"]
    assert all(len(form) >= len(SECRET) for form in forms(SECRET))


class Sandbox:
    """A running `fleetwrite up --sandbox` whose log is kept, and what a partner does to it."""

    def __init__(self, folder: Path, described: Mapping[str, Any], http: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.described = described
        self.http = http
        self.token = ""

    @property
    def dsn(self) -> str:
        password = (self.folder / "postgres" / "password").read_text().strip()
        port = (self.folder / "postgres" / "port").read_text().strip()
        return f"postgresql://fleetwrite:{quote(password)}@127.0.0.1:{port}/fleetwrite"

    async def log_in(self, secret: str | None = None) -> int:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.described["client_id"],
            "client_secret": secret or self.described["client_secret"],
        }
        async with self.http.post(self.described["token_url"], data=form) as answer:
            if answer.status == 200:
                self.token = (await answer.json())["access_token"]
            return answer.status

    async def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        url = self.described["api_url"] + path
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    def connection(self, source_name: str) -> str:
        found = (one for one in self.described["connections"] if one["source_name"] == source_name)
        return str(next(found)["connection_id"])

    async def until_ended(self, connection_id: str, operation_id: str) -> str:
        path = f"/v2/integrations/connections/{connection_id}/resource-operations/{operation_id}"
        async with asyncio.timeout(60):
            while (status := (await self.call("GET", path))[1]["status"]) == "pending":
                await asyncio.sleep(0.1)
        return str(status)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    folder = tmp_path / "data"
    command = [sys.executable, "-m", "fleetwrite", "up", "--sandbox", "--port", "0", "--data-dir", str(folder)]
    for tsp in ("samsara", "motive", "geotab"):
        command += ["--tsp", tsp]
    environment = os.environ | {"FLEETWRITE_LOG_LEVEL": "debug", "FLEETWRITE_LOG_FORMAT": "json"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)  # noqa: ASYNC220 - takes a millisecond
    try:
        described = folder / "sandbox.json"
        async with asyncio.timeout(START_S):
            while not described.exists():
                assert process.poll() is None, "it ended before it was ready"
                await asyncio.sleep(0.05)
        async with aiohttp.ClientSession() as http:
            yield Sandbox(folder, json.loads(described.read_text()), http)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


async def use_and_mistreat(sandbox: Sandbox) -> dict[str, bytes]:
    """Do what brings secrets into play, and what makes people log too much; returns the secrets that came up."""
    assert await sandbox.log_in() == 200
    first_token = sandbox.token
    assert await sandbox.log_in(WRONG_SECRET) == 401
    assert (await sandbox.call("GET", "/v2/integrations/connections", token="made-up-token-of-somebody"))[0] == 401
    webhook = {"url": "http://127.0.0.1:9/path", "event_name": "resource_operation.succeeded"}
    _, created = await sandbox.call("POST", "/v2/notifications/webhooks", webhook)
    known = {"webhook secret": created["secret"], "first token": first_token, "wrong secret": WRONG_SECRET}
    samsara, geotab = sandbox.connection("samsara"), sandbox.connection("geotab")
    simulator = sandbox.described["simulators"]["samsara"]["url"]
    for fault in ({"kind": "status", "status": 500}, {"kind": "commit_then_drop"}, {"kind": "status", "status": 429}):
        async with sandbox.http.post(
            f"{simulator}/_simulator/faults", json={"method": "POST", "path": "/fleet/drivers", **fault}
        ) as answer:
            assert answer.status < 300
    names = {"username": "marked-driver", "first_name": "M", "last_name": "D"}
    driver = {"connection_id": samsara, "is_driver": True, **names}
    status, operation = await sandbox.call("POST", "/v2/telematics/users", driver)
    assert status == 202, operation
    assert await sandbox.until_ended(samsara, operation["id"]) == "success"
    trailer = {"connection_id": geotab, "trailer_name": "Marked trailer"}
    status, other = await sandbox.call("POST", "/v2/telematics/trailers", trailer)
    assert status == 202, other
    await sandbox.until_ended(geotab, other["id"])
    path = f"/v2/integrations/connections/{samsara}"
    assert (await sandbox.call("PATCH", path, {"credentials": {"token": "samsara_api_not_accepted"}}))[0] == 422
    assert (await sandbox.call("PATCH", path, {"credentials": {"tokken": "samsara_api_misplaced"}}))[0] == 422
    status, secrets = await sandbox.call("POST", f"/v2/fleetwrite/operations/{operation['id']}/secrets")
    assert status == 200, secrets
    known |= {"driver's password": secrets["secrets"]["password"]}
    known |= {"refused login": "samsara_api_not_accepted", "misplaced login": "samsara_api_misplaced"}
    known |= {"client secret": sandbox.described["client_secret"], "token": sandbox.token}
    login = {name: sandbox.described[name] for name in ("client_id", "client_secret")}
    form = {**login, "token": sandbox.token}
    async with sandbox.http.post(sandbox.described["token_url"].replace("/token", "/revoke"), data=form) as answer:
        assert answer.status == 200
    return {name: text.encode() for name, text in known.items()}


async def connect_on_the_page(sandbox: Sandbox) -> dict[str, bytes]:
    """Connect a fleet by a consent and by a password, after a wrong one; returns the secrets that came up."""
    asked = {"fleet_ref": "marked-fleet", "permissions": {"message": "read_write"}}
    status, invitation = await sandbox.call("POST", "/v2/orgs/invitations", asked)
    assert status == 201, invitation
    async with Visitor(sandbox.described["api_url"]) as visitor:
        stranger = visitor.cookie if (await visitor.open(invitation["magic_link"])).status == 200 else ""
        await visitor.submit(await visitor.open(invitation["magic_link"]), "/connect/accept")
        motive = "/connect/providers/motive"
        sent = await visitor.submit(await visitor.open(motive), f"{motive}/consent")
        back = await decided(visitor, sent.location)
        assert urlsplit((await visitor.open(back)).url).path == "/connect/done"
        geotab = "/connect/providers/geotab"
        wrong = {"username": "marked@fleet.example", "password": WRONG_PASSWORD, "database": "northwind"}
        refused = await visitor.submit(
            await visitor.open(geotab), geotab, **{f"credentials__{name}": value for name, value in wrong.items()}
        )
        assert refused.status == 422
        answered = {name: value for name, (value,) in parse_qs(urlsplit(back).query).items()}
        known = {"cookie": visitor.cookie, "cookie before": stranger, "wrong password": WRONG_PASSWORD, **answered}
        known["form token"] = refused.document.forms[geotab].fields["form_token"]
    assert known.keys() >= {"code", "state"}
    assert all(known.values())
    return {f"connect page's {name}": text.encode() for name, text in known.items()}


async def sealed_secrets(sandbox: Sandbox) -> dict[str, bytes]:
    """Everything that the vault keeps, opened; and its key."""
    keys = KeyFile.load(sandbox.folder / "vault.key")
    vault = Vault(*keys)
    opened = {"master key": keys[0].material}
    connection = await asyncpg.connect(sandbox.dsn)
    for place in PLACES:
        rows = await connection.fetch(f"SELECT {place.key} AS key, {place.column} AS sealed FROM {place.table}")  # noqa: S608 - ours
        for row in rows:
            if row["sealed"] is None:
                continue
            subject: UUID | str = row["key"]
            content = vault.open(row["sealed"], purpose=PURPOSES[place.table], subject=subject)
            named = json.loads(content) if content.startswith(b"{") else {"it": None}
            for name, value in named.items():
                if name not in NO_SECRETS:
                    # Short values are no secrets but words, which stand in many places.
                    secret = content if value is None else str(value).encode()
                    if len(secret) >= 12:
                        opened[f"{place.table} {subject} {name}"] = secret
    await connection.close()
    return opened


async def dumped(sandbox: Sandbox) -> bytes:
    """The whole database, as a backup has it."""
    process = await asyncio.create_subprocess_exec(
        str(find_binaries() / "bin" / "pg_dump"), "--dbname", sandbox.dsn, "--inserts", stdout=asyncio.subprocess.PIPE
    )
    dump, _ = await process.communicate()
    assert process.returncode == 0
    return dump


def command_lines() -> bytes:
    """What everybody on this machine can see of its processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_bytes())
        except OSError:
            continue  # it ended while we looked
    return b"\n".join(found)


def logs(sandbox: Sandbox) -> dict[str, bytes]:
    return {
        "the log": (sandbox.folder.parent / "log").read_bytes(),
        "the database's log": (sandbox.folder / "postgres" / "server.log").read_bytes(),
    }


async def test_a_dump_the_logs_and_the_process_list_hold_no_secret(sandbox: Sandbox) -> None:
    secrets = await use_and_mistreat(sandbox)
    assert await sandbox.log_in() == 200
    secrets |= await connect_on_the_page(sandbox)
    secrets |= await sealed_secrets(sandbox)
    assert len(secrets) > 20
    secrets["the database's password"] = (sandbox.folder / "postgres" / "password").read_text().strip().encode()
    places = {"the dump": await dumped(sandbox), "the process list": command_lines(), **logs(sandbox)}
    # So the right things are searched: what was written stands there.
    assert b"Marked trailer" in places["the dump"]
    assert b"marked-driver" in places["the dump"]
    assert b"marked-fleet" in places["the dump"]
    assert b"/connect/callback/" in places["the log"]
    assert b"/v2/notifications/webhooks" in places["the log"]
    assert b"fleetwrite" in places["the process list"]
    assert leaks(secrets, places) == []
