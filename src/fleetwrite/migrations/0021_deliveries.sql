-- Deliveries that carry several events, logs by subscription, dead letters that go out again, probes of what is stale
-- depends: 0020_schedules

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Set while a subscription is stale: when one of its deliveries tries whether the receiver is back.
ALTER TABLE subscriptions ADD COLUMN probe_at timestamptz;
CREATE INDEX subscriptions_probe ON subscriptions (probe_at) WHERE status = 'stale';

ALTER TABLE deliveries
    -- By which the receiver knows repeats: the event's id, or one of its own where several events share the delivery.
    ADD COLUMN message_id uuid,
    ADD COLUMN event_count integer NOT NULL DEFAULT 1,
    -- Of the data of all its events as JSON text, where more of them may join.
    ADD COLUMN size_bytes integer NOT NULL DEFAULT 0,
    -- Attempts made before it went out again as a dead letter: they count on in its headers.
    ADD COLUMN earlier_attempts integer NOT NULL DEFAULT 0,
    -- Since when it is tried: since its fan-out, or since it went out again.
    ADD COLUMN enqueued_at timestamptz;
UPDATE deliveries SET message_id = event_id, enqueued_at = created_at;
ALTER TABLE deliveries ALTER COLUMN message_id SET NOT NULL, ALTER COLUMN enqueued_at SET NOT NULL;
CREATE INDEX deliveries_pending ON deliveries (subscription_id, id) WHERE status = 'pending';
CREATE INDEX deliveries_dead ON deliveries (subscription_id, id) WHERE status = 'failed';

-- The events of a delivery after its first one.
CREATE TABLE batched_events (
    delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    event_id uuid NOT NULL REFERENCES events,
    PRIMARY KEY (delivery_id, event_id)
);

ALTER TABLE delivery_attempts
    ADD COLUMN subscription_id uuid,
    -- Whether the breaker goes by it: a failure that a fast retry follows does not count.
    ADD COLUMN counts boolean NOT NULL DEFAULT true;
UPDATE delivery_attempts SET subscription_id = deliveries.subscription_id FROM deliveries
WHERE deliveries.id = delivery_id;
ALTER TABLE delivery_attempts ALTER COLUMN subscription_id SET NOT NULL;
CREATE INDEX delivery_attempts_log ON delivery_attempts (subscription_id, created_at, id);

-- migrate: rollback
