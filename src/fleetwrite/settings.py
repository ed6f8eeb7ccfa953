"""Everything an operator can set: one frozen class, read from the environment and a TOML file, checked at the start."""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from fleetwrite.kit.errors import FleetwriteError

PREFIX: Final = "FLEETWRITE_"
"""Environment variables that start with this are ours; each names a field in capitals."""

_ALIASES: Final = {"DATABASE_URL": "database_url"}
"""Names that hosting platforms set by themselves."""

_NOT_FIELDS: Final = frozenset({"FLEETWRITE_CONFIG"})

LEASE_MARGIN_S: Final = 10.0
"""How much longer than the longest attempt a lease holds: for the claim, the settling, and a paused process."""

SLOT_WAIT_S: Final = 2.0
"""How long an attempt waits for the slot of a further call; beyond that it goes back into its lane."""

READ_TIMEOUT_S: Final = 10.0
"""A look at the provider takes milliseconds; one that hangs is asked again later and must not hold up its lane."""


_TABLES: Final = (
    "# Single providers: limits in place of those that come with the connector, scope by scope, and other waits before",
    "# a retry. Limits take effect when a worker starts, for every connection on which nobody has set others by",
    "# PUT /v2/fleetwrite/connections/{id}/budgets. A scope has requests and per_seconds, or in_flight, or all three.",
    "# For the connect page: settings of the connections that fleets make there, which they are not asked for, and the",
    "# app of ours that the provider knows, with {public_url}/connect/callback/{provider} as its redirect address.",
    "# [tsp.samsara]",
    "# retry_first_s = 1.0",
    "# retry_cap_s = 600.0",
    '# [tsp.samsara.budgets."endpoint:POST /fleet/trailers"]',
    "# requests = 100",
    "# per_seconds = 60.0",
    "# in_flight = 10",
    "# [tsp.samsara.connect]",
    '# region = "us"',
    "# [tsp.samsara.app]",
    '# client_id = "..."',
    '# client_secret = "..."',
)
"""What the reference says of the one setting that is a table."""

MAIL_SCHEMES: Final = frozenset({"smtps", "smtp", "smtp+plain"})


class SettingsError(FleetwriteError):
    """A setting is missing, unknown or not possible; the message names it and the remedy."""


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit: at most `requests` calls in any `per_seconds` seconds, and at most `in_flight` at a time.

    One of the two can be left out. The bounds keep out slips, not wishes.
    """

    requests: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    per_seconds: Annotated[float, Meta(ge=0.001, le=2_592_000)] | None = None
    in_flight: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class AppSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app of the operator's that is registered with a provider, and that fleets let in."""

    client_id: Annotated[str, Meta(min_length=1)]
    client_secret: Annotated[str, Meta(min_length=1)]


class TspSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator sets for one provider.

    Attributes:
        budgets: limits that take the place of its connector's, by scope.
        retry_first_s, retry_cap_s: as in `Settings`, for this provider; None: as the connector says, or all.
        connect: settings of the connections that fleets make on the connect page; they are not asked for these.
        app: by which fleets connect that consent on the provider's own page; None: they can not.
    """

    budgets: Mapping[str, BudgetSettings] = {}
    retry_first_s: Annotated[float, Meta(gt=0)] | None = None
    retry_cap_s: Annotated[float, Meta(gt=0)] | None = None
    connect: Mapping[str, str] = {}
    app: AppSettings | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings. `fleetwrite settings` prints them all with their descriptions and defaults."""

    database_url: Annotated[
        str | None,
        Meta(description="PostgreSQL 15 or newer. Left out, `fleetwrite up` brings its own; the others need it."),
    ] = None
    database_pool_size: Annotated[int, Meta(ge=2, description="Database connections of one process, at most.")] = 16
    vault_key_file: Annotated[
        str | None,
        Meta(description="The master key, made by `fleetwrite vault create-key`; mode 0600, apart from the database."),
    ] = None
    vault_command: Annotated[
        str | None,
        Meta(description="A command that prints what such a file would hold, in its place; run without a shell."),
    ] = None
    public_url: Annotated[
        str | None, Meta(description="Where partners reach the API, as https://host; names the issuer of tokens.")
    ] = None
    api_host: Annotated[str, Meta(description="The address that the API listens on.")] = "127.0.0.1"
    api_port: Annotated[int, Meta(ge=0, le=65535, description="Its port; 0 takes a free one.")] = 8080
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Proxies, as addresses or networks, whose X-Forwarded-For says where a request comes from."),
    ] = ("127.0.0.1", "::1")
    partner_requests_per_s: Annotated[
        float, Meta(gt=0, description="Requests a second of one partner, over all processes; beyond: 429.")
    ] = 5000.0
    worker_port: Annotated[
        int, Meta(ge=0, le=65535, description="Where a worker answers /healthz, /readyz and /metrics; 0 for nowhere.")
    ] = 0
    worker_concurrency: Annotated[
        int, Meta(ge=1, description="Provider calls in flight at a time in one worker; webhook deliveries likewise.")
    ] = 128
    pull_concurrency: Annotated[
        int, Meta(ge=1, description="Lists read at a time in one worker; each may hold a page of some megabytes.")
    ] = 4
    provider_timeout_s: Annotated[
        float, Meta(gt=0, le=300, description="After so many seconds the answer of a provider counts as lost.")
    ] = 30.0
    lease_s: Annotated[
        float,
        Meta(gt=0, description="After so many seconds without a word a worker counts as dead; its work is taken over."),
    ] = 60.0
    sync_deadline_s: Annotated[float, Meta(gt=0, description="How long a write with is_sync=true may take.")] = 30.0
    sync_events: Annotated[bool, Meta(description="Whether sync writes emit the same events as async ones.")] = True
    retry_first_s: Annotated[float, Meta(gt=0, description="Upper bound of the first wait before a retry.")] = 1.0
    retry_cap_s: Annotated[float, Meta(gt=0, description="Upper bound of any such wait.")] = 600.0
    message_deadline_s: Annotated[
        float, Meta(gt=0, description="For how long a message is worth delivering; then it fails as expired.")
    ] = 3600.0
    write_deadline_s: Annotated[float, Meta(gt=0, description="The same for every other write.")] = 604_800.0
    backlog_cap: Annotated[int, Meta(ge=1, description="How many writes of one partner may wait; beyond: 429.")] = (
        1_000_000
    )
    webhook_timeout_s: Annotated[float, Meta(gt=0, description="How long a webhook's receiver may take to answer.")] = (
        3.0
    )
    webhook_per_second: Annotated[int, Meta(ge=1, description="Deliveries to one webhook a second, at most.")] = 500
    webhook_in_flight: Annotated[
        int, Meta(ge=1, description="Deliveries to one webhook at a time, at most: far fewer than worker_concurrency.")
    ] = 8
    webhook_batch: Annotated[
        int,
        Meta(ge=1, description="Record events (added, modified, removed) that may share a delivery when they wait."),
    ] = 100
    events_kept_days: Annotated[
        int,
        Meta(ge=14, description="For how long an event is kept, for streams that go on; and until it is delivered."),
    ] = 30
    operations_kept_days: Annotated[
        int,
        Meta(
            ge=31,
            description="For how long an ended operation is kept, with its attempts. Idempotency keys last 30 days.",
        ),
    ] = 180
    outbound_allow_http: Annotated[
        bool, Meta(description="Whether webhooks and provider URLs may be plain http. For tests and closed networks.")
    ] = False
    outbound_allowed_networks: Annotated[
        tuple[str, ...],
        Meta(description="Private networks, such as 10.1.0.0/16, that webhooks and provider URLs may lead into."),
    ] = ()
    smtp_url: Annotated[
        str | None,
        Meta(
            description="The mail server, as smtps://user:password@host; smtp:// insists on STARTTLS, smtp+plain:// has"
            " no TLS. Without it no fleet gets a link to come back by."
        ),
    ] = None
    mail_from: Annotated[str | None, Meta(description="The address that mail comes from; goes with smtp_url.")] = None
    mail_to_log: Annotated[
        bool, Meta(description="Print mail to the log, with the links in it. For a sandbox only.")
    ] = False
    log_format: Annotated[Literal["json", "console"], Meta(description="json for machines, console for people.")] = (
        "json"
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least that is logged.")
    ] = "info"
    tsp: Mapping[str, TspSettings] = {}

    @property
    def attempt_lasts_s(self) -> float:
        """The longest that one attempt can take: a look at the provider, a wait for a slot, and the write."""
        return 2 * SLOT_WAIT_S + self.read_timeout_s + self.provider_timeout_s

    @property
    def read_timeout_s(self) -> float:
        """After so many seconds a look at the provider is given up."""
        return min(READ_TIMEOUT_S, self.provider_timeout_s)

    @property
    def allowed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`outbound_allowed_networks`, parsed."""
        return tuple(ip_network(text) for text in self.outbound_allowed_networks)

    @classmethod
    def load(cls, environment: Mapping[str, str], config: Path | None = None, **overrides: Any) -> Self:
        """Read the settings: what is in `overrides` wins over the environment, that over the TOML file.

        Args:
            environment: usually `os.environ`.
            config: the TOML file; by default the one that FLEETWRITE_CONFIG names, if any.
            overrides: field values from the command line; None leaves a field alone.

        Raises:
            SettingsError: something is wrong; the message says what and where.
        """
        path = config or (Path(environment["FLEETWRITE_CONFIG"]) if environment.get("FLEETWRITE_CONFIG") else None)
        values: dict[str, Any] = {} if path is None else _read_toml(path)
        values |= _read_environment(environment)
        values |= {name: value for name, value in overrides.items() if value is not None}
        try:
            settings = msgspec.convert(values, cls, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(
                f"The settings are not valid: {_with_keys(error, values)}. `fleetwrite settings` shows them all."
            ) from error
        settings.check()
        return settings

    def check(self) -> None:
        """Raise SettingsError where settings do not go together."""
        needed_s = self.attempt_lasts_s + LEASE_MARGIN_S
        if self.lease_s < needed_s:
            raise SettingsError(
                f"lease_s is {self.lease_s:g}, but with these time-outs an attempt can take"
                f" {needed_s - LEASE_MARGIN_S:g} s, and work would be taken over while it is still being done:"
                f" set lease_s to {needed_s:g} or more, or provider_timeout_s lower."
            )
        for proxy in self.trusted_proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                raise SettingsError(f"trusted_proxies: {error}. Write 10.1.2.3 or 10.1.0.0/16.") from error
        if self.vault_command is not None and not self.vault_command.strip():
            raise SettingsError("vault_command is empty: name the command, or leave it out.")
        if self.vault_key_file is not None and self.vault_command is not None:
            raise SettingsError("vault_key_file and vault_command are both set: keep the one that has the master key.")
        try:
            self.allowed_networks  # noqa: B018 - parsing is the check
        except ValueError as error:
            raise SettingsError(f"outbound_allowed_networks: {error}. Write networks like 10.1.0.0/16.") from error
        self._check_mail()
        for slug, tsp in self.tsp.items():
            for scope, budget in tsp.budgets.items():
                has_rate = budget.requests is not None
                if has_rate != (budget.per_seconds is not None) or not (has_rate or budget.in_flight):
                    raise SettingsError(
                        f'tsp.{slug}.budgets."{scope}": `requests` and `per_seconds` go together; leave out both only'
                        " where `in_flight` is given."
                    )

    def _check_mail(self) -> None:
        if (self.smtp_url is None) != (self.mail_from is None):
            raise SettingsError("smtp_url and mail_from go together: set both, or neither.")
        if self.smtp_url is None:
            return
        try:
            parts = urlsplit(self.smtp_url)
            is_whole = parts.scheme in MAIL_SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_whole = False
        if not is_whole:
            # It may hold a password, and is not repeated.
            raise SettingsError(
                "smtp_url must be smtps://host, smtp://host or smtp+plain://host, with or without port."
            )


def _with_keys(error: msgspec.ValidationError, values: Mapping[str, Any]) -> str:
    """What `error` says, with the keys of the provider's table, for which msgspec writes `[...]` only."""
    text = str(error)
    if "`$.tsp[...]" not in text:
        return text
    slug = next(slug for slug, table in values["tsp"].items() if not _is_valid(table, TspSettings))
    text = text.replace("[...]", f".{slug}", 1)
    if "[...]" in text:
        budgets = values["tsp"][slug].get("budgets", {})
        scope = next((scope for scope, budget in budgets.items() if not _is_valid(budget, BudgetSettings)), None)
        text = text.replace("[...]", "" if scope is None else f'."{scope}"', 1)
    return text


def _is_valid(value: Any, kind: type[msgspec.Struct]) -> bool:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The settings file can not be read: {error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    defaults = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {_ALIASES[name]: text for name, text in environment.items() if name in _ALIASES and text}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name in _NOT_FIELDS:
            continue
        field = name.removeprefix(PREFIX).lower()
        if field not in defaults:
            raise SettingsError(
                f"{name} is set, but there is no setting {field}. `fleetwrite settings` shows them all."
            )
        if defaults[field] is msgspec.NODEFAULT:
            raise SettingsError(f"{name} is set, but {field} is a table: write it into the file of FLEETWRITE_CONFIG.")
        is_list = isinstance(defaults[field], tuple)
        values[field] = tuple(part.strip() for part in text.split(",") if part.strip()) if is_list else text
    return values


def reference() -> str:
    """All settings as a commented TOML file, at their defaults."""
    lines = [
        "# The settings of Fleetwrite, at their defaults. Each can also be given as an environment variable:",
        f"# {PREFIX} and the name in capitals (lists with commas), but for the tables at the end. Printed by",
        "# `fleetwrite settings`.",
    ]
    for field in msgspec.structs.fields(Settings):
        if field.default is msgspec.NODEFAULT:
            lines += ["", *_TABLES]
            continue
        info = msgspec.inspect.type_info(field.type)
        described = info.extra_json_schema if isinstance(info, msgspec.inspect.Metadata) else None
        # JSON's strings, numbers, booleans and lists are written the same in TOML.
        value = "..." if field.default is None else msgspec.json.encode(field.default).decode()
        lines += ["", f"# {(described or {})['description']}", f"# {field.name} = {value}"]
    return "\n".join(lines) + "\n"


def from_process(config: Path | None = None, **overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError."""
    return Settings.load(os.environ, config, **overrides)
