-- A fleet's accounts at its providers, and what we know of the things there
-- depends: 0003_orgs_access

-- migrate: apply

SET LOCAL lock_timeout = '5s';

CREATE TABLE connections (
    id uuid PRIMARY KEY,
    fleet_id uuid NOT NULL REFERENCES fleets,
    tsp_slug text NOT NULL,
    source_name text NOT NULL,
    description text,
    status text NOT NULL CHECK (status IN ('active', 'failed', 'cancelled', 'paused', 'stale', 'deleted')),
    credentials_sealed bytea NOT NULL,
    -- What may be shown of them: names with masked values, so that a list of connections opens no seal.
    credentials_masked jsonb NOT NULL,
    -- What the connector needs to know of this account beside the login: manifest.settings says which keys.
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX connections_fleet ON connections (fleet_id);

CREATE TABLE records (
    -- uuid5 of connection, resource and source_id: the same thing keeps its id however often it is read.
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections,
    resource text NOT NULL,
    source_id text NOT NULL,
    attributes jsonb NOT NULL,
    source_data jsonb NOT NULL DEFAULT '{}',
    source_data_hash text NOT NULL CHECK (length(source_data_hash) <= 64),
    occurred_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    UNIQUE (connection_id, resource, source_id)
);
CREATE INDEX records_page ON records (resource, connection_id, created_at, id);

-- migrate: rollback
