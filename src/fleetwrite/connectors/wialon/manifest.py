"""Wialon, as this connector offers it."""

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
from fleetwrite.connectors.sdk.wire import MASK
from fleetwrite.connectors.wialon import mapping, settings
from fleetwrite.connectors.wialon.services import HEAVY, LOGIN, OWN_ACCOUNT, OWN_USER, SERVICES, SESSION
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import TspEnum

_CREATE = ResourceOperationTypeEnum.CREATE
_UPDATE = ResourceOperationTypeEnum.UPDATE

OFFERS: Final = (
    Offer(
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        table=mapping.VEHICLE,
    ),
    Offer(
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        table=mapping.TRAILER,
    ),
    Offer(
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        natural_key="phone_number",
        table=mapping.DRIVER,
    ),
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.NATURAL_KEY,
            natural_key="the driver's vehicle, message_text and time",
            table=mapping.MESSAGE,
            is_fanned_out=resource is ResourceEnum.GROUP_MESSAGE,
        )
        for resource in (ResourceEnum.MESSAGE, ResourceEnum.GROUP_MESSAGE)
    ),
    Offer(
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        table=mapping.FUEL_TRANSACTION,
    ),
    *(
        Offer(resource=resource, operation_type=_UPDATE, idempotency=Idempotency.READ_BACK, table=table)
        for resource, table in (
            (ResourceEnum.VEHICLE, mapping.VEHICLE),
            (ResourceEnum.TRAILER, mapping.TRAILER),
            (ResourceEnum.USER, mapping.DRIVER),
        )
    ),
)

MANIFEST: Final = Manifest(
    slug="wialon",
    name="Wialon",
    source_name=TspEnum.WIALON,
    login=LoginScheme.SESSION,
    session={"sid": MASK, OWN_USER: "0", OWN_ACCOUNT: "0"},
    credential_shape="token",
    credentials=(
        Field(
            name="token",
            label="Access token",
            description=(
                "The 72 characters that Wialon's login page for applications gives, made by a user who may see and "
                "edit the units, drivers and trailers, send commands and register events. Choose unlimited access and "
                "the longest duration: a token that ends stops all writes."
            ),
            sensitive=True,
        ),
    ),
    settings=(
        Field(
            name="region",
            label="Data centre",
            description="Where the account is hosted: com, us, eu or org. Without it: com.",
            required=False,
        ),
        Field(
            name="base_url",
            label="API address",
            description="Takes the place of the data centre's address, for Wialon Local, a simulator or a proxy.",
            required=False,
        ),
        Field(
            name=settings.RESOURCE,
            label="Resource of new drivers and trailers",
            description="Id of the Wialon resource that new drivers and trailers go to. Without it: the account's own.",
            required=False,
        ),
        Field(
            name=settings.DEVICE_TYPE,
            label="Device type of new units",
            description=(
                "Id of the device type of units for which the partner sends no eld_device_type; Wialon makes no unit "
                "without one."
            ),
            required=False,
        ),
        ON_UNCERTAIN,
    ),
    # help.wialon.com, "Introduction" of the API.
    regions={
        "com": "https://hst-api.wialon.com",
        "us": "https://hst-api.wialon.us",
        "eu": "https://hst-api.wialon.eu",
        "org": "https://hst-api.wialon.org",
    },
    offers=OFFERS,
    listings=tuple(Listing(resource=one) for one in (ResourceEnum.VEHICLE, ResourceEnum.TRAILER, ResourceEnum.USER)),
    budgets=(SESSION, HEAVY, LOGIN, *(service.budget for service in SERVICES)),
    # Wialon documents none. Its own error 1005 says that a call took too long, so that it ends before this.
    timeout_s=30,
    reconciliation=Reconciliation(
        # Nothing is said of how soon a search shows what was written. Calls are answered within a second or two: what a
        # cut connection left at work is done by then.
        settle_s=5,
        # Whoever dates a command and whoever answers us are machines of one provider: seconds, not minutes.
        clock_allowance_s=30,
    ),
)
