-- Fleets whose data was erased, or is to be; and what finds the data of one fleet among that of all
-- depends: 0029_row_level_security

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Outlives the fleet, hence no reference to it. It holds an id and numbers, nothing of anybody.
CREATE TABLE erasures (
    fleet_id uuid PRIMARY KEY,
    begun_at timestamptz NOT NULL,
    -- Since when nothing of the fleet is here but what its partners are still to be told.
    erased_at timestamptz,
    -- Since when nothing is.
    completed_at timestamptz,
    -- How many rows of each table were removed.
    removed jsonb NOT NULL DEFAULT '{}',
    looked_at timestamptz NOT NULL,
    CHECK (completed_at IS NULL OR erased_at IS NOT NULL)
);
CREATE INDEX erasures_open ON erasures (fleet_id) WHERE completed_at IS NULL;
SELECT fleetwrite_guard('erasures');

CREATE INDEX events_fleet ON events (fleet_id);
-- Those of invitations that nobody has accepted: no fleet is known yet.
CREATE INDEX events_fleet_unknown ON events (partner_id, fleet_ref) WHERE fleet_id IS NULL AND fleet_ref IS NOT NULL;

-- Before a record is removed, PostgreSQL looks for names that partners have for it.
CREATE INDEX record_refs_record ON record_refs (connection_id, resource, source_id);

-- migrate: rollback

DROP INDEX record_refs_record;
DROP INDEX events_fleet_unknown;
DROP INDEX events_fleet;
DROP TABLE erasures;
