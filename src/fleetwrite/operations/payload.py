"""From a request's body to the payload that is stored and shown, and back to the body."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.telematics import WRITE_BODIES, WriteBody

_SOURCE_PREFIX = "source_"
_NULL = b"null"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def nulls(body: WriteBody) -> tuple[str, ...]:
    """The fields that are null in `body`."""
    return tuple(name for name in body.__struct_fields__ if getattr(body, name) is None)


def without_nulls(body: WriteBody) -> WriteBody:
    """The body with every null taken for absent."""
    given = nulls(body)
    return msgspec.structs.replace(body, **dict.fromkeys(given, msgspec.UNSET)) if given else body


def own_fields(body: WriteBody, cleared: Collection[str]) -> dict[str, Any]:
    """What of `body` is shown as payload: its fields as sent, without the connection, which has a place of its own."""
    fields: dict[str, Any] = dict.fromkeys(cleared)
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if name != "connection_id" and value is not msgspec.UNSET and value is not None:
            fields[name] = value
    return fields


def body_of(
    payload_json: str, connection_json: str, resource: ResourceEnum, operation_type: ResourceOperationTypeEnum
) -> WriteBody:
    """The body that a stored payload came from; numbers keep every digit.

    Args:
        payload_json: the payload's JSON text.
        connection_json: the connection's id as JSON text.
        resource: what is written.
        operation_type: created or updated.
    """
    fields: Mapping[str, msgspec.Raw] = _FIELDS.decode(payload_json)
    own = {name: raw for name, raw in fields.items() if not name.startswith(_SOURCE_PREFIX) and bytes(raw) != _NULL}
    own["connection_id"] = msgspec.Raw(connection_json.encode())
    return msgspec.json.decode(msgspec.json.encode(own), type=WRITE_BODIES[resource, operation_type])
