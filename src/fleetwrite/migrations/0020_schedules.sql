-- Pulls: schedules by which records are kept in step, their executions, and what writes told beside the lists
-- depends: 0019_lane_affinity

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- The id is that of its job, which is there while it is active.
CREATE TABLE schedules (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections,
    resource text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'inactive', 'paused', 'deleted')),
    execution_interval_seconds integer NOT NULL CHECK (execution_interval_seconds > 0),
    consecutive_error_count integer NOT NULL CHECK (consecutive_error_count >= 0),
    consecutive_error_threshold integer NOT NULL CHECK (consecutive_error_threshold > 0),
    max_concurrent_executions integer NOT NULL CHECK (max_concurrent_executions > 0),
    -- Where the next execution begins; NULL: at the beginning of the list.
    cursor text,
    last_data_at timestamptz,
    next_execution_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX schedules_once ON schedules (connection_id, resource) WHERE status <> 'deleted';
CREATE INDEX schedules_page ON schedules (connection_id, created_at, id);

CREATE TABLE executions (
    id uuid PRIMARY KEY,
    schedule_id uuid NOT NULL REFERENCES schedules,
    status text NOT NULL CHECK (status IN ('pending', 'success', 'failed')),
    -- It reads the whole list, so that at its end what it did not see is gone.
    is_whole boolean NOT NULL,
    -- Behind the last page that was stored; NULL: there is none yet.
    cursor text,
    -- Something on its pages was left alone, as it had just been written: to be read once more.
    left_some boolean NOT NULL DEFAULT false,
    pages integer NOT NULL DEFAULT 0,
    -- How often one after the other the next page could not be read.
    failures integer NOT NULL DEFAULT 0,
    response jsonb CHECK (response IS NULL OR status = 'failed'),
    last_data_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX executions_pending ON executions (schedule_id) WHERE status = 'pending';
CREATE INDEX executions_page ON executions (schedule_id, created_at, id);

-- What an execution that is under way has seen. A row for each page: one for each record would be written over and over.
CREATE TABLE pulled_pages (
    execution_id uuid NOT NULL REFERENCES executions ON DELETE CASCADE,
    page integer NOT NULL,
    source_ids text[] NOT NULL,
    PRIMARY KEY (execution_id, page)
);

ALTER TABLE records
    -- When a write was stored last: a list that was read before that knows less.
    ADD COLUMN written_at timestamptz,
    -- Those of the attributes that writes told and no list has shown since. A list replaces all others.
    ADD COLUMN unlisted jsonb NOT NULL DEFAULT '{}',
    -- The last whole reading did not show it, and may have missed it.
    ADD COLUMN is_missed boolean NOT NULL DEFAULT false;

-- The scopes of the call that a leased job makes now, where its lane does not say them: it counts as in flight by these.
ALTER TABLE jobs ADD COLUMN calling text[] NOT NULL DEFAULT '{}';

-- One object without the keys of another.
CREATE FUNCTION fleetwrite_without(of jsonb, keys_of jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN of = '{}' THEN of ELSE of - ARRAY(SELECT jsonb_object_keys(keys_of)) END;

-- migrate: rollback
