-- The outbox, and who is told
-- depends: 0005_operations

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Written in the transaction that caused it; fanned out to subscriptions outside of it.
CREATE TABLE events (
    id uuid PRIMARY KEY,
    event_name text NOT NULL,
    partner_id uuid NOT NULL REFERENCES partners,
    fleet_id uuid,
    fleet_ref text,
    occurred_at timestamptz NOT NULL,
    data jsonb NOT NULL,
    fanned_out_at timestamptz
);
CREATE INDEX events_waiting ON events (id) WHERE fanned_out_at IS NULL;

CREATE TABLE subscriptions (
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    url text NOT NULL,
    event_name text NOT NULL,
    filters jsonb,
    secret_sealed bytea NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'paused', 'stale', 'deleted')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CHECK ((status = 'deleted') = (deleted_at IS NOT NULL))
);
CREATE UNIQUE INDEX subscriptions_once ON subscriptions (partner_id, event_name, url, (coalesce(filters, 'null'::jsonb)))
    WHERE status <> 'deleted';

CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES subscriptions,
    event_id uuid NOT NULL REFERENCES events,
    status text NOT NULL CHECK (status IN ('pending', 'success', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (subscription_id, event_id)
);

CREATE TABLE delivery_attempts (
    id uuid PRIMARY KEY,
    delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('success', 'failed')),
    status_code integer,
    error_message text,
    response_time_ms integer
);
CREATE INDEX delivery_attempts_delivery ON delivery_attempts (delivery_id, created_at);

-- migrate: rollback
