"""Where data of a fleet is kept: every table, every column, what an export shows of it, and what an erasure does to it.

Tests hold this list to the schema, so that a new table or column is refused until somebody said here what it holds. It
names tables of all domains, as SQL may where imports may not.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from msgspec import Struct


class Fate(Enum):
    """What becomes of a fleet's rows when it is erased."""

    DELETED = "deleted at once"
    WITH_PARENT = "deleted with the row that they belong to"
    WHEN_TOLD = "deleted when the partners have been told"
    AT_THE_END = "emptied at once, deleted at the end"
    WITH_WORK = "deleted by dispatch, when no work can come any more"
    STAYS = "stays"


class Place(Struct, frozen=True, kw_only=True):
    """A table.

    Attributes:
        rows: the condition by which rows are the fleet's, whose id is $1; None: none ever is.
        parent: of rows that go with another one: its table, and the column that names its `id`.
        shown: the columns that an export has.
        hidden: those that it has not: secrets and their hashes, and what only says how the software works.
        why: the reason where rows stay.
    """

    table: str
    fate: Fate
    rows: str | None = None
    parent: tuple[str, str] | None = None
    shown: Sequence[str] = ()
    hidden: Sequence[str] = ()
    why: str = ""


_CONNECTION: Final = "connection_id IN (SELECT id FROM connections WHERE fleet_id = $1)"
_OWNER: Final = "owner_id IN (SELECT id FROM connections WHERE fleet_id = $1)"

INVITATIONS: Final = """
    fleet_id = $1
    OR id IN (SELECT invitation_id FROM share_agreements WHERE fleet_id = $1)
    OR (fleet_id IS NULL AND EXISTS (
        SELECT FROM share_agreements a
        WHERE (a.partner_id, a.fleet_ref) = (invitations.partner_id, invitations.fleet_ref) AND a.fleet_id = $1
    ) AND NOT EXISTS (
        SELECT FROM share_agreements a
        WHERE (a.partner_id, a.fleet_ref) = (invitations.partner_id, invitations.fleet_ref) AND a.fleet_id <> $1
    ))
"""
"""Also those that were not accepted, under a name that a partner has for this fleet and for no other."""

EVENTS: Final = f"""
    SELECT id FROM events WHERE fleet_id = $1
    UNION ALL
    SELECT e.id FROM events e JOIN invitations ON e.data ->> 'id' = invitations.id::text
        AND (e.partner_id, e.fleet_ref) = (invitations.partner_id, invitations.fleet_ref)
    WHERE e.fleet_id IS NULL AND e.fleet_ref IS NOT NULL AND invitations.id IN (
        SELECT id FROM invitations WHERE {INVITATIONS})
"""  # noqa: S608 - our own words only, here and below
"""Also those of invitations, which name no fleet before somebody accepts."""

_DELIVERIES: Final = f"""
    id IN (
        SELECT id FROM deliveries WHERE event_id IN ({EVENTS})
        UNION ALL SELECT delivery_id FROM batched_events WHERE event_id IN ({EVENTS}))
"""  # noqa: S608 - ours

_ADDRESS: Final = """
    email IN (SELECT lower(registered_email) FROM fleets WHERE id = $1)
    AND NOT EXISTS (SELECT FROM fleets WHERE lower(registered_email) = email AND id <> $1)
"""
"""What other fleets of the same address need stays."""

_AUDITED: Final = f"""
    actor = ($1::uuid)::text OR object_id IN (
        SELECT ($1::uuid)::text
        UNION ALL SELECT id::text FROM connections WHERE fleet_id = $1
        UNION ALL SELECT id::text FROM share_agreements WHERE fleet_id = $1
        UNION ALL SELECT id::text FROM schedules WHERE {_CONNECTION}
        UNION ALL SELECT encode(sha256(convert_to(id::text, 'UTF8')), 'hex') FROM invitations WHERE {INVITATIONS}
    )
"""  # noqa: S608 - ours


def _of_work(table: str, rows: str, columns: str) -> Place:
    """A table of dispatch. What an account's connections share there is known by a hash, and stays."""
    return Place(table=table, fate=Fate.WITH_WORK, rows=rows, hidden=columns.split())


def _of_others(table: str, why: str, columns: str) -> Place:
    """A table that holds nothing of a fleet."""
    return Place(table=table, fate=Fate.STAYS, hidden=columns.split(), why=why)


PLACES: Final[Sequence[Place]] = (
    Place(
        table="fleets",
        fate=Fate.AT_THE_END,
        rows="id = $1",
        shown=(
            *("id", "name", "websites", "regulatory_id", "regulatory_id_type", "registered_email", "registered_phone"),
            *("country_code", "created_at", "updated_at"),
        ),
    ),
    Place(
        table="partners",
        fate=Fate.STAYS,
        rows="id IN (SELECT partner_id FROM share_agreements WHERE fleet_id = $1)",
        shown=("id", "name", "websites"),
        hidden=(
            *("slug", "created_at", "updated_at", "description", "categories", "is_sandbox", "parent_partner_id"),
            "is_operator",
        ),
        why="It is the partner's. An export says who was shared with.",
    ),
    # What refers to another row goes before that: the order is that of the erasure.
    Place(
        table="connect_consents",
        fate=Fate.DELETED,
        rows="fleet_id = $1",
        shown=("tsp_slug", "settings", "connection_id", "expires_at"),
        hidden=("state_hash", "visit_hash", "fleet_id"),
    ),
    Place(
        table="connect_visits",
        fate=Fate.DELETED,
        rows=f"fleet_id = $1 OR (fleet_id IS NULL AND {_ADDRESS})",
        shown=("invitation_id", "email", "expires_at"),
        hidden=("secret_hash", "fleet_id"),
    ),
    Place(
        table="connect_links",
        fate=Fate.DELETED,
        rows=_ADDRESS,
        shown=("email", "created_at", "expires_at"),
        hidden=("secret_hash",),
    ),
    Place(
        table="share_agreements",
        fate=Fate.DELETED,
        rows="fleet_id = $1",
        shown=(
            *("id", "partner_id", "fleet_ref", "status", "scopes", "effective_at", "expires_at", "created_at"),
            *("updated_at", "invitation_id", "paused_by"),
        ),
        hidden=("fleet_id",),
    ),
    Place(
        table="invitations",
        fate=Fate.DELETED,
        rows=INVITATIONS,
        shown=(
            *("id", "partner_id", "fleet_ref", "status", "fleet_name", "fleet_email", "fleet_regulatory_id"),
            *("fleet_regulatory_id_type", "fleet_phone", "fleet_website", "fleet_country_code", "limit_tsps"),
            *("success_redirect_url", "failure_redirect_url", "callback_url", "permissions", "expires_in_hours"),
            *("expires_at", "viewed_at", "accepted_at", "declined_at", "decline_reason", "created_at", "updated_at"),
        ),
        hidden=("is_open", "fleet_id", "connect_token_hash", "connect_token_expires_at"),
    ),
    Place(
        table="connections",
        fate=Fate.AT_THE_END,
        rows="fleet_id = $1",
        shown=(
            *("id", "tsp_slug", "source_name", "description", "status", "credentials_masked", "settings", "account_id"),
            *("is_draining", "created_at", "updated_at", "deleted_at"),
        ),
        hidden=("fleet_id", "credentials_sealed", "emptied_at"),
    ),
    Place(
        table="breakers",
        fate=Fate.DELETED,
        # A fleet may run its TSP by itself, at an address that names it. Hosts that it left are nobody's any more.
        rows=f"NOT EXISTS (SELECT FROM logins WHERE logins.host = breakers.host AND NOT ({_CONNECTION}))",
        hidden=(*("host", "tsp_slug", "failed_operations", "opened_at", "cause", "closed_at", "probe_at", "probes"),),
    ),
    Place(
        table="logins",
        fate=Fate.DELETED,
        rows=_CONNECTION,
        shown=("connection_id", "host", "accepted_at", "refused_since"),
        hidden=("probe_at", "probes"),
    ),
    Place(
        table="login_sessions",
        fate=Fate.DELETED,
        rows=_CONNECTION,
        hidden=(
            *("connection_id", "generation", "sealed", "expires_at", "claimed_by", "claimed_until", "refused_at"),
            *("refusal", "refusal_status", "renew_at"),
        ),
    ),
    Place(
        table="record_refs",
        fate=Fate.DELETED,
        rows=_CONNECTION,
        shown=("partner_id", "connection_id", "resource", "source_id", "record_ref"),
    ),
    Place(
        table="records",
        fate=Fate.DELETED,
        rows=_CONNECTION,
        shown=(
            *("id", "connection_id", "resource", "source_id", "attributes", "source_data", "occurred_at", "created_at"),
            *("updated_at", "deleted_at", "is_reserved", "written_at"),
        ),
        hidden=("source_data_hash", "unlisted", "is_missed"),
    ),
    Place(
        table="schedules",
        fate=Fate.DELETED,
        rows=_CONNECTION,
        shown=(
            *("id", "connection_id", "resource", "status", "execution_interval_seconds", "last_data_at"),
            *("next_execution_at", "created_at", "updated_at"),
        ),
        hidden=("consecutive_error_count", "consecutive_error_threshold", "max_concurrent_executions", "cursor"),
    ),
    Place(
        table="executions",
        fate=Fate.WITH_PARENT,
        parent=("schedules", "schedule_id"),
        shown=("id", "schedule_id", "status", "response", "last_data_at", "created_at", "updated_at"),
        hidden=("is_whole", "cursor", "left_some", "pages", "failures"),
    ),
    Place(
        table="pulled_pages",
        fate=Fate.WITH_PARENT,
        parent=("executions", "execution_id"),
        hidden=("execution_id", "page", "source_ids"),
    ),
    Place(
        table="operations",
        fate=Fate.DELETED,
        rows=_CONNECTION,
        shown=(
            *("id", "partner_id", "connection_id", "resource", "operation_type", "resource_id", "source_id", "payload"),
            *("directives", "status", "outcome", "is_sync", "created_at", "updated_at", "expires_at", "settled_at"),
        ),
        hidden=("made_source_id",),
    ),
    Place(
        table="attempts",
        fate=Fate.WITH_PARENT,
        parent=("operations", "operation_id"),
        shown=(
            *("id", "operation_id", "status", "error_type", "error_details", "response_status_code"),
            *("response_headers", "created_at", "updated_at"),
        ),
    ),
    Place(
        table="operation_parts",
        fate=Fate.WITH_PARENT,
        parent=("operations", "operation_id"),
        shown=("operation_id", "position", "recipient_id", "state", "attempts", "begun_at", "source_id", "details"),
    ),
    Place(
        table="idempotency_keys",
        fate=Fate.WITH_PARENT,
        parent=("operations", "operation_id"),
        shown=("partner_id", "key", "operation_id", "losses"),
        hidden=("fingerprint",),
    ),
    Place(
        table="operation_secrets",
        fate=Fate.WITH_PARENT,
        parent=("operations", "operation_id"),
        hidden=("operation_id", "sealed", "created_at"),
    ),
    Place(
        table="reference_ledger",
        fate=Fate.DELETED,
        rows=_CONNECTION,
        shown=("connection_id", "reference", "operation_id"),
    ),
    Place(
        table="events",
        fate=Fate.WHEN_TOLD,
        rows=f"id IN ({EVENTS})",
        shown=("id", "event_name", "partner_id", "fleet_ref", "occurred_at", "data"),
        hidden=("fleet_id", "fanned_out_at", "position"),
    ),
    Place(
        table="deliveries",
        fate=Fate.WHEN_TOLD,
        rows=_DELIVERIES,
        shown=("id", "event_id", "status", "attempts", "created_at", "updated_at"),
        hidden=("subscription_id", "message_id", "event_count", "size_bytes", "earlier_attempts", "enqueued_at"),
    ),
    Place(
        table="batched_events",
        fate=Fate.WHEN_TOLD,
        rows=f"event_id IN ({EVENTS})",
        shown=("delivery_id", "event_id"),
    ),
    Place(
        table="delivery_attempts",
        fate=Fate.WHEN_TOLD,
        rows=f"delivery_id IN (SELECT id FROM deliveries WHERE {_DELIVERIES})",  # noqa: S608 - ours
        shown=("id", "delivery_id", "status", "status_code", "created_at"),
        # What a partner's receiver answered is the partner's.
        hidden=("error_message", "response_time_ms", "subscription_id", "counts"),
    ),
    Place(
        table="audit_log",
        fate=Fate.STAYS,
        rows=_AUDITED,
        shown=("id", "at", "actor_kind", "actor", "partner_id", "deed", "object_id", "details"),
        # Of those who acted, most of them for somebody else.
        hidden=("address", "request_id", "previous_hash", "hash"),
        why="It says who did what: by ids, and by the address that it was done from, which is what it is kept for.",
    ),
    _of_work(
        "lane_owners", "id IN (SELECT id FROM connections WHERE fleet_id = $1)", "id kind held shut_by account_id"
    ),
    _of_work("lanes", _OWNER, "id owner_id kind scopes held due_at claimed_by claimed_at"),
    _of_work(
        "jobs",
        _OWNER,
        "id lane_id owner_id kind position order_key due_at expires_at attempts single_attempt lease uncertain "
        "priority not_before fence uncertain_since calling",
    ),
    _of_work(
        "budgets",
        _OWNER,
        "owner_id scope requests per_seconds next_at closed_until in_flight share lowered_at strikes struck_at "
        "claimed_by chosen blamed_owner_id blamed_scope blamed_until claimed_since",
    ),
    _of_work("bars", _OWNER, "owner_id scope since until for_s"),
    Place(
        table="erasures",
        fate=Fate.STAYS,
        rows="fleet_id = $1",
        hidden=("fleet_id", "begun_at", "erased_at", "completed_at", "removed", "looked_at"),
        why="An id and numbers: what proves the erasure.",
    ),
    _of_others(
        "subscriptions",
        "A partner's own, and so are the names of fleets that it put into a filter.",
        "id partner_id url event_name filters secret_sealed status created_at updated_at deleted_at probe_at "
        "old_secret_sealed old_secret_until",
    ),
    _of_others("partner_properties", "A partner's own.", "id partner_id key value created_at"),
    _of_others(
        "clients",
        "A partner's own.",
        "id partner_id secret_hash scopes created_at previous_secret_hash previous_secret_until disabled_at deleted_at",
    ),
    _of_others("client_addresses", "Of a partner's machines.", "client_id address succeeded_at"),
    _of_others(
        "login_failures",
        "Of token requests, which no fleet makes; forgotten within hours.",
        "kind subject failures failed_at locked_until",
    ),
    _of_others("revoked_tokens", "A partner's own.", "token_id client_id revoked_at expires_at"),
    _of_others("request_limits", "Of a partner.", "partner_id per_second"),
    _of_others("request_rates", "Of a partner.", "process partner_id per_second told_at"),
    _of_others("stream_listeners", "Of a partner.", "partner_id event_name until"),
    _of_others("paused_tsps", "Of a provider.", "slug paused_at"),
    _of_others("restore_fences", "Of a restore.", "generation raised_at fenced"),
    _of_others(
        "signing_keys",
        "Of this installation, as all below.",
        "id private_key_sealed public_key_pem created_at",
    ),
    _of_others("vault_canary", "See above.", "sealed key_id seals relieved_at"),
    _of_others("vault_holders", "See above.", "process name pid backend_start key_ids sealing_id"),
    _of_others("clock_shift", "See above.", "only_row shift"),
    _of_others("_pogo_migration", "See above.", "migration_hash migration_id applied schema_name"),
    _of_others("_pogo_version", "See above.", "version installed"),
)

_BY_TABLE: Final = {place.table: place for place in PLACES}


def condition(place: Place) -> str | None:
    """By what the rows of a table are the fleet's, whose id is $1; None: none ever is."""
    if place.parent is None:
        return place.rows
    table, column = place.parent
    return f"{column} IN (SELECT id FROM {table} WHERE {condition(_BY_TABLE[table])})"  # noqa: S608 - ours


def children(table: str) -> list[Place]:
    """The tables whose rows go with a row of this one."""
    return [place for place in PLACES if place.parent is not None and place.parent[0] == table]


def with_fate(fate: Fate) -> list[Place]:
    """The tables whose rows of a fleet have this fate, in the order in which they go."""
    return [place for place in PLACES if place.fate is fate]
