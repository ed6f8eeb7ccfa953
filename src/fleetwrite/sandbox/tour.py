"""The tour: through every provider that a sandbox simulates, each kind of write once, side by side.

What is written are the connectors' own examples. Unlike the demonstration, which compares field by field, this only
looks whether each write succeeded and how many calls reached the provider for it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from fleetwrite.connectors.sdk.examples import Example, Pick
from fleetwrite.connectors.sdk.finding import examples_of
from fleetwrite.connectors.sdk.manifest import Manifest
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.sandbox.partner import ConversationError, Json, JsonClient, Onlooker, Partner, open_tour_clients
from fleetwrite.sandbox.seed import SandboxDescription

PATHS: Final[Mapping[ResourceEnum, str]] = {
    ResourceEnum.VEHICLE: "vehicles",
    ResourceEnum.TRAILER: "trailers",
    ResourceEnum.USER: "users",
    ResourceEnum.MESSAGE: "messages",
    ResourceEnum.GROUP_MESSAGE: "group-messages",
    ResourceEnum.DVIR_LOG: "dvir-logs",
    ResourceEnum.FUEL_TRANSACTION: "fuel-transactions",
}
"""Resource -> its path in the contract."""

SUCCESS: Final = "success"
"""The status of an operation that the provider took."""

_FULL: Final = "full"
"""The examples that are written, of each kind of write the one with all there is."""


class Stop(msgspec.Struct, frozen=True):
    """One write at one provider: what became of it, and the calls that the provider got meanwhile."""

    tsp: str
    write: str
    status: str
    calls: int
    details: str


async def tour(description: SandboxDescription) -> list[Stop]:
    """Write at every provider of a sandbox that is up, at all of them at the same time.

    Raises:
        ConversationError: a server of the sandbox did not answer as documented.
    """
    async with open_tour_clients(description) as clients:
        stops = await asyncio.gather(*(_visit(tsp, *client) for tsp, client in clients.items()))
    return [stop for at_tsp in stops for stop in at_tsp]


async def _visit(tsp: str, client: JsonClient, partner: Partner, onlooker: Onlooker) -> list[Stop]:
    budgets = await partner.budgets()
    await onlooker.raise_limits()
    await partner.replace_budgets([])
    manifest = Registry.load().get(tsp).manifest
    records = await _records(manifest, client, partner.connection_id)
    stops = [await _write(tsp, example, client, partner, onlooker, records) for example in _examples(tsp, manifest)]
    await partner.replace_budgets(budgets)
    await onlooker.reset_limits()
    return stops


def _examples(tsp: str, manifest: Manifest) -> Sequence[Example]:
    """Those that are written, updates last: one may end the employment of a driver who is still to get a message."""
    shown = [example for example in examples_of(tsp) if example.name.partition(" ")[0] == _FULL]
    if any(offer.is_fanned_out for offer in manifest.offers):
        shown += [_to_group(example) for example in shown if example.resource is ResourceEnum.MESSAGE]
    return sorted(shown, key=lambda example: example.operation_type is ResourceOperationTypeEnum.UPDATE)


def _to_group(message: Example) -> Example:
    """The same text for a group, which such providers get recipient by recipient; here it has one."""
    senders = {field: wanted for field, wanted in message.refers_to.items() if field == "sender_id"}
    recipients = (message.refers_to["recipient_id"],)
    return msgspec.structs.replace(
        message, resource=ResourceEnum.GROUP_MESSAGE, refers_to=senders, lists={"recipient_ids": recipients}
    )


async def _records(manifest: Manifest, client: JsonClient, connection_id: str) -> dict[ResourceEnum, list[Json]]:
    listed = [one.resource for one in manifest.listings if one.resource in PATHS]
    query = {"connection_id": connection_id}
    pages = {resource: await client.ask("GET", f"/v2/telematics/{PATHS[resource]}", query=query) for resource in listed}
    return {resource: sorted(page["items"], key=_age) for resource, page in pages.items()}


async def _write(
    tsp: str,
    example: Example,
    client: JsonClient,
    partner: Partner,
    onlooker: Onlooker,
    records: Mapping[ResourceEnum, Sequence[Json]],
) -> Stop:
    def id_of(pick: Pick) -> str:
        found = [record for record in records[pick.resource] if _fits(record, pick.where)]
        if len(found) <= pick.nth:
            raise ConversationError(f"The sandbox's account at {tsp} has no {pick.resource} as {example.key} wants it.")
        return str(found[pick.nth]["id"])

    body: dict[str, Any] = {
        "connection_id": partner.connection_id,
        **example.body,
        **{field: id_of(pick) for field, pick in example.refers_to.items()},
        **{field: [id_of(pick) for pick in picks] for field, picks in example.lists.items()},
    }
    path = f"/v2/telematics/{PATHS[example.resource]}"
    method = "POST"
    if example.target is not None:
        method, path = "PATCH", f"{path}/{id_of(example.target)}"
    before = len(await onlooker.calls(0))
    headers = {"Fleetwrite-Losses": "allow"} if example.losses else {}
    answer = await client.send(method, path, query={"is_sync": "true"}, body=body, headers=headers)
    calls = len(await onlooker.calls(before))
    content = answer.content if isinstance(answer.content, dict) else {}
    status = content.get("status", f"refused: {answer.status}")
    details = "" if status == SUCCESS else msgspec.json.encode(answer.content).decode()
    name = f"{example.operation_type.value} {example.resource.value}".replace("_", " ")
    return Stop(tsp, name + example.name.removeprefix(_FULL), status, calls, details)


def _age(record: Json) -> tuple[int, str]:
    """Such that those which the simulator made first come first: it counts its ids up."""
    return len(record["source_id"]), record["source_id"]


def _fits(record: Json, where: Mapping[str, Any]) -> bool:
    return all(record.get(name) == value for name, value in where.items())
