-- What logging in to a provider gave, shared by all processes; and writes that take several calls
-- depends: 0013_budget_claims

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- One row for each connection whose provider has sessions or access tokens. All processes share it: a provider counts
-- logins, and some end the session before when a new one begins.
CREATE TABLE login_sessions (
    connection_id uuid PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    -- Counts the logins. Who finds a session refused asks for a later one, so that many ask for the same next one.
    generation bigint NOT NULL DEFAULT 0,
    sealed bytea,
    expires_at timestamptz NOT NULL DEFAULT 'infinity',
    -- Whoever logs in now, and until when nobody else does.
    claimed_by uuid,
    claimed_until timestamptz NOT NULL DEFAULT '-infinity',
    -- When the provider last refused the credentials: for a while nobody tries again, as providers lock accounts out.
    refused_at timestamptz,
    refusal text,
    refusal_status integer
);

-- The id at the provider of what a create made there and could not complete yet: the next attempt makes no second one.
ALTER TABLE operations ADD COLUMN made_source_id text;

-- migrate: rollback

ALTER TABLE operations DROP COLUMN made_source_id;
DROP TABLE login_sessions;
