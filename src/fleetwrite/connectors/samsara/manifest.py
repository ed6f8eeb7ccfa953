"""Samsara, as this connector offers it."""

from typing import Final

from fleetwrite.connectors.samsara import mapping
from fleetwrite.connectors.samsara.endpoints import ENDPOINTS, ORGANIZATION, TOKEN
from fleetwrite.connectors.sdk.manifest import (
    ON_UNCERTAIN,
    Consent,
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

REGIONS: Final = {
    "us": "https://api.samsara.com",
    "eu": "https://api.eu.samsara.com",
    "ca": "https://api.ca.samsara.com",
}

DRIVER: Final = "driver"
OFFICE_USER: Final = "office user"
"""The two kinds of user that Samsara keeps apart."""

OFFERS: Final = (
    Offer(
        resource=ResourceEnum.VEHICLE,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        natural_key="external_id, vin",
        table=mapping.VEHICLE,
    ),
    Offer(
        resource=ResourceEnum.TRAILER,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        natural_key="external_id, vin",
        table=mapping.TRAILER,
    ),
    Offer(
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=DRIVER,
        idempotency=Idempotency.EXTERNAL_ID,
        natural_key="employee_number, username, license_number with license_region",
        table=mapping.DRIVER,
    ),
    Offer(
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        kind=OFFICE_USER,
        idempotency=Idempotency.NATURAL_KEY,
        natural_key="user_email",
        table=mapping.OFFICE_USER,
    ),
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.NATURAL_KEY,
            natural_key="recipient, message_text and time",
            table=table,
        )
        for resource, table in (
            (ResourceEnum.MESSAGE, mapping.MESSAGE),
            (ResourceEnum.GROUP_MESSAGE, mapping.GROUP_MESSAGE),
        )
    ),
    Offer(
        resource=ResourceEnum.DVIR_LOG,
        operation_type=_CREATE,
        idempotency=Idempotency.NATURAL_KEY,
        natural_key="author, vehicle or trailer, safety, odometer, notes and time",
        table=mapping.DVIR_LOG,
    ),
    Offer(
        resource=ResourceEnum.FUEL_TRANSACTION,
        operation_type=_CREATE,
        idempotency=Idempotency.LEDGER,
        natural_key="transactionReference",
        table=mapping.FUEL_TRANSACTION,
    ),
    *(
        Offer(resource=resource, operation_type=_UPDATE, kind=kind, idempotency=Idempotency.READ_BACK, table=table)
        for resource, kind, table in (
            (ResourceEnum.VEHICLE, None, mapping.VEHICLE),
            (ResourceEnum.TRAILER, None, mapping.TRAILER),
            (ResourceEnum.USER, DRIVER, mapping.DRIVER),
            (ResourceEnum.USER, OFFICE_USER, mapping.OFFICE_USER),
        )
    ),
)

CONSENT: Final = Consent(
    # No scopes: what an app may do is set where it is registered.
    path="/oauth2/authorize",
    shape="samsara",
    credentials=(
        Field(
            name="client_id",
            label="Client id of the app",
            description="Of the app in Samsara's developer portal to which the fleet consented.",
        ),
        Field(
            name="client_secret",
            label="Client secret of the app",
            description="Shown beside the client id in Samsara's developer portal.",
            sensitive=True,
        ),
        Field(
            name="auth_code",
            label="Authorisation code",
            description=(
                "What Samsara added to the redirect address when the fleet consented. It works once: at the first "
                "login a refresh token takes its place."
            ),
            sensitive=True,
            required=False,
        ),
        Field(
            name="refresh_token",
            label="Refresh token",
            description="In place of an authorisation code, from an app that logged in before.",
            sensitive=True,
            required=False,
        ),
    ),
)

MANIFEST: Final = Manifest(
    slug="samsara",
    name="Samsara",
    source_name=TspEnum.SAMSARA,
    login=LoginScheme.BEARER,
    consent=CONSENT,
    session={"access_token": MASK},
    credential_shape="token",
    credentials=(
        Field(
            name="token",
            label="API token",
            description=(
                "Made in the Samsara dashboard under Settings, Developer, API Tokens, by an administrator of the whole "
                "organisation. It needs write access to assets, vehicles, trailers, drivers, users, messages, DVIRs "
                "and fuel purchases, and read access to all but the last and to organisation information."
            ),
            sensitive=True,
        ),
    ),
    settings=(
        Field(
            name="region",
            label="Region",
            description="Where the organisation is hosted: us, eu or ca. Without it: us.",
            required=False,
        ),
        Field(
            name="base_url",
            label="API address",
            description="Takes the place of the region's address, for a simulator or a proxy.",
            required=False,
        ),
        Field(
            name="dvir_author_id",
            label="Author of inspections",
            description=(
                "Id of the Samsara user in whose name inspections are filed when the contract's driver is not an "
                "office user."
            ),
            required=False,
        ),
        Field(
            name="office_role_id",
            label="Role of new office users",
            description="Id of the Samsara role that new office users get; choose the least one that serves.",
            required=False,
        ),
        ON_UNCERTAIN,
    ),
    regions=REGIONS,
    offers=OFFERS,
    listings=(
        Listing(resource=ResourceEnum.VEHICLE),
        Listing(resource=ResourceEnum.TRAILER),
        # Drivers have a list for each state.
        Listing(resource=ResourceEnum.USER, is_steady=False),
    ),
    budgets=(TOKEN, ORGANIZATION, *(endpoint.budget for endpoint in ENDPOINTS)),
    # Samsara documents no limit of its own. Its client waits 60 s; but a hung call keeps its lease just as long.
    timeout_s=30,
    reconciliation=Reconciliation(
        # Samsara says nothing of how soon its reads see its writes. Its calls are answered within a second or two: what
        # a cut connection left at work there is done by then, and what reads are served from has followed.
        settle_s=5,
        # Whoever dates a message and whoever answers us are different machines of one provider: seconds, not minutes.
        clock_allowance_s=30,
    ),
)
