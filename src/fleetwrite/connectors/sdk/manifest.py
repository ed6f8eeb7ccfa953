"""What a connector says of its provider, as data. One manifest feeds validation, masking, budgets and the console."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from fleetwrite.connectors.sdk.mapping import Table
from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import SourceName

REGION: Final = "region"
"""The setting of a connection that names one of the manifest's regions."""

BASE_URL: Final = "base_url"
"""The setting that takes the place of the region's address."""


class LoginScheme(StrEnum):
    """How a call proves who it is."""

    # A token that the fleet made goes with every call.
    BEARER = "bearer"
    # User name and password go with every call.
    BASIC = "basic"
    # Logging in with the credentials gives a session, which ends.
    SESSION = "session"
    # The fleet consented at the provider; a refresh token gives access tokens.
    OAUTH = "oauth"

    @property
    def has_session(self) -> bool:
        """Whether calls carry what logging in gave (`Connector.log_in`), not the credentials themselves."""
        return self in {LoginScheme.SESSION, LoginScheme.OAUTH}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person fills in: a credential or a setting of the connection.

    Attributes:
        name: its key.
        label: what a form calls it.
        description: what it is for, and where a fleet finds it.
        sensitive: never shown again, never logged.
        required: a connection can not work without it.
        choices: the only values it may have; empty: any.
    """

    name: str
    label: str
    description: str
    sensitive: bool = False
    required: bool = True
    choices: tuple[str, ...] = ()


class OnUncertain(StrEnum):
    """What becomes of a write that may have reached the provider and can not be looked up there."""

    FAIL = "fail"
    RETRY = "retry"


ON_UNCERTAIN: Final = Field(
    name="on_uncertain",
    label="When nobody can tell whether a write arrived",
    description=(
        "fail (without it): the write ends as outcome_unknown and is never repeated. retry: it is sent again, so that "
        "a driver may read an instruction twice and a fuel bill may be booked twice; for those who prefer duplicates "
        "to gaps."
    ),
    required=False,
    choices=tuple(OnUncertain),
)
"""A setting of connections at every provider."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's limit for all calls that name `scope`.

    Attributes:
        scope: the budget's name.
        requests: at most so many calls in any `per_seconds`; None: any number.
        per_seconds: see there; None exactly where `requests` is.
        in_flight: at most so many calls at a time; None: any number.
        shared: it holds for the account as a whole, however many connections lead there.
    """

    scope: str
    requests: int | None = None
    per_seconds: float | None = None
    in_flight: int | None = None
    shared: bool = False


class Idempotency(StrEnum):
    """By what a write is told at the provider when its answer was lost, so that it is not made twice."""

    # The provider keeps our operation's id with the record.
    EXTERNAL_ID = "external_id"
    # Found by what it says; whose it is must then be shown in another way.
    NATURAL_KEY = "natural_key"
    # An update: the record is read back, and writing it again does no harm.
    READ_BACK = "read_back"
    # Nothing can be read; a reference in our own ledger keeps a second operation from saying the same.
    LEDGER = "ledger"
    NONE = "none"

    @property
    def can_be_looked_up(self) -> bool:
        return self in {Idempotency.EXTERNAL_ID, Idempotency.NATURAL_KEY, Idempotency.READ_BACK}


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of write that the provider takes.

    Attributes:
        resource: what is written.
        operation_type: created or updated.
        kind: which records of the resource, where the provider keeps several apart; None: all.
        idempotency: by what it is told after a lost answer.
        natural_key: what of the write no two records share, in our words. Where the class is another than
            `NATURAL_KEY`, a stranger who holds it still makes the write a conflict.
        table: what becomes of each field of the body.
        is_fanned_out: the provider takes it for one recipient only, so that a group message is sent as a message to
            each. Its table is then that of a message.
    """

    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum
    kind: str | None = None
    idempotency: Idempotency
    natural_key: str | None = None
    table: Table
    is_fanned_out: bool = False


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A list of records that the provider has.

    Attributes:
        resource: of what.
        tells_changes: after a first reading of all, it can be asked for what changed since.
        is_complete: what is not on it, read from beginning to end, the provider does not have any more.
        is_steady: what is there all the time is on one of its pages, whatever comes, goes or changes while they are
            read. Not so where pages are counted, or where there is a list for each state. What such a list does not
            show is taken for gone when the next reading does not show it either.
    """

    resource: ResourceEnum
    tells_changes: bool = False
    is_complete: bool = True
    is_steady: bool = True


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """How looks at the provider after a lost answer are to be read.

    Attributes:
        settle_s: so long after a lost answer the provider may still be committing: an absence counts only then.
        clock_allowance_s: so much may the instants it puts on records be off from the `Date` of its answers.
    """

    settle_s: float
    clock_allowance_s: float


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """How a fleet lets an app of the operator's in, on a page of the provider's own (RFC 6749, section 4.1).

    Attributes:
        path: of that page, below what `Connector.consent_address` says.
        scopes: what the app asks for there; empty: what was ticked when it was registered.
        shape: the contract's name for the credentials that come of it; None: `Manifest.credential_shape`.
        credentials: what takes the place of `Manifest.credentials` then; empty: nothing does.
    """

    path: str
    scopes: tuple[str, ...] = ()
    shape: str | None = None
    credentials: tuple[Field, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, as this connector offers it.

    Attributes:
        slug: the folder's name, unique among connectors.
        name: what people call the provider.
        source_name: the contract's name for the platform (`TspEnum`); the slug where it has none.
        login: how calls are authorised.
        credential_shape: the contract's name for the credentials (`ConnectionTypeEnum`: api_key, geotab, ...), by which
            the contract's union of them is told apart.
        credentials: what a fleet enters to connect.
        settings: what else the connector must know of an account.
        regions: region -> base URL of the provider's API. The first is the default.
        offers: the kinds of write this provider takes.
        listings: the kinds of record it lists.
        budgets: its published limits.
        timeout_s: how long one call may take before its answer counts as lost.
        reconciliation: how long to wait, and how exact its clock is, when a lost answer is looked for.
        consent: how a fleet connects without entering anything; None: the provider offers no such way.
        session: where calls carry what logging in gave (`NewSession.values`): its names, and in the place of each value
            one that may be shown. With these a dry run renders its request.
        retry_first_s, retry_cap_s: upper bounds of the first wait before a retry and of any; None: as everywhere.
    """

    slug: str
    name: str
    source_name: SourceName
    login: LoginScheme
    credential_shape: str
    credentials: tuple[Field, ...]
    settings: tuple[Field, ...]
    regions: Mapping[str, str]
    offers: tuple[Offer, ...]
    listings: tuple[Listing, ...]
    budgets: tuple[Budget, ...]
    timeout_s: float
    reconciliation: Reconciliation
    consent: Consent | None = None
    session: Mapping[str, str] = {}
    retry_first_s: float | None = None
    retry_cap_s: float | None = None

    def base_url(self, settings: Mapping[str, str]) -> str | None:
        """The address of the API for an account with these settings, without a slash at its end; None: its region is
        none of these.
        """
        own = settings.get(BASE_URL)
        address = self.regions.get(settings.get(REGION, next(iter(self.regions), ""))) if own is None else own
        return None if address is None else address.rstrip("/")

    def with_login_of(self, credentials: Collection[str]) -> "Manifest":
        """The manifest as it holds for credentials of these names, which a fleet entered, or which a consent gave."""
        consent = self.consent
        if consent is None or not consent.credentials or any(field.name in credentials for field in self.credentials):
            return self
        if not any(field.name in credentials for field in consent.credentials):
            return self
        shape = consent.shape or self.credential_shape
        return msgspec.structs.replace(self, credential_shape=shape, credentials=consent.credentials)

    def offers_write(self, resource: ResourceEnum, operation_type: ResourceOperationTypeEnum) -> bool:
        return any(offer.resource is resource and offer.operation_type is operation_type for offer in self.offers)

    def can_be_looked_up(self, resource: ResourceEnum, operation_type: ResourceOperationTypeEnum) -> bool:
        """Whether each such write can be told after a lost answer. Where that depends on the kind of record, the
        connector has to say it of a single one (`Connector.can_look_up`).
        """
        offers = [one for one in self.offers if (one.resource, one.operation_type) == (resource, operation_type)]
        return bool(offers) and all(offer.idempotency.can_be_looked_up for offer in offers)

    def offer_of(
        self, resource: ResourceEnum, operation_type: ResourceOperationTypeEnum, kind: str | None = None
    ) -> Offer | None:
        """The offer that a write of this kind of record falls under; None: there is none."""
        for offer in self.offers:
            if (offer.resource, offer.operation_type) == (resource, operation_type) and offer.kind in {None, kind}:
                return offer
        return None
