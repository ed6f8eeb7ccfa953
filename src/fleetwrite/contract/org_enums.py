"""Enums of the orgs API."""

import enum


class ShareLevelEnum(enum.StrEnum):
    """What a fleet lets a partner do with one resource; there is no level that writes and does not read."""

    READ = "read"
    READ_WRITE = "read_write"


class InvitationStatusEnum(enum.StrEnum):
    """State of an invitation."""

    ACTIVE = "active"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    DELETED = "deleted"


class ShareAgreementStatusEnum(enum.StrEnum):
    """State of a share agreement."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    EXPIRED = "expired"


class PartnerCategory(enum.StrEnum):
    """What a partner's software is for."""

    MAINTENANCE = "Maintenance & Vehicle Health"
    FUEL = "Fuel, Energy & Sustainability"
    INSURANCE = "Insurance & Risk Management"
    SAFETY = "Safety & Driver Performance"
    COMPLIANCE = "Compliance & Legal"
    OPERATIONS = "Operations & Dispatch"
    VISIBILITY = "Visibility & Logistics"
    PAYMENTS = "Payments & Finance"
    WORKFORCE = "Workforce & HR"
    CUSTOMERS = "Customer Experience & Growth"
    DATA = "Data & Connectivity"


class PartnerPropertyKeyEnum(enum.StrEnum):
    """What can be kept of a partner beside its name."""

    DEFAULT_FAILURE_REDIRECT_URL = "default_failure_redirect_url"
    DEFAULT_SUCCESS_REDIRECT_URL = "default_success_redirect_url"
    DEFAULT_CALLBACK_URL = "default_callback_url"
    DEFAULT_INVITATION_EXPIRES_IN_HOURS = "default_invitation_expires_in_hours"
    CONTRACT_SIGNED = "contract_signed"
    CONTRACT_URL = "contract_url"
    CONTRACT_STARTED_AT = "contract_started_at"
    BILLING_MODEL = "billing_model"
    BILLING_DAY_OF_MONTH = "billing_day_of_month"
    ACCOUNT_STATUS = "account_status"
    NOTES = "notes"


class TspStatusEnum(enum.StrEnum):
    """Whether a TSP can be connected to."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DELETED = "deleted"


class TspComplianceStatusEnum(enum.StrEnum):
    """Whether a TSP's devices are on a registry of logging devices."""

    COMPLIANT = "compliant"
    NON_COMPLIANT = "non_compliant"
    UNKNOWN = "unknown"


class ConnectionTypeEnum(enum.StrEnum):
    """Which shape of credentials a TSP asks for."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a shape, as all that follow
    API_AUTH = "api_auth"
    API_BASIC = "api_basic"
    API_KEY = "api_key"
    AZUGA_SLC = "azuga_slc"
    BOUNCIE = "bouncie"
    CLIENT_ID_SECRET = "client_id_secret"  # noqa: S105
    COMPANY_ACCESS = "company_access"
    COMPANY_ID = "company_id"
    DATABASE = "database"
    EZ_LYNK = "ez_lynk"
    EZ_LYNK_ACCESS = "ez_lynk_access"
    EZLOGZ = "ezlogz"
    FACTOR_ELD = "factor_eld"
    FLEETUP = "fleetup"
    FLEETUP_SLC = "fleetup_slc"
    GEOTAB = "geotab"
    ISAAC = "isaac"
    MOTIVE = "motive"
    OAUTH1 = "oauth1"
    OAUTH2 = "oauth2"
    OAUTH2_INITIATE = "oauth2_initiate"
    OAUTH2_PRIVATE_KEY = "oauth2_private_key"
    ONTIME = "ontime"
    PRIVATE_KEY = "private_key"
    S3 = "s3"
    SAMSARA = "samsara"
    SWITCHBOARD = "switchboard"
    SPIREON_SLC = "spireon_slc"
    SFTP = "sftp"
    TOKEN = "token"  # noqa: S105
    TT_CREDS = "tt_creds"
    TRUCKX_CREDS = "truckx_creds"
    TRUCKX_SLC = "truckx_slc"
    VERIZON_CONNECT = "verizon_connect"
    VERIZON_CONNECT_SLC = "verizon_connect_slc"
