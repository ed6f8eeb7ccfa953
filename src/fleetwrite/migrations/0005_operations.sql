-- Resource operations: what was asked, what was tried, what became of it
-- depends: 0004_connections_records

-- migrate: apply

SET LOCAL lock_timeout = '5s';

CREATE TABLE operations (
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    connection_id uuid NOT NULL REFERENCES connections,
    resource text NOT NULL,
    operation_type text NOT NULL CHECK (operation_type IN ('create', 'update')),
    resource_id uuid,
    source_id text,
    payload jsonb NOT NULL,
    -- How the partner wants it done (headers), and what was decided at accept; never shown as payload.
    directives jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'success', 'failed')),
    is_sync boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    settled_at timestamptz,
    CHECK ((status = 'pending') = (settled_at IS NULL)),
    CHECK (status <> 'success' OR (resource_id IS NOT NULL AND source_id IS NOT NULL)),
    CHECK (operation_type = 'create' OR (resource_id IS NOT NULL AND source_id IS NOT NULL)),
    CHECK (operation_type = 'update' OR status = 'success' OR (resource_id IS NULL AND source_id IS NULL))
);
CREATE INDEX operations_partner ON operations (partner_id, created_at, id);
CREATE INDEX operations_connection ON operations (connection_id, created_at, id);
CREATE INDEX operations_source ON operations (connection_id, resource, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX operations_pending ON operations (partner_id) WHERE status = 'pending';

-- Only pending may change, and only to an end.
CREATE FUNCTION operations_guard_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'operation % is % and can not become %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER operations_status BEFORE UPDATE OF status ON operations FOR EACH ROW
    WHEN (OLD.status <> 'pending') EXECUTE FUNCTION operations_guard_status();

-- One row an attempt that came to an end: a log entry on the wire.
CREATE TABLE attempts (
    id uuid PRIMARY KEY,
    operation_id uuid NOT NULL REFERENCES operations ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('success', 'failed')),
    error_type text CHECK (error_type IN ('auth', 'validation', 'network', 'tsp')),
    error_details text,
    response_status_code integer,
    response_headers jsonb,
    CHECK ((status = 'success') = (error_type IS NULL))
);
CREATE INDEX attempts_operation ON attempts (operation_id, id);

-- References a provider takes only once and never gives back, so that none is sent twice.
CREATE TABLE reference_ledger (
    connection_id uuid NOT NULL REFERENCES connections,
    reference text NOT NULL,
    operation_id uuid NOT NULL REFERENCES operations ON DELETE CASCADE,
    PRIMARY KEY (connection_id, reference)
);
CREATE INDEX reference_ledger_operation ON reference_ledger (operation_id);

-- What we made up for the partner (a driver's password): sealed until collected once.
CREATE TABLE operation_secrets (
    operation_id uuid PRIMARY KEY REFERENCES operations ON DELETE CASCADE,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- migrate: rollback
