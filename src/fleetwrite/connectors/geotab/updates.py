"""Updates: `Set` wants the whole entity and resets whatever is left out, so each one is read, changed and sent back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from fleetwrite.connectors.geotab import activity, comments, endpoints, rpc
from fleetwrite.connectors.geotab.endpoints import Operation
from fleetwrite.connectors.geotab.instants import write_instant
from fleetwrite.connectors.geotab.rpc import Entity
from fleetwrite.connectors.geotab.users import with_driver_groups
from fleetwrite.connectors.sdk.connector import Session
from fleetwrite.connectors.sdk.write import Call

READ_BY: Final[Mapping[str, Operation]] = {
    "Device": endpoints.GET_DEVICE,
    "User": endpoints.GET_USER,
}
"""What is written -> how it is read."""


async def read(call: Call, session: Session) -> Entity | None:
    """The entity that `call` updates; None if it is gone.

    Raises:
        ProviderAnswerError: Geotab did not say.
    """
    type_name: str = (call.body or {})["params"]["typeName"]
    question = READ_BY[type_name].call(search={"id": rpc.entity_of(call)["id"]})
    found = rpc.entities(question, await session.call(question))
    return found[0] if found else None


def merged(call: Call, held: Entity) -> Call:
    """`call` with the whole entity: what is held, and of that what the partner changes."""
    changes = dict(rpc.entity_of(call))
    if "comment" in changes:
        changes["comment"] = comments.joined(changes["comment"], comments.mark_in(str(held.get("comment") or "")))
    return with_entity(call, with_driver_groups(at_sending({**held, **changes})))


def at_sending(entity: Entity) -> Entity:
    """`entity` with the instant in it that only the sending knows."""
    if activity.FIELD in entity and entity[activity.FIELD] is activity.AT_SENDING:
        return {**entity, activity.FIELD: write_instant(datetime.now(UTC))}
    return entity


def with_entity(call: Call, entity: Entity) -> Call:
    """`call` with another entity."""
    body = call.body or {}
    return msgspec.structs.replace(call, body={**body, "params": {**body["params"], "entity": entity}})
