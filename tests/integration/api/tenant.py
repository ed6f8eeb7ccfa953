"""A partner with one thing at least of every kind that a request can name, and a mark of its own in every text."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fleetwrite.connectors.sdk.connector import SourceRecord
from fleetwrite.connectors.sdk.simulator import Fault
from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.sandbox.seed import pull_records
from integration.api.providers import CONNECTIONS, Provider
from integration.api.world import NOWHERE, World
from integration.records.keeping import keep

OF_FLEETS: Final = frozenset(
    {
        *("fleet", "connection", "schedule"),
        *("vehicle", "trailer", "driver", "office_user", "message", "group_message", "dvir_log", "record"),
        *("vin", "license_plate_number", "external_id", "employee_number", "username", "user_email"),
        *("eld_serial_number", "group"),
    }
)
"""Kinds of what belongs to a fleet: every partner with whom it shares sees the same."""

SPARE: Final = 4
"""As many things more of a kind as calls that use one up: accept, decline, delete, cancel."""


@dataclass(frozen=True, repr=False)  # it would fill screens of every failure
class Tenant:
    """A partner as its software knows it.

    Attributes:
        mark: begins every text of it. Texts that no other partner ever sees begin with `private`.
        ids: what it may name, by kind.
        spare: more of the same, to be used up.
    """

    mark: str
    partner_id: UUID
    token: str
    ids: dict[str, str] = field(default_factory=dict)
    spare: dict[str, list[str]] = field(default_factory=dict)

    @property
    def private(self) -> str:
        return f"{self.mark}-private"

    @property
    def fleet_ref(self) -> str:
        return f"{self.private}-fleet"


def is_of_fleet(kind: str) -> bool:
    """Whether a thing of this kind belongs to a fleet and not to a partner; so do the provider's names for them."""
    return kind.removesuffix(" source_id") in OF_FLEETS


class Seeding:
    """Gives a tenant what it has, as far as that goes by the API."""

    def __init__(self, world: World, tenant: Tenant, provider: Provider | None, number: int) -> None:
        self._world = world
        self._tenant = tenant
        self._provider = provider
        self._number = number

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = await self._world.send_json(method, path, body, token=self._tenant.token, **headers)
        assert answer.status < 300, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def before_work(self, receiver_url: str) -> None:
        await self.subscribe(receiver_url)
        await self._connect()
        await self._write()
        await self._fail()

    async def after_work(self) -> None:
        await self._choose_schedules()
        await self._list_more()
        await self.write_pending()
        await self._let_die()
        await self.invite()
        await self.describe_partner()
        await self.name_things()
        await self.find_event()

    async def subscribe(self, url: str) -> None:
        """To one receiver that takes everything, and to others that nobody listens at."""
        urls = [f"{url}?{self._tenant.private}", *(f"{NOWHERE}/{self._tenant.private}-{n}" for n in range(SPARE))]
        made = []
        for one in urls:
            body = {"url": one, "event_name": "resource_operation.created", "secret": f"{self._tenant.private}-secret"}
            made.append((await self.call("POST", "/v2/notifications/webhooks", body))["id"])
        self._tenant.ids["webhook"], *self._tenant.spare["webhook"] = made

    async def _connect(self) -> None:
        services, tenant, provider = self._world.services, self._tenant, self._of_provider
        agreement = await services.orgs.ensure_shared_fleet(tenant.partner_id, tenant.fleet_ref, f"{tenant.mark} fleet")
        account = provider.account(self._number)
        made = await services.connections.create(
            fleet_id=agreement.fleet_id,
            tsp_slug="samsara",
            credentials=account.credentials,
            settings={**account.settings, "base_url": provider.url},
            account_id=account.account_id,
        )
        await services.connection_budgets.replace(tenant.partner_id, made.id, [])
        await self.call("PATCH", f"{CONNECTIONS}/{made.id}", {"description": f"{tenant.mark} depot"})
        await pull_records(services, made)
        tenant.ids.update(
            share_agreement=str(agreement.id),
            fleet=str(agreement.fleet_id),
            fleet_ref=tenant.fleet_ref,
            connection=str(made.id),
        )

    async def _choose_schedules(self) -> None:
        """Keep all but one; that never was, so that it can be made."""
        path = f"{CONNECTIONS}/{self._tenant.ids['connection']}/schedules"
        kept, *_, left = (await self.call("GET", path))["items"]
        self._tenant.ids["schedule"] = kept["id"]
        await self.call("DELETE", f"{path}/{left['id']}")
        async with self._world.services.database.transaction() as connection:
            await connection.execute("DELETE FROM executions WHERE schedule_id = $1", UUID(left["id"]))
            await connection.execute("DELETE FROM schedules WHERE id = $1", UUID(left["id"]))

    @property
    def _of_provider(self) -> Provider:
        assert self._provider is not None
        return self._provider

    async def _write(self) -> None:
        """One write of every kind that the provider takes at once."""
        mark, ids = self._tenant.mark, self._tenant.ids
        await self._written(
            "vehicle",
            "vehicles",
            {
                "vehicle_name": f"{mark} truck",
                "vin": f"1FUJGLDR5CSB{ord(mark[0]):05}",
                "license_plate_number": f"{mark}-plate",
                "notes": f"{mark} notes",
                "external_id": f"{mark}-external",
                "eld_serial_number": f"{mark}-eld",
            },
        )
        ids.update(
            record=ids["vehicle"],
            vin=f"1FUJGLDR5CSB{ord(mark[0]):05}",
            license_plate_number=f"{mark}-plate",
            external_id=f"{mark}-external",
            eld_serial_number=f"{mark}-eld",  # Samsara has no place for it
            employee_number=f"{mark}-7",
            username=f"{mark}-driver",
            user_email=f"{mark}@{mark}.example",
        )
        await self._written("trailer", "trailers", {"trailer_name": f"{mark} trailer"})
        driver = {"username": f"{mark}-driver", "first_name": mark, "last_name": mark, "notes": f"{mark} notes"}
        await self._written(
            "driver", "users", {"is_driver": True, "employee_number": f"{mark}-7", "country_code": "USA", **driver}
        )
        ids["secretive operation"] = ids["operation"]
        office = {"is_driver": False, "first_name": mark, "last_name": mark, "user_email": f"{mark}@{mark}.example"}
        await self._written("office_user", "users", office)
        people = {"sender_id": ids["office_user"], "recipient_id": ids["driver"]}
        await self._written("message", "messages", {**people, "message_text": f"{mark} gate"})
        many = {"sender_id": ids["office_user"], "recipient_ids": [ids["driver"]]}
        await self._written("group_message", "group-messages", {**many, "message_text": f"{mark} gates"})
        inspection = {"driver_id": ids["office_user"], "vehicle_id": ids["vehicle"], "log_type": "mechanic"}
        await self._written("dvir_log", "dvir-logs", {**inspection, "driver_comment": f"{mark} fine"})
        await self._written("fuel_transaction", "fuel-transactions", self._purchase())

    def _purchase(self) -> dict[str, Any]:
        return {
            "driver_id": self._tenant.ids["driver"],
            "vehicle_id": self._tenant.ids["vehicle"],
            "fuel_volume": 101.5,
            "fuel_volume_unit": "LITER",
            "fuel_vendor": f"{self._tenant.mark} fuel",
            "transaction_time": "2026-05-04T10:00:00Z",
            "location_string": f"{self._tenant.mark} city",
            "total_cost": "412.60",
            "currency": "USD",
        }

    async def _written(self, kind: str, path: str, body: Mapping[str, Any]) -> None:
        self._tenant.ids["idempotency_key"] = key = f"{self._tenant.private}-{kind}"
        operation = await self.call(
            "POST",
            f"/v2/telematics/{path}?is_sync=true",
            {"connection_id": self._tenant.ids["connection"], **body},
            Idempotency_Key=key,
            Fleetwrite_Losses="allow",
        )
        assert operation["status"] == "success", operation
        self._tenant.ids["operation"] = operation["id"]
        self._tenant.ids[kind] = operation["resource_id"]
        self._tenant.ids[f"{kind} source_id"] = operation["source_id"]

    async def _fail(self) -> None:
        """Writes that the provider does not take."""
        failed = self._tenant.spare["failed operation"] = []
        for number in range(SPARE):
            self._of_provider.simulator.faults.add(
                Fault(method="POST", path="/fleet/trailers", kind="status", status=400)
            )
            body = {
                "connection_id": self._tenant.ids["connection"],
                "trailer_name": f"{self._tenant.mark} refused {number}",
            }
            answer = await self._world.send_json(
                "POST", "/v2/telematics/trailers?is_sync=true", body, token=self._tenant.token
            )
            assert answer.status == 502, answer.text
        listed = await self.call("GET", "/v2/fleetwrite/operations?status=failed")
        failed += [one["id"] for one in listed["items"]]
        assert len(failed) == SPARE
        self._tenant.ids["failed operation"] = failed[0]

    async def write_pending(self) -> None:
        """Writes that wait: nobody works any more."""
        pending = []
        for number in range(SPARE):
            body = {
                "connection_id": self._tenant.ids["connection"],
                "trailer_name": f"{self._tenant.private} {number}",
            }
            made = await self.call(
                "POST", "/v2/telematics/trailers", body, Idempotency_Key=f"{self._tenant.private}-pending-{number}"
            )
            pending.append(made["id"])
        self._tenant.ids["pending operation"], *self._tenant.spare["pending operation"] = pending
        self._tenant.ids["operation"] = self._tenant.ids.get("operation", pending[0])
        self._tenant.ids["idempotency_key"] = f"{self._tenant.private}-pending-0"

    async def _list_more(self) -> None:
        """Keep what this provider does not list, as if one did: a sender, a group, a device, a purchase."""
        mark, ids = self._tenant.mark, self._tenant.ids
        sender, driver = ids["office_user source_id"], ids["driver source_id"]
        ids["group source_id"] = f"{mark}-group"
        known: dict[ResourceEnum, dict[str, Any]] = {
            ResourceEnum.VEHICLE: {"vehicle_name": f"{mark} truck", "eld_serial_number": ids["eld_serial_number"]},
            ResourceEnum.MESSAGE: {"message_text": f"{mark} gate", "source_sender_id": sender},
            ResourceEnum.GROUP_MESSAGE: {
                "message_text": f"{mark} gates",
                "source_sender_id": sender,
                "source_group_id": ids["group source_id"],
            },
            ResourceEnum.FUEL_TRANSACTION: {
                "fuel_vendor": f"{mark} fuel",
                "source_driver_id": driver,
                "source_vehicle_id": ids["vehicle source_id"],
            },
        }
        listed = [
            SourceRecord(resource=resource, source_id=f"{mark}-listed", attributes=told, source_data={"id": mark})
            for resource, told in known.items()
        ]
        async with self._world.services.database.transaction() as connection:
            await keep(connection, UUID(ids["connection"]), listed)
        query = urlencode({"source_group_ids": ids["group source_id"]})
        (shown,) = (await self.call("GET", f"/v2/telematics/group-messages?{query}"))["items"]
        ids["group"] = shown["group_id"]

    async def _let_die(self) -> None:
        """Give up what one of the receivers did not take, as time would in two weeks."""
        subscription = UUID(self._tenant.spare["webhook"][0])
        async with self._world.services.database.transaction() as connection:
            await connection.execute(
                "DELETE FROM jobs WHERE id IN (SELECT id FROM deliveries WHERE subscription_id = $1)", subscription
            )
            await connection.execute("UPDATE deliveries SET status = 'failed' WHERE subscription_id = $1", subscription)

    async def invite(self) -> None:
        """Invite fleets; some of them accept."""
        private = self._tenant.private
        made = []
        for ref in (self._tenant.fleet_ref, *(f"{private}-invited-{number}" for number in range(SPARE))):
            invited = await self.call(
                "POST",
                "/v2/orgs/invitations",
                {
                    "fleet_ref": ref,
                    "fleet_name": f"{private} invited",
                    "fleet_email": f"{private}@{private}.example",
                    "callback_url": f"https://{private}.example/callback",
                },
            )
            made.append(invited["id"])
        self._tenant.ids["invitation"], *self._tenant.spare["invitation"] = made
        accepted = []
        for number in range(SPARE):
            ref = f"{private}-agreed-{number}"
            invited = await self.call(
                "POST", "/v2/orgs/invitations", {"fleet_ref": ref, "fleet_name": f"{private} {ref}"}
            )
            await self._world.send("POST", f"/v2/orgs/invitations/{invited['id']}/accept")
            listed = await self.call("GET", f"/v2/orgs/share-agreements?fleet_ref={ref}")
            accepted.append(listed["items"][0]["id"])
        self._tenant.spare["share_agreement"] = accepted

    async def describe_partner(self) -> None:
        """Keep something of the partner."""
        tenant = self._tenant
        kept = await self.call(
            "POST",
            f"/v2/orgs/partners/{tenant.partner_id}/properties",
            [{"key": "default_callback_url", "value": f"https://{tenant.private}.example/default"}],
        )
        tenant.ids["property"] = kept[0]["id"]

    async def name_things(self) -> None:
        """Bring a name of the partner's own for a record."""
        found = await self.call("GET", f"/v2/fleetwrite/records?{urlencode({'ids': self._tenant.ids['vehicle']})}")
        (record,) = found["items"]
        ref = f"{self._tenant.private}-truck"
        answer = await self._world.send(
            "POST",
            "/v2/fleetwrite/records/import?apply=true",
            content=written_csv(
                {
                    "connection_id": record["connection_id"],
                    "resource": "vehicle",
                    "source_id": record["source_id"],
                    "record_ref": ref,
                }
            ),
            headers={"Content-Type": "text/csv", "Authorization": f"Bearer {self._tenant.token}"},
        )
        assert answer.status == 200, answer.text
        self._tenant.ids["record_ref"] = ref
        self._tenant.ids["vehicle source_id"] = record["source_id"]

    async def find_event(self) -> None:
        """The newest event of the partner; nothing but a webhook or a stream would tell its id."""
        event_id = await self._world.services.database.pool.fetchval(
            "SELECT id FROM events WHERE partner_id = $1 ORDER BY position DESC NULLS LAST, id DESC LIMIT 1",
            self._tenant.partner_id,
        )
        self._tenant.ids["event"] = str(event_id)


def written_csv(line: Mapping[str, str]) -> bytes:
    """A file with one line."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([line.keys(), line.values()])
    return text.getvalue().encode()
