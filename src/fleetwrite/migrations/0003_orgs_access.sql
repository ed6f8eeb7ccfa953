-- Partners, fleets, what they share, and who may call
-- depends: 0002_dispatch

-- migrate: apply

SET LOCAL lock_timeout = '5s';

CREATE TABLE partners (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE fleets (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- A fleet lets a partner see and write; fleet_ref is the partner's own name for the fleet.
CREATE TABLE share_agreements (
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    fleet_id uuid NOT NULL REFERENCES fleets,
    fleet_ref text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'paused', 'cancelled', 'deleted', 'expired')),
    scopes jsonb NOT NULL,
    effective_at timestamptz NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (partner_id, fleet_ref),
    UNIQUE (partner_id, fleet_id)
);
CREATE INDEX share_agreements_fleet ON share_agreements (fleet_id);

-- Which fleets a partner may see now. The one place that says when an agreement counts.
CREATE VIEW active_shares AS
    SELECT partner_id, fleet_id, fleet_ref FROM share_agreements
    WHERE status = 'active'
        -- As a subquery the clock is read once a statement and not once a row.
        AND effective_at <= (SELECT fleetwrite_now())
        AND (expires_at IS NULL OR expires_at > (SELECT fleetwrite_now()));

CREATE TABLE clients (
    id text PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    secret_hash text NOT NULL, -- argon2id
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL
);

-- Shared by all processes, so that a token signed by one is good at all.
CREATE TABLE signing_keys (
    id text PRIMARY KEY,
    private_key_sealed bytea NOT NULL,
    public_key_pem text NOT NULL,
    created_at timestamptz NOT NULL
);

-- Sealed by the first master key ever used here: another one fails to open it, and nothing starts with that.
CREATE TABLE vault_canary (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sealed bytea NOT NULL
);

-- migrate: rollback
