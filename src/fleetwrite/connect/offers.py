"""Which providers a visitor may choose, and what each wants: forms made of the connectors' manifests."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from fleetwrite.connections.errors import BadConnectionFieldsError, FieldFault
from fleetwrite.connections.fields import address_field, check_settings_alone
from fleetwrite.connections.models import Entered
from fleetwrite.connectors.sdk.connector import Connector
from fleetwrite.connectors.sdk.manifest import ON_UNCERTAIN, Field, LoginScheme, Manifest
from fleetwrite.connectors.sdk.registry import Registry, UnknownTspError
from fleetwrite.settings import Settings, SettingsError, TspSettings

_CREDENTIALS, _SETTINGS = "credentials", "settings"

REGION: Final = f"{_SETTINGS}.region"
_ADDRESS: Final = f"{_SETTINGS}.base_url"
"""Names of inputs; see `Input`."""

_READABLE: Final = frozenset({"username", "company_id"})
"""Masked wherever they are shown later, as the contract wants it; but people have to see what they type."""

_NOT_FOR_FLEETS: Final = frozenset({ON_UNCERTAIN.name})
"""A matter between partner and operator."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a form.

    Attributes:
        name: of the form's field: `credentials.token`, as faults name it.
        value: what was entered before; of a secret never.
        fault: what is wrong with that; None: nothing.
    """

    name: str
    label: str
    help: str
    is_secret: bool
    is_required: bool
    choices: tuple[str, ...]
    value: str = ""
    fault: str | None = None

    @property
    def id(self) -> str:
        """Its id in the document."""
        return self.name.replace(".", "-")


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet enters to connect to a provider.

    Attributes:
        inputs: what is always shown.
        more: what few have to enter.
        problem: what is wrong with all of it together; None: nothing.
        cause: what the provider said of that, in its own words.
    """

    inputs: tuple[Input, ...]
    more: tuple[Input, ...]
    problem: str | None = None
    cause: str | None = None

    @property
    def faulty(self) -> tuple[Input, ...]:
        """The inputs that have to be corrected."""
        return tuple(one for one in (*self.inputs, *self.more) if one.fault is not None)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as it can be connected to here.

    Attributes:
        has_form: a fleet can enter something.
        has_consent: a fleet can be sent to the provider's own page.
    """

    connector: Connector
    tsp: TspSettings

    @property
    def manifest(self) -> Manifest:
        """What the connector says of the provider."""
        return self.connector.manifest

    @property
    def has_consent(self) -> bool:
        """Whether a fleet can be sent to the provider's own page: the operator has an app there."""
        return self.manifest.consent is not None and self.tsp.app is not None

    @property
    def has_form(self) -> bool:
        """Whether there is something that a fleet can enter. An app's secret is none of that."""
        return self.manifest.login is not LoginScheme.OAUTH

    def form(self, given: Mapping[str, str], faults: Sequence[FieldFault] = ()) -> Form:
        """The form for credentials, filled with what was `given` by the names of the inputs."""
        # The contract's shapes have the address of a server among the credentials.
        address = address_field(self.manifest)
        by_field = {_ADDRESS if fault.field == address else fault.field: fault.message for fault in faults}
        inputs = [
            *((_CREDENTIALS, field) for field in self.manifest.credentials),
            *((_SETTINGS, field) for field in self._settings()),
        ]
        made = [_input(self.manifest, group, field, given, by_field) for group, field in inputs]
        unplaced = [message for field, message in by_field.items() if field not in {one.name for one in made}]
        return Form(
            inputs=tuple(one for one in made if one.is_required or one.name == REGION),
            more=tuple(one for one in made if not one.is_required and one.name != REGION),
            problem=" ".join(unplaced) or None,
        )

    def entered(self, form: Mapping[str, str]) -> Entered:
        """What was entered, under the names of the manifest, and what the operator has set for all."""
        return Entered(
            credentials={
                field.name: text
                for field in self.manifest.credentials
                if (text := form.get(f"{_CREDENTIALS}.{field.name}", "").strip())
            },
            settings={**self._chosen(form, self._settings()), **self.tsp.connect},
        )

    def consent_settings(self, form: Mapping[str, str]) -> dict[str, str]:
        """Settings of a connection that comes of a consent.

        A fleet chooses no address there: the secret of the operator's app is sent to it.
        """
        return {**self._chosen(form, self._region()), **self.tsp.connect}

    def regions(self, given: Mapping[str, str]) -> tuple[Input, ...]:
        """What has to be known before a fleet can be sent to the provider's page: nothing, or its region."""
        return tuple(_input(self.manifest, _SETTINGS, field, given, {}) for field in self._region())

    def _settings(self) -> Iterator[Field]:
        hidden = _NOT_FOR_FLEETS | set(self.tsp.connect)
        if _ADDRESS in entered_before(self.tsp.connect):
            # It takes the place of every region's.
            hidden |= {REGION.removeprefix(f"{_SETTINGS}.")}
        return (field for field in self.manifest.settings if field.name not in hidden)

    def _region(self) -> Iterator[Field]:
        return (field for field in self._settings() if f"{_SETTINGS}.{field.name}" == REGION)

    def _chosen(self, form: Mapping[str, str], fields: Iterator[Field]) -> dict[str, str]:
        entered = ((field.name, form.get(f"{_SETTINGS}.{field.name}", "").strip()) for field in fields)
        return {name: text for name, text in entered if text}


def check_settings(registry: Registry, settings: Settings) -> None:
    """Make sure that what the operator has set for the page is of some use: no fleet could put it right.

    Raises:
        SettingsError: a provider has no such setting, value or page to consent on.
    """
    for slug, tsp in settings.tsp.items():
        manifest = registry.get(slug).manifest
        try:
            check_settings_alone(manifest, tsp.connect)
        except BadConnectionFieldsError as error:
            fault = error.faults[0]
            name = fault.field.removeprefix(f"{_SETTINGS}.")
            raise SettingsError(f"tsp.{slug}.connect.{name}: {fault.message}") from error
        if tsp.app is not None and manifest.consent is None:
            raise SettingsError(
                f"tsp.{slug}.app: {manifest.name} has no page on which fleets let apps in; leave it out."
            )


class Offers:
    """The providers of this installation, or those that an invitation allows."""

    def __init__(self, registry: Registry, settings: Settings, limit_tsps: Collection[str] | None) -> None:
        self._registry = registry
        self._settings = settings
        self._limit = None if limit_tsps is None else frozenset(limit_tsps)

    def find(self, wanted: str) -> list[Offer]:
        """Those whose name has all of these words in it, by name."""
        words = wanted.casefold().split()
        offers = [self._offer(connector) for connector in self._registry if self._is_allowed(connector.manifest)]
        return sorted(
            (
                offer
                for offer in offers
                if (offer.has_form or offer.has_consent)
                and all(word in offer.manifest.name.casefold() for word in words)
            ),
            key=lambda offer: offer.manifest.name.casefold(),
        )

    def get(self, slug: str) -> Offer:
        """The provider of this slug.

        Raises:
            UnknownTspError: there is none, or it may not be chosen.
        """
        connector = self._registry.get(slug)
        if not self._is_allowed(connector.manifest):
            raise UnknownTspError(f"The invitation does not allow {slug!r}.")
        return self._offer(connector)

    def _offer(self, connector: Connector) -> Offer:
        return Offer(connector=connector, tsp=self._settings.tsp.get(connector.manifest.slug, TspSettings()))

    def _is_allowed(self, manifest: Manifest) -> bool:
        return self._limit is None or not self._limit.isdisjoint({manifest.slug, manifest.source_name})


def entered_before(settings: Mapping[str, str]) -> dict[str, str]:
    """A connection's settings as its form has them."""
    return {f"{_SETTINGS}.{name}": value for name, value in settings.items()}


def _input(manifest: Manifest, group: str, field: Field, given: Mapping[str, str], faults: Mapping[str, str]) -> Input:
    name = f"{group}.{field.name}"
    is_secret = field.sensitive and field.name not in _READABLE
    return Input(
        name=name,
        label=field.label,
        help=field.description,
        is_secret=is_secret,
        is_required=field.required,
        choices=tuple(manifest.regions) if name == REGION else field.choices,
        value="" if is_secret else given.get(name, ""),
        fault=faults.get(name),
    )
