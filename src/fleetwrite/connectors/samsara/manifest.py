"""Samsara, as this connector offers it."""

from typing import Final

from fleetwrite.connectors.samsara.endpoints import ENDPOINTS, ORGANIZATION, TOKEN
from fleetwrite.connectors.sdk.manifest import Field, LoginScheme, Manifest, Offer
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import TspEnum

_CREATE = ResourceOperationTypeEnum.CREATE
_UPDATE = ResourceOperationTypeEnum.UPDATE

REGIONS: Final = {
    "us": "https://api.samsara.com",
    "eu": "https://api.eu.samsara.com",
    "ca": "https://api.ca.samsara.com",
}

MANIFEST: Final = Manifest(
    slug="samsara",
    name="Samsara",
    source_name=TspEnum.SAMSARA,
    login=LoginScheme.BEARER,
    credentials=(
        Field(
            name="token",
            label="API token",
            description=(
                "Made in the Samsara dashboard under Settings, Developer, API Tokens, by an administrator of the whole "
                "organisation. It needs write access to assets, vehicles, trailers, drivers, users, messages, DVIRs "
                "and fuel purchases, and read access to all but the last three and to organisation information."
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
    ),
    regions=REGIONS,
    offers=frozenset(
        Offer(resource=resource, operation_type=operation_type)
        for resource, operation_type in (
            (ResourceEnum.VEHICLE, _CREATE),
            (ResourceEnum.VEHICLE, _UPDATE),
            (ResourceEnum.TRAILER, _CREATE),
            (ResourceEnum.TRAILER, _UPDATE),
            (ResourceEnum.USER, _CREATE),
            (ResourceEnum.USER, _UPDATE),
            (ResourceEnum.MESSAGE, _CREATE),
            (ResourceEnum.GROUP_MESSAGE, _CREATE),
            (ResourceEnum.DVIR_LOG, _CREATE),
            (ResourceEnum.FUEL_TRANSACTION, _CREATE),
        )
    ),
    budgets=(TOKEN, ORGANIZATION, *(endpoint.budget for endpoint in ENDPOINTS)),
    # Samsara documents no limit of its own. Its client waits 60 s; but a hung call keeps its lease just as long.
    timeout_s=30,
)
