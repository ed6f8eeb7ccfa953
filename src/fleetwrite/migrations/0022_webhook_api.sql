-- The secret that a subscription had before, the order in which streams tell events, and who listens
-- depends: 0021_deliveries

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Signs beside the new one until then, and is destroyed.
ALTER TABLE subscriptions ADD COLUMN old_secret_sealed bytea, ADD COLUMN old_secret_until timestamptz,
    ADD CHECK ((old_secret_sealed IS NULL) = (old_secret_until IS NULL));
CREATE INDEX subscriptions_old_secret ON subscriptions (old_secret_until) WHERE old_secret_until IS NOT NULL;

-- Given out when an event is handed on, by one transaction at a time: who has read up to a position has missed nothing
-- below it. Events that were handed on before this column was there have none, and are in no stream.
CREATE SEQUENCE event_positions;
ALTER TABLE events ADD COLUMN position bigint;
CREATE INDEX events_stream ON events (partner_id, position) WHERE position IS NOT NULL;

-- Events of records are written only for who wants to hear of them: by a subscription, or by a stream in the last days.
CREATE TABLE stream_listeners (
    partner_id uuid NOT NULL REFERENCES partners,
    event_name text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (partner_id, event_name)
);

-- migrate: rollback

DROP TABLE stream_listeners;
DROP INDEX events_stream;
ALTER TABLE events DROP COLUMN position;
DROP SEQUENCE event_positions;
DROP INDEX subscriptions_old_secret;
ALTER TABLE subscriptions DROP COLUMN old_secret_sealed, DROP COLUMN old_secret_until;
