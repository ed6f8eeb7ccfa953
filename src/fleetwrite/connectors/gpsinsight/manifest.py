"""GPS Insight, as this connector offers it."""

from typing import Final

from fleetwrite.connectors.gpsinsight import mapping
from fleetwrite.connectors.gpsinsight.methods import ACCOUNT, LOGIN, METHODS
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
from fleetwrite.connectors.sdk.wire import MASK
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import TspEnum

_CREATE = ResourceOperationTypeEnum.CREATE
_UPDATE = ResourceOperationTypeEnum.UPDATE

API_ADDRESS: Final = "https://api.gpsinsight.com"

OFFERS: Final = (
    Offer(
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        natural_key="eld_serial_number",
        table=mapping.VEHICLE,
    ),
    Offer(
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        table=mapping.DRIVER,
    ),
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.NONE,
            table=mapping.MESSAGE,
            is_fanned_out=resource is ResourceEnum.GROUP_MESSAGE,
        )
        for resource in (ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE)
    ),
    *(
        Offer(resource=resource, operation_type=_UPDATE, idempotency=Idempotency.READ_BACK, table=table)
        for resource, table in ((ResourceEnum.VEHICLE, mapping.VEHICLE_UPDATE), (ResourceEnum.USER, mapping.DRIVER))
    ),
)

MANIFEST: Final = Manifest(
    slug="gpsinsight",
    name="GPS Insight",
    source_name=TspEnum.GPSINSIGHT,
    login=LoginScheme.SESSION,
    session={"session_token": MASK},
    credential_shape="api_basic",
    credentials=(
        Field(
            name="username",
            label="User name",
            description=(
                "Of a user of the GPS Insight portal who may see and edit the vehicles and drivers, and send messages."
            ),
        ),
        Field(name="password", label="Password", description="The user's.", sensitive=True),
    ),
    settings=(
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
    listings=tuple(Listing(resource=one) for one in (ResourceEnum.VEHICLE, ResourceEnum.USER)),
    budgets=(ACCOUNT, LOGIN, *(method.budget for method in METHODS)),
    # GPS Insight documents none. Lists come as a whole, and those of large fleets take their time.
    timeout_s=30,
    reconciliation=Reconciliation(
        # Nothing is said of how soon a list shows what was written. What a cut connection left at work there is done
        # within a few seconds.
        settle_s=5,
        # Nothing is told apart by its time here.
        clock_allowance_s=0,
    ),
)
