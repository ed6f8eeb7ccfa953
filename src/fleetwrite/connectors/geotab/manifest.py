"""Geotab, as this connector offers it."""

from typing import Final

from fleetwrite.connectors.geotab import mapping
from fleetwrite.connectors.geotab.assets import GROUP_SETTING
from fleetwrite.connectors.geotab.dvirs import DEFECT_LIST_SETTING
from fleetwrite.connectors.geotab.endpoints import OPERATIONS
from fleetwrite.connectors.geotab.users import CLEARANCE_SETTING
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

_CREATE: Final = ResourceOperationTypeEnum.CREATE
_UPDATE: Final = ResourceOperationTypeEnum.UPDATE

OFFERS: Final = (
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.EXTERNAL_ID,
            natural_key=natural_key,
            table=table,
        )
        for resource, natural_key, table in (
            (ResourceEnum.VEHICLE, "eld_serial_number", mapping.VEHICLE),
            (ResourceEnum.TRAILER, "eld_serial_number", mapping.TRAILER),
            (ResourceEnum.USER, "username, license_number", mapping.USER),
            (
                ResourceEnum.FUEL_TRANSACTION,
                "Idempotency-Key, else vehicle, time, volume and cost",
                mapping.FUEL_TRANSACTION,
            ),
        )
    ),
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.NATURAL_KEY,
            natural_key="recipient, message_text and time",
            table=mapping.MESSAGE,
            is_fanned_out=resource is ResourceEnum.GROUP_MESSAGE,
        )
        for resource in (ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE)
    ),
    Offer(
        resource=ResourceEnum.DVIR_LOG,
        operation_type=_CREATE,
        idempotency=Idempotency.NATURAL_KEY,
        natural_key="vehicle or trailer, time, driver, type, safety, odometer and remarks",
        table=mapping.DVIR_LOG,
    ),
    *(
        Offer(resource=resource, operation_type=_UPDATE, idempotency=Idempotency.READ_BACK, table=table)
        for resource, table in (
            (ResourceEnum.VEHICLE, mapping.VEHICLE),
            (ResourceEnum.TRAILER, mapping.TRAILER),
            (ResourceEnum.USER, mapping.USER),
        )
    ),
)

MANIFEST: Final = Manifest(
    slug="geotab",
    name="Geotab",
    source_name=TspEnum.GEOTAB,
    login=LoginScheme.SESSION,
    session={"database": MASK, "userName": MASK, "sessionId": MASK},
    credential_shape="geotab",
    credentials=(
        Field(
            name="username",
            label="User name",
            description=(
                "A MyGeotab user made for this, who signs in with a password. Its clearance has to allow adding and "
                "changing vehicles, users, inspections and fuel transactions, and sending messages in the name of "
                "others (ImpersonateGpsTextMessage)."
            ),
            sensitive=True,
        ),
        Field(name="password", label="Password", description="That user's password.", sensitive=True),
        Field(
            name="database",
            label="Database",
            description="The fleet's database: what follows the host in the address of MyGeotab after signing in.",
        ),
    ),
    settings=(
        Field(
            name="base_url",
            label="API address",
            description="Takes the place of https://my.geotab.com, for a simulator or a proxy.",
            required=False,
        ),
        Field(
            name=GROUP_SETTING,
            label="Group of what is new",
            description=(
                "Id of the Geotab group that new vehicles, trailers and users belong to. Without it: the whole company."
            ),
            required=False,
        ),
        Field(
            name=CLEARANCE_SETTING,
            label="Clearance of new office users",
            description=(
                "Id of the security clearance that new office users get; choose the least one that serves. Without it: "
                "one that lets them see nothing."
            ),
            required=False,
        ),
        Field(
            name=DEFECT_LIST_SETTING,
            label="Defect list of inspections",
            description="Id of the list of defects by which inspections are made. Without it: the root of all lists.",
            required=False,
        ),
        ON_UNCERTAIN,
    ),
    regions={"world": "https://my.geotab.com"},
    offers=OFFERS,
    listings=(
        *(Listing(resource=one) for one in (ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER)),
        # Geotab's feeds do not tell what was removed.
        Listing(resource=ResourceEnum.MESSAGE, tells_changes=True, is_complete=False),
    ),
    budgets=tuple(operation.budget for operation in OPERATIONS),
    # Geotab documents no limit of its own; its clients wait 300 s. But a hung call keeps its lease just as long.
    timeout_s=30,
    reconciliation=Reconciliation(
        # Geotab says nothing of how soon its reads see its writes; writes to its database are answered within seconds.
        settle_s=5,
        # Whoever dates a message and whoever answers us are different machines of one provider: seconds, not minutes.
        clock_allowance_s=30,
    ),
)
