"""Zonar, as this connector offers it."""

from typing import Final

from fleetwrite.connectors.sdk.manifest import (
    ON_UNCERTAIN,
    Budget,
    Field,
    Idempotency,
    Listing,
    LoginScheme,
    Manifest,
    Offer,
    Reconciliation,
)
from fleetwrite.connectors.zonar import mapping
from fleetwrite.connectors.zonar.operations import ACCOUNT, OPERATIONS
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import TspEnum

_CREATE = ResourceOperationTypeEnum.CREATE
_UPDATE = ResourceOperationTypeEnum.UPDATE

LOCATION: Final = "location"
"""The setting that names the location of what is new."""

API_ADDRESS: Final = "https://omi.zonarsystems.net"

_RECORDS: Final = (
    (ResourceEnum.VEHICLE, mapping.VEHICLE, "vehicle_name"),
    (ResourceEnum.TRAILER, mapping.TRAILER, "trailer_name"),
    (ResourceEnum.USER, mapping.OPERATOR, "employee_number"),
)

OFFERS: Final = (
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.EXTERNAL_ID,
            natural_key=natural_key,
            table=table,
        )
        for resource, table, natural_key in _RECORDS
    ),
    *(
        Offer(resource=resource, operation_type=_UPDATE, idempotency=Idempotency.READ_BACK, table=table)
        for resource, table, _ in _RECORDS
    ),
    Offer(
        resource=ResourceEnum.MESSAGE,
        operation_type=_CREATE,
        idempotency=Idempotency.NONE,
        table=mapping.MESSAGE,
    ),
    Offer(
        resource=ResourceEnum.GROUP_MESSAGE,
        operation_type=_CREATE,
        idempotency=Idempotency.NONE,
        table=mapping.MESSAGE,
        is_fanned_out=True,
    ),
)

MANIFEST: Final = Manifest(
    slug="zonar",
    name="Zonar",
    source_name=TspEnum.ZONAR,
    # As with user name and password, a call carries the credentials themselves; as form fields, not in a header.
    login=LoginScheme.BASIC,
    credential_shape="company_access",
    credentials=(
        Field(
            name="company_id",
            label="Customer",
            description="Zonar's code of the account, such as abc1234; it is part of the address where users sign in.",
        ),
        Field(
            name="username",
            label="User name",
            description="A user with the right to manage assets and operators, and to send messages.",
        ),
        Field(name="password", label="Password", description="The user's.", sensitive=True),
    ),
    settings=(
        Field(
            name=LOCATION,
            label="Location",
            description=(
                "The name of the Zonar location that new vehicles, trailers and drivers are assigned to; Zonar takes "
                "none without. What is there already stays where it is."
            ),
            required=False,
        ),
        Field(
            name="base_url",
            label="API address",
            description=f"Takes the place of {API_ADDRESS}, for a simulator or a proxy.",
            required=False,
        ),
        ON_UNCERTAIN,
    ),
    regions={"us": API_ADDRESS},
    offers=OFFERS,
    # Assets have a list for each state.
    listings=tuple(Listing(resource=resource, is_steady=resource is ResourceEnum.USER) for resource, _, _ in _RECORDS),
    budgets=(ACCOUNT, *(Budget(scope=operation.full_name) for operation in OPERATIONS)),
    # Zonar documents none. Lists of large accounts take seconds; a hung call keeps its lease just as long.
    timeout_s=30,
    reconciliation=Reconciliation(
        # Zonar says nothing of how soon its lists show what was written. What a cut connection left at work there is
        # done within a few seconds.
        settle_s=5,
        # Nothing is told apart by its time here.
        clock_allowance_s=0,
    ),
)
