-- Connections that are made and deleted by the API: what is left of a deleted one, and logins made ahead of their end
-- depends: 0019_lane_affinity

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- A deleted connection keeps its records and operations, and nothing that opens an account.
ALTER TABLE connections ALTER COLUMN credentials_sealed DROP NOT NULL,
    ADD CHECK (credentials_sealed IS NOT NULL OR status = 'deleted'),
    -- When the last of a deleted connection's work had come to its end.
    ADD COLUMN emptied_at timestamptz;
CREATE INDEX connections_to_empty ON connections (deleted_at) WHERE status = 'deleted' AND emptied_at IS NULL;

-- When to log in anew, ahead of the session's end; while somebody does, when that counts as lost.
ALTER TABLE login_sessions ADD COLUMN renew_at timestamptz NOT NULL DEFAULT 'infinity';
CREATE INDEX login_sessions_renew ON login_sessions (renew_at) WHERE renew_at < 'infinity';

-- Answers mask what the contract masks, and show the fields of its shape, no others.
UPDATE connections SET credentials_masked = credentials_masked || '{"username": "*****"}'
    WHERE tsp_slug IN ('gpsinsight', 'webfleet', 'zonar');
UPDATE connections SET credentials_masked = credentials_masked || '{"company_id": "*****"}' WHERE tsp_slug = 'zonar';
UPDATE connections SET credentials_masked = (credentials_masked - 'refresh_token') || '{"auth_code": "*****"}'
    WHERE tsp_slug = 'motive';
UPDATE connections SET credentials_masked = credentials_masked || jsonb_build_object('url', settings ->> 'base_url')
    WHERE tsp_slug IN ('samsara', 'traccar', 'wialon', 'gpsinsight') AND settings ? 'base_url';

-- migrate: rollback

DROP INDEX login_sessions_renew;
ALTER TABLE login_sessions DROP COLUMN renew_at;
DROP INDEX connections_to_empty;
ALTER TABLE connections DROP COLUMN emptied_at;
