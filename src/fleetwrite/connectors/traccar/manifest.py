"""Traccar, as this connector offers it."""

from typing import Final

from fleetwrite.connectors.sdk.manifest import (
    ON_UNCERTAIN,
    Field,
    Idempotency,
    Listing,
    LoginScheme,
    Manifest,
    Offer,
    Reconciliation,
)
from fleetwrite.connectors.traccar import mapping
from fleetwrite.connectors.traccar.endpoints import DEVICES, DRIVERS, ENDPOINTS, SERVER
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import TspEnum

_CREATE = ResourceOperationTypeEnum.CREATE
_UPDATE = ResourceOperationTypeEnum.UPDATE

_HELD: Final = (
    (ResourceEnum.VEHICLE, DEVICES, mapping.VEHICLE),
    (ResourceEnum.TRAILER, DEVICES, mapping.TRAILER),
    (ResourceEnum.USER, DRIVERS, mapping.DRIVER),
)

OFFERS: Final = (
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.EXTERNAL_ID,
            natural_key=kind.key_field,
            table=table,
        )
        for resource, kind, table in _HELD
    ),
    *(
        Offer(resource=resource, operation_type=_UPDATE, idempotency=Idempotency.READ_BACK, table=table)
        for resource, _, table in _HELD
    ),
    # Whatever was sent can not be read.
    Offer(
        resource=ResourceEnum.MESSAGE,
        operation_type=_CREATE,
        idempotency=Idempotency.NONE,
        table=mapping.MESSAGE,
    ),
    # QUIRKS.md says why Traccar's own sending to a group is not used.
    Offer(
        resource=ResourceEnum.GROUP_MESSAGE,
        operation_type=_CREATE,
        idempotency=Idempotency.NONE,
        table=mapping.MESSAGE,
        is_fanned_out=True,
    ),
)

MANIFEST: Final = Manifest(
    slug="traccar",
    name="Traccar",
    source_name=TspEnum.TRACCAR,
    login=LoginScheme.BEARER,
    credential_shape="token",
    credentials=(
        Field(
            name="token",
            label="Access token",
            description=(
                "Made in Traccar under Settings, Preferences, Token, by the user whose devices and drivers are "
                "written; it ends on the date given there. The user must not be read-only, needs a device limit with "
                "room for new devices, and the right to send commands."
            ),
            sensitive=True,
        ),
    ),
    settings=(
        Field(
            name="base_url",
            label="Server address",
            description="Where the fleet's Traccar server is reached, as in a browser: https://host, without /api.",
        ),
        ON_UNCERTAIN,
    ),
    # Fleets host it themselves.
    regions={},
    offers=OFFERS,
    listings=tuple(Listing(resource=resource) for resource, _, _ in _HELD),
    budgets=(SERVER, *(endpoint.budget for endpoint in ENDPOINTS)),
    # Traccar has no limit of its own; a hung call keeps its lease just as long.
    timeout_s=30,
    reconciliation=Reconciliation(
        # A create is two statements to one database, and answered after both. What a cut connection left at work is
        # done within a second or two, and there are no replicas to follow.
        settle_s=5,
        # Nothing is told by its date.
        clock_allowance_s=0,
    ),
)
