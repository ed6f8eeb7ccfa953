"""Webfleet, as this connector offers it."""

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
from fleetwrite.connectors.webfleet import mapping
from fleetwrite.connectors.webfleet.actions import ACTIONS
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import TspEnum

_CREATE = ResourceOperationTypeEnum.CREATE
_UPDATE = ResourceOperationTypeEnum.UPDATE

API_ADDRESS: Final = "https://csv.webfleet.com"

OFFERS: Final = (
    Offer(
        resource=ResourceEnum.USER,
        operation_type=_CREATE,
        idempotency=Idempotency.EXTERNAL_ID,
        natural_key="employee_number",
        table=mapping.DRIVER,
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
    *(
        Offer(resource=resource, operation_type=_UPDATE, idempotency=Idempotency.READ_BACK, table=table)
        for resource, table in ((ResourceEnum.VEHICLE, mapping.VEHICLE), (ResourceEnum.USER, mapping.DRIVER))
    ),
)

MANIFEST: Final = Manifest(
    slug="webfleet",
    name="Webfleet",
    source_name=TspEnum.WEBFLEET,
    login=LoginScheme.BASIC,
    credential_shape="api_auth",
    credentials=(
        Field(
            name="username",
            label="Account and user",
            description=(
                "The name of the Webfleet account, a slash, and the name of a user in it: acme/connect. The user needs "
                "the right to access WEBFLEET.connect, to send messages, and to see and edit vehicles and drivers."
            ),
        ),
        Field(
            name="password",
            label="Password",
            description="The user's. Webfleet asks for a new one from time to time where its policy says so.",
            sensitive=True,
        ),
        Field(
            name="api_key",
            label="API key",
            description="For WEBFLEET.connect; Webfleet gives it to the account on request.",
            sensitive=True,
        ),
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
    regions={"eu": API_ADDRESS},
    offers=OFFERS,
    listings=tuple(Listing(resource=one) for one in (ResourceEnum.VEHICLE, ResourceEnum.USER)),
    budgets=tuple(action.budget for action in ACTIONS),
    # Webfleet documents none. Reports of large accounts take seconds; a hung call keeps its lease just as long.
    timeout_s=30,
    reconciliation=Reconciliation(
        # Webfleet says nothing of how soon its reports show what was written. What a cut connection left at work there
        # is done within a few seconds.
        settle_s=5,
        # Nothing is told apart by its time here.
        clock_allowance_s=0,
    ),
)
