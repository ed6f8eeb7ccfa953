"""A connection, and the account behind it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import msgspec

from fleetwrite.connections.errors import ConnectionDeletedError, ConnectionDrainingError, NotSharedError
from fleetwrite.connections.fields import base_url, host_of
from fleetwrite.connectors.sdk.registry import Registry
from fleetwrite.connectors.sdk.wire import Login, NewSession
from fleetwrite.contract.enums import ConnectionStatusEnum, ResourceEnum
from fleetwrite.contract.org_enums import ShareAgreementStatusEnum, ShareLevelEnum
from fleetwrite.contract.tsps import TspEnum
from fleetwrite.vault.service import Vault

CREDENTIALS_PURPOSE: Final = "connection-credentials"
"""What the vault binds sealed logins to, with the connection's id."""


SESSION_PURPOSE: Final = "connection-session"
"""The same for what logging in gave."""


SESSION_LEFT: Final = timedelta(seconds=60)
"""A session that ends sooner is replaced before it is used: longer than any call takes, and clocks differ a little."""


class KeptSession(msgspec.Struct, frozen=True, kw_only=True):
    """What logging in gave, in the clear, and the how-manieth login that was."""

    values: Mapping[str, str]
    generation: int


class SealedSession(msgspec.Struct, frozen=True):
    """The same as it is stored."""

    sealed: bytes
    generation: int


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet's account at a provider, as the partner who asks may see it.

    Attributes:
        id: ours.
        fleet_id: whose account it is.
        fleet_ref: the asking partner's own name for the fleet; None where no partner asks.
        tsp_slug: the connector that serves it.
        source_name: the contract's name for the platform.
        description: tells several accounts at one provider apart.
        status: only an active one sends; others hold what they accepted.
        settings: what the connector must know beside the login.
        credentials_masked: the names of the credentials, their secrets hidden.
        is_draining: it takes no new writes, and delivers those it has.
        is_tsp_paused: the operator sends nothing to its provider now.
        created_at: when it was made.
        updated_at: when any of this changed.
        levels: what the fleet lets the asking partner do, by resource; empty where no partner asks.
    """

    id: UUID
    fleet_id: UUID
    fleet_ref: str | None
    tsp_slug: str
    source_name: TspEnum
    description: str | None
    status: ConnectionStatusEnum
    settings: Mapping[str, str]
    credentials_masked: Mapping[str, str]
    is_draining: bool
    is_tsp_paused: bool
    created_at: datetime
    updated_at: datetime
    levels: Mapping[ResourceEnum, ShareLevelEnum] = {}

    @property
    def silence(self) -> str | None:
        """Why nothing is sent through it now; None where it is."""
        if self.status is not ConnectionStatusEnum.ACTIVE:
            return f"the connection is {self.status}"
        return f"the operator has paused {self.tsp_slug}" if self.is_tsp_paused else None

    def require_open(self) -> None:
        """Make sure that it takes new writes.

        Raises:
            ConnectionDrainingError: it takes none.
        """
        if self.is_draining:
            raise ConnectionDrainingError(
                f"Connection {self.id} is being drained and takes no new writes:"
                f" POST /v2/fleetwrite/connections/{self.id}/resume lets it."
            )

    def require_writable(self, resource: ResourceEnum) -> None:
        """Make sure that the fleet lets the asking partner write records of `resource`.

        Raises:
            NotSharedError: it does not.
        """
        level = self.levels.get(resource)
        if level is not ShareLevelEnum.READ_WRITE:
            raise NotSharedError(
                f"The fleet lets you {'only read' if level else 'neither read nor write'} {resource}: writing needs the"
                " level `read_write` in the `scopes` of its share agreement."
            )


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A connection of a fleet with which the asking partner has an agreement.

    Attributes:
        connection: as the partner may see it, if the agreement counts now.
        agreement_id: of the agreement.
        agreement_status: how it stands now.
        counts: whether it lets the partner see anything now.
    """

    connection: Connection
    agreement_id: UUID
    agreement_status: ShareAgreementStatusEnum
    counts: bool

    def require_counting(self) -> Connection:
        """The connection, if the agreement counts now.

        Raises:
            NotSharedError: it does not.
        """
        if not self.counts:
            active = self.agreement_status is ShareAgreementStatusEnum.ACTIVE
            status = "not in effect yet" if active else self.agreement_status
            raise NotSharedError(
                f"The fleet shares connection {self.connection.id} with you by agreement {self.agreement_id}, which is"
                f" {status}: see GET /v2/orgs/share-agreements/{self.agreement_id}."
            )
        return self.connection


class NewConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection about to be added; see `Connection`."""

    id: UUID
    fleet_id: UUID
    tsp_slug: str
    source_name: TspEnum
    description: str | None
    credentials_sealed: bytes
    credentials_masked: Mapping[str, str]
    settings: Mapping[str, str]
    account_id: str | None


class Party(Protocol):
    """Who calls a provider: whose calls are paced together, by which login, and with which session."""

    @property
    def id(self) -> UUID:
        """Whose budgets its calls fall under."""

    @property
    def login(self) -> Login:
        """What it takes to call, without a session."""

    @property
    def session(self) -> KeptSession | None:
        """What logging in gave; None: nobody is logged in."""


class Account:
    """A connection as one logs in to it. Seals are opened when the login is asked for, and nothing is kept."""

    __slots__ = ("_registry", "_sealed", "_session", "_vault", "connection")

    def __init__(
        self,
        connection: Connection,
        sealed: bytes | None,
        vault: Vault,
        registry: Registry,
        session: SealedSession | None = None,
    ) -> None:
        self.connection = connection
        self._sealed = sealed
        self._session = session
        self._vault = vault
        self._registry = registry

    @property
    def id(self) -> UUID:
        """The connection's."""
        return self.connection.id

    @property
    def credentials(self) -> Mapping[str, str]:
        """The login, in the clear.

        Raises:
            ConnectionDeletedError: the connection was deleted, and they with it.
            SealBrokenError: it was sealed with another master key, or altered. Only this connection is concerned.
        """
        if self._sealed is None:
            raise ConnectionDeletedError
        return self._vault.open_json(self._sealed, purpose=CREDENTIALS_PURPOSE, subject=self.connection.id)

    @property
    def session(self) -> KeptSession | None:
        """What logging in gave, as it was when the account was loaded; None: nobody is logged in.

        Raises:
            SealBrokenError: as with `credentials`.
        """
        kept = self._session
        if kept is None:
            return None
        values = self._vault.open_json(kept.sealed, purpose=SESSION_PURPOSE, subject=self.connection.id)
        return KeptSession(values=values, generation=kept.generation)

    @property
    def login(self) -> Login:
        """What it takes to call the account, without a session. Raises what `credentials` and `base_url` raise."""
        return Login(base_url=self.base_url, credentials=self.credentials, settings=self.connection.settings)

    @property
    def base_url(self) -> str:
        """The address of the provider's API for this account, without a slash at its end.

        Raises:
            UnknownTspError: the provider's connector is not installed any more.
            BadConnectionFieldsError: the connector does not know the account's region any more.
        """
        return base_url(self._registry.get(self.connection.tsp_slug).manifest, self.connection.settings)

    @property
    def host(self) -> str:
        """The host that `base_url` leads to, as `name:port`. Raises what `base_url` raises."""
        return host_of(self.base_url)


class Entered(msgspec.Struct, frozen=True):
    """What a fleet entered, by the names in the connector's manifest."""

    credentials: Mapping[str, str]
    settings: Mapping[str, str]


class TriedLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A login that is to be tried, and is stored nowhere; a `Party`.

    Attributes:
        id: the connection's that it is for; an id of its own where there is none yet, whose calls nobody paces.
        tsp_slug: the connector that knows the provider.
        login: what was entered.
        session: nobody is logged in.
    """

    id: UUID
    tsp_slug: str
    login: Login
    session: KeptSession | None = None


class VerifiedLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A login that the provider accepted a moment ago.

    Attributes:
        credentials: what is good for the next login: what was entered, or what took its place.
        settings: of the connection, as they were tried.
        session: what logging in gave; None: nobody had to log in.
        account_id: what names the account (`Connector.account_of`); None: nothing tells.
    """

    credentials: Mapping[str, str]
    settings: Mapping[str, str]
    session: NewSession | None = None
    account_id: str | None = None
