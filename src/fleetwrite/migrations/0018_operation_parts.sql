-- Group messages whose provider takes a message for one recipient only: a part for each
-- depends: 0017_record_reading

-- migrate: apply

SET LOCAL lock_timeout = '5s';

CREATE TABLE operation_parts (
    operation_id uuid NOT NULL REFERENCES operations ON DELETE CASCADE,
    -- Of the recipient in the body's list.
    position integer NOT NULL,
    recipient_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'sending', 'done', 'failed', 'unknown')),
    attempts integer NOT NULL CHECK (attempts >= 0),
    -- No attempt that may have reached the provider was begun earlier.
    begun_at timestamptz,
    source_id text,
    details text,
    PRIMARY KEY (operation_id, position),
    CHECK (state <> 'sending' OR begun_at IS NOT NULL),
    CHECK ((state = 'done') = (source_id IS NOT NULL))
);

-- migrate: rollback
