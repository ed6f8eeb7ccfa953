"""The 37 shapes that credentials of a connection have in the contract.

They carry nothing that tells them apart: some have the same fields, and a larger one also fits a smaller one. Which
one is meant follows from the TSP. What is `Secret` here is masked in answers.
"""

import enum
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, get_args, get_type_hints

from msgspec import Meta, Struct

Secret = Annotated[str, Meta(extra_json_schema={"writeOnly": True})]
"""What a client hands in and no answer repeats, not even one that tells a fault."""


class DatabaseDriverEnum(enum.StrEnum):
    """The databases that `DatabaseCreds` may name."""

    POSTGRESQL_PSYCOPG2 = "postgresql+psycopg2"
    COCKROACHDB = "cockroachdb"
    MONGODB = "mongodb"
    MYSQL = "mysql"
    MARIADB = "mariadb"
    SNOWFLAKE = "snowflake"
    CLICKHOUSE = "clickhouse"


class CarrierIdentifierType(enum.StrEnum):
    """How EZ Lynk knows a carrier."""

    DOT = "dot"
    CVOR = "cvor"


class CredentialShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all shapes have in common: no field but their own."""


@functools.cache
def secrets_of(shape: type[CredentialShape]) -> frozenset[str]:
    """The fields of a shape that answers mask."""
    hints = get_type_hints(shape, include_extras=True)
    return frozenset(name for name, hint in hints.items() if Secret in (hint, *get_args(hint)))


class AccessTokenCreds(CredentialShape, frozen=True, kw_only=True):
    """An access token of OAuth, with what refreshes it."""

    access_token: Secret
    token_type: str | None = None
    expires_in: int | None = None
    refresh_token: Secret | None = None
    scope: str | None = None
    user_id: str | None = None
    account_id: Secret | None = None
    host: Secret | None = None


class ApiAuthCreds(CredentialShape, frozen=True, kw_only=True):
    """User name and password of a person, and the API key of the account."""

    username: Secret
    password: Secret
    api_key: Secret


class ApiBasicCreds(CredentialShape, frozen=True, kw_only=True):
    """User name and password; of a server of its own also the address."""

    username: Secret
    password: Secret
    url: str | None = None
    auth_code: Secret | None = None
    host: Secret | None = None


class ApiKeyCreds(CredentialShape, frozen=True, kw_only=True):
    """An API key; of a server of its own also the address."""

    api_key: Secret
    url: str | None = None
    user_id: str | None = None


class AzugaSLC(CredentialShape, frozen=True, kw_only=True):
    """Azuga: the short-lived token that an API key gave."""

    api_key: Secret
    token: Secret


class BouncieCreds(CredentialShape, frozen=True, kw_only=True):
    """Bouncie: what its consent page gave."""

    auth_code: Secret
    redirect_uri: str
    client_id: str | None = None
    client_secret: Secret | None = None


class ClientIdSecretCreds(CredentialShape, frozen=True, kw_only=True):
    """An OAuth client that acts for itself."""

    client_id: str
    client_secret: Secret
    url: str | None = None
    account_id: Secret | None = None


class CompanyAccessCreds(CredentialShape, frozen=True, kw_only=True):
    """User name and password within a company."""

    username: Secret
    password: Secret
    company_id: Secret


class CompanyIdCreds(CredentialShape, frozen=True, kw_only=True):
    """Nothing but the company."""

    company_id: Secret


class DatabaseCreds(CredentialShape, frozen=True, kw_only=True):
    """A database that is read directly."""

    drivername: DatabaseDriverEnum
    host: Secret
    port: int
    username: Secret
    password: Secret
    database: str


class EZLynkAccessCreds(CredentialShape, frozen=True, kw_only=True):
    """EZ Lynk: the carrier, and a token for it."""

    access_token: Secret
    carrier_identifier: str
    carrier_identifier_type: CarrierIdentifierType


class EZLynkCreds(CredentialShape, frozen=True, kw_only=True):
    """EZ Lynk: the carrier."""

    carrier_identifier: str
    carrier_identifier_type: CarrierIdentifierType


class EzlogzCreds(CredentialShape, frozen=True, kw_only=True):
    """EzLogz: the keys of an app and of a client."""

    app_id: str
    app_key: str
    client_key: str


class FactorEldCreds(ApiAuthCreds, frozen=True, kw_only=True):
    """Factor ELD; the same fields as `ApiAuthCreds`."""


class FleetupCreds(CredentialShape, frozen=True, kw_only=True):
    """FleetUp: an account and its keys."""

    account_id: Secret
    secret_key: Secret
    api_key: Secret


class FleetupSLC(CredentialShape, frozen=True, kw_only=True):
    """FleetUp: the short-lived token that those gave."""

    account_id: Secret
    api_key: Secret
    token: Secret


class GeotabCreds(CredentialShape, frozen=True, kw_only=True):
    """Geotab: a user of a database."""

    username: Secret
    password: Secret
    database: str
    session_id: str | None = None


class IsaacCreds(CredentialShape, frozen=True, kw_only=True):
    """ISAAC: user name, password and code at a host of its own."""

    username: Secret
    password: Secret
    auth_code: Secret
    host: Secret


class MotiveCreds(CredentialShape, frozen=True, kw_only=True):
    """Motive: an app, and the code that its consent page gave."""

    client_id: str
    client_secret: Secret
    auth_code: Secret
    redirect_uri: str


class OAuth1Creds(CredentialShape, frozen=True, kw_only=True):
    """OAuth 1: client and owner of what it may use."""

    client_id: str
    client_secret: Secret
    resource_owner_id: str
    resource_owner_secret: Secret
    signature_method: str
    realm: str
    url: str


class OAuth2Creds(CredentialShape, frozen=True, kw_only=True):
    """OAuth 2: a client with a refresh token."""

    client_id: str
    client_secret: Secret
    scope: str | None = None
    refresh_token: Secret | None = None
    token_url: str
    url: str


class OAuth2InitiateCreds(CredentialShape, frozen=True, kw_only=True):
    """OAuth 2: a code that was not exchanged yet."""

    code: Secret
    grant_type: str | None = None
    token_url: str | None = None
    redirect_uri: str | None = None


class OAuth2PrivateKeyCreds(CredentialShape, frozen=True, kw_only=True):
    """OAuth 2: a client that signs with a private key."""

    client_id: str
    private_key: Secret
    scope: str | None = None
    token_url: str
    url: str


class OntimeEldCreds(CredentialShape, frozen=True, kw_only=True):
    """OnTime ELD: keys of provider and carrier."""

    api_key: Secret
    provider_token: Secret
    dot_number: str


class PrivateKeyCreds(CredentialShape, frozen=True, kw_only=True):
    """A user in whose name a private key signs."""

    private_key: Secret
    consumer_key: Secret
    username: Secret
    url: str | None = None
    token_url: str | None = None


class S3Creds(CredentialShape, frozen=True, kw_only=True):
    """A bucket of files."""

    access_key: str
    secret_key: Secret
    bucket_name: str
    region: str


class SamsaraCreds(CredentialShape, frozen=True, kw_only=True):
    """Samsara: an app, and the code that its consent page gave."""

    client_id: str
    client_secret: Secret
    auth_code: Secret


class SftpCreds(CredentialShape, frozen=True, kw_only=True):
    """A folder of files."""

    host: Secret
    port: int | None = 22
    username: Secret
    password: Secret


class SpireonSLC(CredentialShape, frozen=True, kw_only=True):
    """Spireon: the short-lived token of a login."""

    access_token: Secret
    auth_code: Secret


class SwitchBoardCreds(CredentialShape, frozen=True, kw_only=True):
    """Switchboard: the key of an API."""

    api_id: str
    api_key: Secret


class TokenCreds(CredentialShape, frozen=True, kw_only=True):
    """A token; of a server of its own also the address."""

    token: Secret
    url: str | None = None


class TruckXCreds(CredentialShape, frozen=True, kw_only=True):
    """TruckX: the carrier, and a token for it."""

    dot_number: str
    token: Secret


class TruckXSLC(CredentialShape, frozen=True, kw_only=True):
    """TruckX: the short-lived token that those gave."""

    token: Secret
    carrier_id: str


class TTCreds(OntimeEldCreds, frozen=True, kw_only=True):
    """TT; the same fields as `OntimeEldCreds`."""


class VerizonConnectCreds(CredentialShape, frozen=True, kw_only=True):
    """Verizon Connect: a user, and another one for its REST API."""

    username: Secret
    password: Secret
    rest_username: Secret | None = None
    rest_password: Secret | None = None


class VerizonConnectSLC(CredentialShape, frozen=True, kw_only=True):
    """Verizon Connect: the short-lived tokens that those gave."""

    access_token: Secret
    username: Secret
    password: Secret
    rest_username: Secret
    rest_password: Secret
    tk_auth: Secret | None = None


class ZubieCreds(MotiveCreds, frozen=True, kw_only=True):
    """Zubie; the same fields as `MotiveCreds`."""


SHAPES: Final[Mapping[str, type[CredentialShape]]] = MappingProxyType(
    {
        "access_token": AccessTokenCreds,
        "api_auth": ApiAuthCreds,
        "api_basic": ApiBasicCreds,
        "api_key": ApiKeyCreds,
        "azuga_slc": AzugaSLC,
        "bouncie": BouncieCreds,
        "client_id_secret": ClientIdSecretCreds,
        "company_access": CompanyAccessCreds,
        "company_id": CompanyIdCreds,
        "database": DatabaseCreds,
        "ez_lynk_access": EZLynkAccessCreds,
        "ez_lynk": EZLynkCreds,
        "ezlogz": EzlogzCreds,
        "factor_eld": FactorEldCreds,
        "fleetup": FleetupCreds,
        "fleetup_slc": FleetupSLC,
        "geotab": GeotabCreds,
        "isaac": IsaacCreds,
        "motive": MotiveCreds,
        "oauth1": OAuth1Creds,
        "oauth2": OAuth2Creds,
        "oauth2_initiate": OAuth2InitiateCreds,
        "oauth2_private_key": OAuth2PrivateKeyCreds,
        "ontime": OntimeEldCreds,
        "private_key": PrivateKeyCreds,
        "s3": S3Creds,
        "samsara": SamsaraCreds,
        "sftp": SftpCreds,
        "spireon_slc": SpireonSLC,
        "switchboard": SwitchBoardCreds,
        "token": TokenCreds,
        "truckx_creds": TruckXCreds,
        "truckx_slc": TruckXSLC,
        "tt_creds": TTCreds,
        "verizon_connect": VerizonConnectCreds,
        "verizon_connect_slc": VerizonConnectSLC,
    }
)
"""By `conn_type`, the contract's name of each. `ZubieCreds` has none."""
