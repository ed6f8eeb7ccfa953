"""What a connector says of its provider, as data. One manifest feeds validation, masking, budgets and the console."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from fleetwrite.contract.enums import ResourceEnum, ResourceOperationTypeEnum
from fleetwrite.contract.tsps import TspEnum


class LoginScheme(StrEnum):
    """How a call proves who it is."""

    BEARER = "bearer"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person fills in: a credential or a setting of the connection.

    Attributes:
        name: its key.
        label: what a form calls it.
        description: what it is for, and where a fleet finds it.
        sensitive: never shown again, never logged.
        required: a connection can not work without it.
    """

    name: str
    label: str
    description: str
    sensitive: bool = False
    required: bool = True


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


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of write: a resource, and whether it is created or updated."""

    resource: ResourceEnum
    operation_type: ResourceOperationTypeEnum


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, as this connector offers it.

    Attributes:
        slug: the folder's name, unique among connectors.
        name: what people call the provider.
        source_name: the contract's name for the platform.
        login: how calls are authorised.
        credentials: what a fleet enters to connect.
        settings: what else the connector must know of an account.
        regions: region -> base URL of the provider's API. The first is the default.
        offers: the kinds of write this provider takes.
        budgets: its published limits.
        timeout_s: how long one call may take before its answer counts as lost.
    """

    slug: str
    name: str
    source_name: TspEnum
    login: LoginScheme
    credentials: tuple[Field, ...]
    settings: tuple[Field, ...]
    regions: Mapping[str, str]
    offers: frozenset[Offer]
    budgets: tuple[Budget, ...]
    timeout_s: float

    def offers_write(self, resource: ResourceEnum, operation_type: ResourceOperationTypeEnum) -> bool:
        return Offer(resource=resource, operation_type=operation_type) in self.offers
