-- Who did what to what, when and from where
-- depends: 0024_access

-- migrate: apply

SET LOCAL lock_timeout = '5s';

CREATE TABLE audit_log (
    -- Without gaps, so that what was taken out is missed.
    id bigint PRIMARY KEY CHECK (id > 0),
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor text NOT NULL,
    partner_id uuid,
    address text NOT NULL,
    request_id text NOT NULL,
    deed text NOT NULL,
    object_id text NOT NULL,
    -- JSON as it was hashed, to the byte; hence no jsonb.
    details text NOT NULL,
    -- Each entry is chained to the one before: who changes one has to change all that follow.
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX audit_log_at ON audit_log (at);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever appended to' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- migrate: rollback
