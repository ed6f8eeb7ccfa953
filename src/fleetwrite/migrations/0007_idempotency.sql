-- Keys by which a partner may submit the same write twice
-- depends: 0006_events_webhooks

-- migrate: apply

SET LOCAL lock_timeout = '5s';

CREATE TABLE idempotency_keys (
    partner_id uuid NOT NULL REFERENCES partners,
    key text NOT NULL,
    -- SHA-256 of what was asked: the same key must not stand for two different writes.
    fingerprint bytea NOT NULL,
    operation_id uuid NOT NULL REFERENCES operations ON DELETE CASCADE,
    -- Named in the first answer's header, and therefore in every later one.
    losses text[] NOT NULL,
    PRIMARY KEY (partner_id, key)
);
CREATE INDEX idempotency_keys_operation ON idempotency_keys (operation_id);

-- migrate: rollback
