-- Which limits somebody chose for a connection, so that those of all others follow manifest and settings
-- depends: 0014_login_sessions

-- migrate: apply

SET LOCAL lock_timeout = '5s';

ALTER TABLE budgets ADD COLUMN chosen boolean NOT NULL DEFAULT false;
-- Nobody can tell any more where the limits came from that are there, and a choice must not get lost.
UPDATE budgets SET chosen = true;

-- migrate: rollback
