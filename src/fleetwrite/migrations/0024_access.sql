-- Master keys that relieve each other; who may no longer call, and how often who may
-- depends: 0023_connections

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- One row for each master key that something may be sealed with: a process that lacks one of them does not start.
-- An older release, which knows of one row only, finds that one here until another key seals.
ALTER TABLE vault_canary
    DROP COLUMN only_row,
    ADD COLUMN key_id bytea GENERATED ALWAYS AS (substring(sealed FROM 2 FOR 8)) STORED PRIMARY KEY,
    ADD COLUMN seals boolean NOT NULL DEFAULT true,
    -- Since when it does not seal any more.
    ADD COLUMN relieved_at timestamptz,
    ADD CHECK (seals = (relieved_at IS NULL));
CREATE UNIQUE INDEX vault_canary_seals ON vault_canary (seals) WHERE seals;

-- Which process has which keys, and seals with which: a key may seal only when all have it. A row counts for as long
-- as the session that wrote it is connected.
CREATE TABLE vault_holders (
    process uuid PRIMARY KEY,
    name text NOT NULL,
    pid integer NOT NULL,
    backend_start timestamptz NOT NULL,
    key_ids bytea[] NOT NULL,
    sealing_id bytea NOT NULL DEFAULT ''
);

-- The secret before, which is good until its time is over; and clients that get no token any more.
ALTER TABLE clients
    ADD COLUMN previous_secret_hash text,
    ADD COLUMN previous_secret_until timestamptz,
    ADD COLUMN disabled_at timestamptz,
    -- Deleted ones stay, lest somebody else takes the id while old tokens still name it.
    ADD COLUMN deleted_at timestamptz,
    ADD CHECK ((previous_secret_hash IS NULL) = (previous_secret_until IS NULL)),
    ADD CHECK (deleted_at IS NULL OR disabled_at IS NOT NULL);

-- Tokens that were called back before their hour was over.
CREATE TABLE revoked_tokens (
    token_id text PRIMARY KEY,
    client_id text NOT NULL REFERENCES clients,
    revoked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX revoked_tokens_revoked ON revoked_tokens (revoked_at);

-- Failed token requests: by the client that was named, by where they came from, or by both where the client got tokens
-- from there before.
CREATE TABLE login_failures (
    kind text NOT NULL CHECK (kind IN ('client', 'address', 'known')),
    subject text NOT NULL,
    failures integer NOT NULL,
    failed_at timestamptz NOT NULL,
    locked_until timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX login_failures_old ON login_failures (failed_at);

-- From where a client got tokens: the failures of strangers do not lock it out there.
CREATE TABLE client_addresses (
    client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
    address text NOT NULL,
    succeeded_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, address)
);

-- How many requests a partner may make in a second, where that is not what the settings say for all.
CREATE TABLE request_limits (
    partner_id uuid PRIMARY KEY REFERENCES partners,
    per_second double precision NOT NULL CHECK (per_second > 0)
);

-- How many requests a second each process was asked for by each partner, lately: what the limit is shared out by.
-- Not worth a write to disk: after a crash it is known anew within a second.
CREATE UNLOGGED TABLE request_rates (
    process uuid NOT NULL,
    partner_id uuid NOT NULL,
    per_second double precision NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (partner_id, process)
);
CREATE INDEX request_rates_old ON request_rates (told_at);

-- migrate: rollback
