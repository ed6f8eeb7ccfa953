-- Logins that are refused, and hosts that fail: what is not to be called for now, and when to look again
-- depends: 0007_idempotency

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Beside being held by itself, an owner can be shut with many others, by what they all depend on: that key. A lane is
-- held when its owner is either.
ALTER TABLE lane_owners ADD COLUMN shut_by text;
CREATE INDEX lane_owners_shut ON lane_owners (shut_by) WHERE shut_by IS NOT NULL;

-- What attempts and probes told about the login of a connection.
CREATE TABLE logins (
    connection_id uuid PRIMARY KEY REFERENCES connections ON DELETE CASCADE,
    host text NOT NULL,
    -- A call under this login came through; noted twice a minute at most.
    accepted_at timestamptz,
    -- Since when no call came through; NULL while the login works.
    refused_since timestamptz,
    -- Set while the connection is parked: when to try the login by a read. While a probe is under way: when it counts
    -- as lost.
    probe_at timestamptz,
    -- Probes since the last write that came through: each doubles the interval.
    probes integer NOT NULL DEFAULT 0,
    CHECK (probe_at IS NULL OR refused_since IS NOT NULL)
) WITH (fillfactor = 80); -- updated in place
CREATE INDEX logins_host ON logins (host);
CREATE INDEX logins_probe ON logins (probe_at) WHERE probe_at IS NOT NULL;

-- One row a host that ever failed. Open: nothing is sent there but probes.
CREATE TABLE breakers (
    host text PRIMARY KEY,
    tsp_slug text NOT NULL,
    -- The different operations that failed there one after the other, none succeeding in between.
    failed_operations uuid[] NOT NULL DEFAULT '{}',
    opened_at timestamptz,
    cause text CHECK (cause IN ('failures', 'logins')),
    closed_at timestamptz,
    probe_at timestamptz,
    probes integer NOT NULL DEFAULT 0,
    CHECK ((opened_at IS NULL) = (probe_at IS NULL) AND (opened_at IS NULL) = (cause IS NULL))
);
CREATE INDEX breakers_probe ON breakers (probe_at) WHERE probe_at IS NOT NULL;

-- migrate: rollback
