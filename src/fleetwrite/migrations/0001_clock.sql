-- The one clock: time that decides anything comes from the database
-- depends:

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- A single row, so that a test can move the clock of everything at once.
CREATE TABLE clock_shift (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    shift interval NOT NULL DEFAULT '0'
);
INSERT INTO clock_shift DEFAULT VALUES;

-- STABLE, so that it can bound an index scan; by statement, so that a long transaction does not stand still.
CREATE FUNCTION fleetwrite_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT statement_timestamp() + (SELECT shift FROM clock_shift)
$$;

-- migrate: rollback
