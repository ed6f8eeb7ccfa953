"""A fleet of which there is something in every place where something of a fleet can be; and another one beside it."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from fleetwrite.connect.mail import Mail
from fleetwrite.connect.models import Departure
from fleetwrite.connect.visits import Visits
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.event_names import WebhookSubscribableEvent
from fleetwrite.contract.notifications import WebhookCreate
from fleetwrite.contract.orgs import InvitationCreate
from fleetwrite.events.fan_out import FanOut
from fleetwrite.fleet_data import store
from fleetwrite.fleet_data.places import PLACES, Fate, condition
from fleetwrite.orgs.models import EVERYTHING
from fleetwrite.sandbox.seed import pull_records
from fleetwrite.webhooks.fan_out import Batching, DeliveryPlanner
from integration.operations import writes
from integration.operations.world import World

EMAIL: Final = "mk-mail@fleet.example"
PHONE: Final = "+15550104711"
VIN: Final = "1XKYDP9X7MJ4304MK"
LICENCE: Final = "MKD1234567"
PLATE: Final = "MK47 11"

MARK: Final = "mk-"
"""Begins every other text of the fleet: nobody else's has it."""

MARKS: Final = (MARK, PHONE, VIN, LICENCE, PLATE)

MARKED: Final = (
    *(
        "mk-name",
        EMAIL,
        PHONE,
        "mk-regulatory",
        "mk-website",
        "mk-ref",
        "mk-description",
        "mk-trailer",
        "mk-trailer-note",
    ),
    *("mk-driver", "mk-first", "mk-last", LICENCE, "mk-vehicle", VIN, PLATE, "mk-text", "mk-vendor", "mk-key"),
    *("mk-record-ref", "mk-refused", "mk-later", "mk-setting", "mk-failure"),
)
"""What an export has to show."""


class Outbox:
    """Keeps the mails that are sent."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)


@dataclass(repr=False)  # it would fill screens of every failure
class Story:
    """The fleet.

    Attributes:
        world: of the other fleet, which stays as it is.
        own: the same for the fleet itself.
        pending_id: an operation that waits for a day.
        secrets: what may be shown to nobody.
    """

    world: World
    own: World
    fleet_id: UUID
    invitation_id: UUID
    pending_id: UUID
    secrets: Sequence[str]

    async def text(self, *tables: str) -> str:
        """These tables, or all, as text."""
        pool = self.world.services.database.pool
        wanted = tables or [place.table for place in PLACES]
        rows = [row for table in wanted for row in await pool.fetch(f"SELECT t::text FROM {table} AS t")]  # noqa: S608 - names of the list
        return "\n".join(row[0] for row in rows)

    async def counts(self) -> dict[str, int]:
        """How many rows are the fleet's, by table."""
        async with self.world.services.database.acquire() as connection:
            return await store.count(connection, self.fleet_id, PLACES)

    async def others(self) -> dict[str, set[str]]:
        """What is not the fleet's, by table; of tables that it takes nothing from, all."""
        pool = self.world.services.database.pool
        found = {}
        for place in PLACES:
            theirs = "false" if place.fate is Fate.STAYS else condition(place)
            rows = await pool.fetch(
                f"SELECT t::text FROM {place.table} AS t WHERE $1::uuid IS NOT NULL"  # noqa: S608 - words of the list
                f" AND ctid NOT IN (SELECT ctid FROM {place.table} WHERE {theirs})",
                self.fleet_id,
            )
            found[place.table] = {row[0] for row in rows}
        return {table: rows for table, rows in found.items() if table not in ALWAYS_MOVING}

    async def fan_out(self) -> None:
        """Plan the deliveries of all events."""
        planner = DeliveryPlanner(self.world.services.dispatch, Batching())
        loop = FanOut(self.world.services.database, planner.plan)
        while await loop.fan_out_once():
            pass


WEBHOOK_SECRET: Final = "whsec-known-to-the-partner"

ALWAYS_MOVING: Final = (
    *("audit_log", "erasures", "lane_owners", "lanes", "jobs", "budgets", "bars", "clock_shift", "stream_listeners"),
    "vault_holders",
)


async def told(world: World, hooks: str) -> Story:
    """Let all of it happen."""
    services = world.services
    account = world.simulator.demo_accounts()[1]
    await _subscribe(world, hooks)
    invitation_id, fleet_id = await _accepted(world)
    connection = await services.connections.create(
        fleet_id=fleet_id,
        tsp_slug="samsara",
        credentials=account.credentials,
        settings={**account.settings, "base_url": world.connection.settings["base_url"]},
        description="mk-description",
        account_id="mk-account",
    )
    await services.connection_budgets.replace(world.partner_id, connection.id, [])
    await pull_records(services, connection)
    own = dataclasses.replace(world, connection=connection, **await _people(world, connection.id))
    await _write_all(own)
    await world.deliver(ResourceEnum.TRAILER, {"trailer_name": "bystander"})
    later = datetime.now(UTC) + timedelta(days=20)
    pending_id = (await own.write(ResourceEnum.TRAILER, {"trailer_name": "mk-later"}, not_before=later)).id
    await _kept_beside(own, fleet_id, invitation_id)
    secrets = [WEBHOOK_SECRET, *account.credentials.values(), *(await _passwords(own))]
    return Story(world, own, fleet_id, invitation_id, pending_id, secrets)


async def _subscribe(world: World, hooks: str) -> None:
    for name in ("trailer.*", "resource_operation.*", "share_agreement.*", "invitation.*"):
        body = WebhookCreate(url=hooks, event_name=WebhookSubscribableEvent(name), secret=WEBHOOK_SECRET)
        await world.services.subscriptions.create(world.partner_id, body)


async def _accepted(world: World) -> tuple[UUID, UUID]:
    invitations = world.services.invitations
    body = InvitationCreate(
        fleet_ref="mk-ref",
        fleet_name="mk-name",
        fleet_email=EMAIL,
        fleet_phone=PHONE,
        fleet_website="https://mk-website.example",
        fleet_regulatory_id="mk-regulatory",
        fleet_regulatory_id_type="usdot",
        fleet_country_code="DE",
        permissions=dict(EVERYTHING),
    )
    first, _ = await invitations.invite(world.partner_id, body)
    await invitations.decline(first.id, "mk-reason")
    made, _ = await invitations.invite(world.partner_id, body)
    await invitations.view(made.id)
    accepted = await invitations.accept(made.id)
    fleet_id = accepted.invitation.fleet_id
    assert fleet_id is not None
    return made.id, fleet_id


async def _people(world: World, connection_id: UUID) -> Mapping[str, Any]:
    rows = await world.services.database.pool.fetch(
        "SELECT id, resource, attributes -> 'is_driver' AS is_driver FROM records"
        " WHERE connection_id = $1 AND deleted_at IS NULL ORDER BY source_id",
        connection_id,
    )
    users = [(row["id"], row["is_driver"]) for row in rows if row["resource"] == "user"]
    return {
        "drivers": [user_id for user_id, is_driver in users if is_driver],
        "office_users": [user_id for user_id, is_driver in users if not is_driver],
        "vehicles": [row["id"] for row in rows if row["resource"] == "vehicle"],
        "trailers": [row["id"] for row in rows if row["resource"] == "trailer"],
    }


async def _write_all(own: World) -> None:
    """Write something of each kind."""
    await own.deliver(ResourceEnum.TRAILER, {"trailer_name": "mk-trailer", "notes": "mk-trailer-note"})
    driver = {
        "is_driver": True,
        "username": "mk-driver",
        "first_name": "mk-first",
        "last_name": "mk-last",
        "license_number": LICENCE,
        "license_region": "TX",
    }
    await own.deliver(ResourceEnum.USER, driver)
    vehicle = {"vehicle_name": "mk-vehicle", "vin": VIN, "license_plate_number": PLATE, "model_year": 2021}
    await own.deliver(ResourceEnum.VEHICLE, vehicle, idempotency_key="mk-key")
    message = {"sender_id": own.office_users[0], "recipient_id": own.drivers[0], "message_text": "mk-text"}
    await own.deliver(ResourceEnum.MESSAGE, message)
    fuel = {**writes.fuel(own, "mk-vendor-1"), "fuel_vendor": "mk-vendor", "total_cost": Decimal("99.5")}
    await own.deliver(ResourceEnum.FUEL_TRANSACTION, fuel)
    own.fault("POST", "/fleet/trailers", "status", status=400)
    await own.deliver(ResourceEnum.TRAILER, {"trailer_name": "mk-refused"})


async def _kept_beside(own: World, fleet_id: UUID, invitation_id: UUID) -> None:
    """What no write leaves behind, and what only other providers or bad days do."""
    database, connection_id = own.services.database, own.connection.id
    visits = Visits(database, Outbox(), public_url="https://fleetwrite.test")
    browser = await visits.admit(invitation_id, fleet_id)
    visit = await visits.require(browser)
    await visits.leave(visit, Departure(fleet_id=fleet_id, tsp_slug="motive", settings={"kept": "mk-setting"}))
    await visits.send_link(EMAIL)
    secret = "known to a browser"
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO connect_visits (secret_hash, email, expires_at)"
            " VALUES ($1, $2, fleetwrite_now() + interval '1 hour')",
            hashlib.sha256(secret.encode()).digest(),
            EMAIL,
        )
        await connection.execute(
            "INSERT INTO record_refs SELECT $1, connection_id, resource, source_id, 'mk-record-ref' FROM records"
            " WHERE connection_id = $2 AND attributes ->> 'trailer_name' = 'mk-trailer'",
            own.partner_id,
            connection_id,
        )
        await connection.execute(
            "INSERT INTO pulled_pages SELECT id, 1, ARRAY['mk-source'] FROM executions"
            " WHERE schedule_id IN (SELECT id FROM schedules WHERE connection_id = $1) LIMIT 1",
            connection_id,
        )
        await connection.execute(
            "INSERT INTO login_sessions (connection_id, refusal) VALUES ($1, 'mk-refusal')", connection_id
        )
        await connection.execute("UPDATE logins SET host = 'mk-host' WHERE connection_id = $1", connection_id)
        await connection.execute("INSERT INTO breakers (host, tsp_slug) VALUES ('mk-host', 'samsara')")
        await connection.execute(
            "UPDATE attempts SET error_details = error_details || ': mk-failure' WHERE status = 'failed'"
            " AND operation_id IN (SELECT id FROM operations WHERE connection_id = $1)",
            connection_id,
        )
        await connection.execute(
            "INSERT INTO operation_parts (operation_id, position, recipient_id, state, attempts, details)"
            " SELECT id, 0, $2, 'failed', 1, 'mk-part' FROM operations WHERE connection_id = $1 LIMIT 1",
            connection_id,
            own.drivers[0],
        )
        await connection.execute(
            "INSERT INTO bars (owner_id, scope, since, until, for_s)"
            " VALUES ($1, 'token', fleetwrite_now(), fleetwrite_now(), 60)",
            connection_id,
        )


async def _passwords(own: World) -> list[str]:
    """The made-up password of the driver, sealed again as if nobody had collected it."""
    rows = await own.services.database.pool.fetch("SELECT operation_id, sealed FROM operation_secrets")
    assert rows
    sealed = rows[0]
    opened = own.services.vault.open(sealed["sealed"], purpose="operation-secrets", subject=sealed["operation_id"])
    return [opened.decode()]
