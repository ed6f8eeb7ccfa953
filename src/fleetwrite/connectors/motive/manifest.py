"""Motive, as this connector offers it."""

from typing import Final

from fleetwrite.connectors.motive import mapping
from fleetwrite.connectors.motive.endpoints import COMPANY, LOGIN
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

API_ADDRESS: Final = "https://api.gomotive.com"
OAUTH_ADDRESS: Final = "https://gomotive.com"
OAUTH_URL_SETTING: Final = "oauth_url"

OFFERS: Final = (
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            kind=kind,
            idempotency=Idempotency.EXTERNAL_ID,
            natural_key=natural_key,
            table=table,
        )
        for resource, kind, natural_key, table in (
            (ResourceEnum.VEHICLE, None, "external_id, vehicle_name", mapping.VEHICLE),
            (ResourceEnum.TRAILER, None, "external_id", mapping.TRAILER),
            (ResourceEnum.USER, mapping.DRIVER, "username, user_email, employee_number", mapping.DRIVER_USER),
            (ResourceEnum.USER, mapping.OFFICE_USER, "username, user_email", mapping.OFFICE),
            (ResourceEnum.FUEL_TRANSACTION, None, None, mapping.FUEL_TRANSACTION),
        )
    ),
    *(
        Offer(
            resource=resource,
            operation_type=_CREATE,
            idempotency=Idempotency.NATURAL_KEY,
            natural_key="sender, recipient, message_text and time",
            table=table,
        )
        for resource, table in (
            (ResourceEnum.MESSAGE, mapping.MESSAGE),
            (ResourceEnum.GROUP_MESSAGE, mapping.GROUP_MESSAGE),
        )
    ),
    *(
        Offer(resource=resource, operation_type=_UPDATE, kind=kind, idempotency=Idempotency.READ_BACK, table=table)
        for resource, kind, table in (
            (ResourceEnum.VEHICLE, None, mapping.VEHICLE),
            (ResourceEnum.TRAILER, None, mapping.TRAILER),
            (ResourceEnum.USER, mapping.DRIVER, mapping.DRIVER_USER),
            (ResourceEnum.USER, mapping.OFFICE_USER, mapping.OFFICE),
        )
    ),
)

MANIFEST: Final = Manifest(
    slug="motive",
    name="Motive",
    source_name=TspEnum.MOTIVE,
    login=LoginScheme.OAUTH,
    consent=Consent(
        path="/oauth/authorize",
        # Whatever is not ticked for the app is refused on the page: "requested scope is invalid".
        scopes=(
            "companies.read",
            *(
                f"{resource}.{right}"
                for resource in ("users", "vehicles", "assets", "messages", "fuel_purchases")
                for right in ("read", "manage")
            ),
        ),
    ),
    session={"access_token": MASK},
    credential_shape="motive",
    credentials=(
        Field(
            name="client_id",
            label="Client id of the app",
            description="Of the app in Motive's developer portal to which the fleet consented.",
        ),
        Field(
            name="client_secret",
            label="Client secret of the app",
            description="Shown beside the client id in Motive's developer portal.",
            sensitive=True,
        ),
        Field(
            name="redirect_uri",
            label="Redirect address of the app",
            description="As it is entered in the app; Motive sent the fleet's authorisation code there.",
        ),
        Field(
            name="auth_code",
            label="Authorisation code",
            description=(
                "What Motive added to the redirect address when the fleet consented. It works once: at the first login "
                "a refresh token takes its place. The app needs read and manage rights for users, vehicles, assets, "
                "messages and fuel purchases, and companies.read."
            ),
            sensitive=True,
            required=False,
        ),
        Field(
            name="refresh_token",
            label="Refresh token",
            description="In place of an authorisation code, from an app that logged in before. It works once.",
            sensitive=True,
            required=False,
        ),
    ),
    settings=(
        Field(
            name="base_url",
            label="API address",
            description=f"Takes the place of {API_ADDRESS}, for a simulator or a proxy.",
            required=False,
        ),
        Field(
            name=OAUTH_URL_SETTING,
            label="Login address",
            description=(
                f"Where tokens are asked for. Without it: {OAUTH_ADDRESS}, or the API address where that is another "
                "than Motive's."
            ),
            required=False,
        ),
        ON_UNCERTAIN,
    ),
    regions={"us": API_ADDRESS},
    offers=OFFERS,
    listings=(
        # Pages are counted; trailers and users have a list for each state.
        Listing(resource=ResourceEnum.VEHICLE, tells_changes=True, is_steady=False),
        Listing(resource=ResourceEnum.TRAILER, is_steady=False),
        Listing(resource=ResourceEnum.USER, is_steady=False),
    ),
    budgets=(COMPANY, LOGIN),
    # Motive documents no limit of its own; a hung call keeps its lease just as long.
    timeout_s=30,
    reconciliation=Reconciliation(
        # Motive says nothing of how soon its reads see its writes. What a cut connection left at work there is done
        # within a few seconds, and what reads are served from has followed.
        settle_s=5,
        # Whoever dates a message and whoever answers us are different machines of one provider: seconds, not minutes.
        clock_allowance_s=30,
    ),
)
