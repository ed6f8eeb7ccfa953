"""Models of the orgs API: invitations, share agreements, fleets, partners, TSPs."""

import datetime as dt
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from fleetwrite.contract.enums import ResourceEnum
from fleetwrite.contract.org_enums import (
    ConnectionTypeEnum,
    InvitationStatusEnum,
    PartnerCategory,
    PartnerPropertyKeyEnum,
    ShareAgreementStatusEnum,
    ShareLevelEnum,
    TspComplianceStatusEnum,
    TspStatusEnum,
)
from fleetwrite.contract.telematics import CountryCode, Instant
from fleetwrite.contract.tsps import TspEnum

Email = Annotated[str, Meta(extra_json_schema={"format": "email"})]
Phone = Annotated[str, Meta(extra_json_schema={"format": "phone"})]
Url = Annotated[str, Meta(min_length=1, max_length=2083, extra_json_schema={"format": "uri"})]

SHAREABLE: Final = tuple(resource for resource in ResourceEnum if resource is not ResourceEnum.GROUP_MESSAGE)
"""What agreements name: this API's resources lack group messages."""

Levels = Annotated[
    dict[ResourceEnum, ShareLevelEnum],
    Meta(extra_json_schema={"propertyNames": {"enum": [resource.value for resource in SHAREABLE]}}),
]
"""Resource -> what a partner may do with it."""

DEFAULT_EXPIRES_IN_HOURS: Final = 24
LONGEST_EXPIRES_IN_HOURS: Final = 672
ExpiresInHours = Annotated[
    int, Meta(ge=1, le=LONGEST_EXPIRES_IN_HOURS, extra_json_schema={"default": DEFAULT_EXPIRES_IN_HOURS})
]


class InvitationCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a partner invites, and to what. `partner_provided_*` are the former names of `fleet_*`.

    `expires_in_hours` has the contract's default where the partner has set none of its own.
    """

    fleet_ref: str
    fleet_name: str | UnsetType | None = UNSET
    fleet_email: Email | UnsetType | None = UNSET
    fleet_regulatory_id: str | UnsetType | None = UNSET
    fleet_regulatory_id_type: str | UnsetType | None = UNSET
    fleet_phone: Phone | UnsetType | None = UNSET
    fleet_website: Url | UnsetType | None = UNSET
    fleet_country_code: CountryCode | UnsetType | None = UNSET
    success_redirect_url: Url | UnsetType | None = UNSET
    failure_redirect_url: Url | UnsetType | None = UNSET
    callback_url: Url | UnsetType | None = UNSET
    limit_tsps: list[str] | UnsetType | None = UNSET
    permissions: Levels | UnsetType | None = UNSET
    expires_in_hours: ExpiresInHours | UnsetType = UNSET
    partner_provided_fleet_name: str | UnsetType | None = UNSET
    partner_provided_fleet_email: Email | UnsetType | None = UNSET
    partner_provided_fleet_regulatory_id: str | UnsetType | None = UNSET
    partner_provided_fleet_regulatory_id_type: str | UnsetType | None = UNSET
    partner_provided_fleet_phone: Phone | UnsetType | None = UNSET
    partner_provided_fleet_website: Url | UnsetType | None = UNSET
    partner_provided_fleet_country_code: CountryCode | UnsetType | None = UNSET


class InvitationRead(Struct, frozen=True, kw_only=True):
    """An invitation; whoever knows its id holds the magic link."""

    id: UUID
    created_at: Instant
    magic_link: str
    expires_at: Instant
    expires_in_hours: int
    status: InvitationStatusEnum
    fleet_name: str | None
    accepted_at: Instant | None
    pre_registration_access_token: str | None
    pre_registration_refresh_token: str | None
    callback_url: Url | None
    success_redirect_url: Url | None
    failure_redirect_url: Url | None
    limit_tsps: list[str] | None
    fleet_id: UUID | None = None
    partner_slug: str | None
    partner_id: UUID
    decline_reason: str | None
    declined_at: Instant | None
    fleet_ref: str
    permissions: Levels
    fleet_email: Email | None
    fleet_regulatory_id: str | None
    fleet_regulatory_id_type: str | None
    fleet_phone: str | None
    fleet_website: str | None
    fleet_country_code: str | None
    partner_provided_fleet_name: str | None
    partner_provided_fleet_email: Email | None
    partner_provided_fleet_regulatory_id: str | None
    partner_provided_fleet_regulatory_id_type: str | None
    partner_provided_fleet_phone: str | None
    partner_provided_fleet_website: str | None
    partner_provided_fleet_country_code: str | None


class InvitationDecline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a fleet declines."""

    decline_reason: str | UnsetType | None = UNSET


class ShareAgreementRead(Struct, frozen=True, kw_only=True):
    """What a fleet shares with a partner."""

    id: UUID
    fleet_id: UUID
    partner_id: UUID
    fleet_ref: str | None
    status: ShareAgreementStatusEnum
    effective_date: Instant
    expiration_date: Instant | None
    scopes: Levels


class ShareAgreementUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an agreement begins and ends. Null means unchanged."""

    effective_date: Instant | UnsetType | None = UNSET
    expiration_date: Instant | UnsetType | None = UNSET


class FleetRead(Struct, frozen=True, kw_only=True):
    """A fleet as one partner sees it."""

    name: str
    description: str | None = None
    display_name: str | None = None
    legal_name: str | None = None
    dba_name: str | None = None
    websites: list[Url] | None = None
    invitation_id: UUID | None = None
    fleet_ref: str
    regulatory_id: str | None = None
    regulatory_id_type: str | None = None
    regulatory_id_date: dt.date | None = None
    regulatory_id_status: str | None = None
    registered_email: Email | None = None
    registered_phone: Phone | None = None
    registered_fax: Phone | None = None
    address: str | None = None
    city: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country_code: CountryCode | None = None
    id: UUID
    created_at: Instant
    updated_at: Instant


class PartnerPropertyCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to keep of a partner."""

    key: PartnerPropertyKeyEnum
    value: str


class PartnerPropertyRead(Struct, frozen=True, kw_only=True):
    """One thing kept of a partner."""

    key: PartnerPropertyKeyEnum
    value: str
    id: UUID
    created_at: Instant
    partner_id: UUID


class PartnerCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A partner to be made."""

    name: str
    description: str | UnsetType | None = UNSET
    websites: list[Url] | UnsetType | None = UNSET
    categories: list[PartnerCategory] | UnsetType = UNSET
    is_sandbox: bool = False
    parent_partner_id: UUID | UnsetType | None = UNSET
    properties: list[PartnerPropertyCreate] = []


class PartnerUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed of a partner. Null means unchanged."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class PartnerRead(Struct, frozen=True, kw_only=True):
    """A partner."""

    name: str
    description: str | None = None
    websites: list[Url] | None = None
    categories: list[PartnerCategory]
    is_sandbox: bool = False
    parent_partner_id: UUID | None = None
    id: UUID
    slug: str | None = None
    created_at: Instant
    updated_at: Instant


class TspRead(Struct, frozen=True, kw_only=True):
    """A TSP that fleets can connect."""

    name: str
    description: str | None = None
    websites: list[Url] | None = None
    source_name: TspEnum
    status: TspStatusEnum = TspStatusEnum.ACTIVE
    conn_type: ConnectionTypeEnum
    is_sandbox: bool = False
    logo_url: Url | None = None
    logo_dark_url: Url | None = None
    id: UUID
    slug: str
    ext_tsp_id: UUID | None = None
    created_at: Instant
    updated_at: Instant
    registry: str | None = None
    compliance_status: TspComplianceStatusEnum = TspComplianceStatusEnum.UNKNOWN
