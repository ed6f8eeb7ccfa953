-- Lanes, budgets and jobs: what is due, at what pace, and who has it
-- depends: 0001_clock

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Whoever lanes belong to: a connection, or a webhook subscription. Held owners accept work and send none.
CREATE TABLE lane_owners (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    held boolean NOT NULL DEFAULT false
);

-- What is paced together: the jobs of one owner that fall under the same budgets.
CREATE TABLE lanes (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL REFERENCES lane_owners ON DELETE CASCADE,
    kind text NOT NULL,
    scopes text[] NOT NULL,
    held boolean NOT NULL,
    -- The earliest instant at which a claim may find something; 'infinity' when there is nothing to wait for.
    due_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE INDEX lanes_due ON lanes (kind, due_at) WHERE NOT held;
CREATE INDEX lanes_owner ON lanes (owner_id);

-- A limit of the other side, as GCRA state. requests NULL: no limit, but it can still be closed until an instant.
CREATE TABLE budgets (
    owner_id uuid NOT NULL REFERENCES lane_owners ON DELETE CASCADE,
    scope text NOT NULL,
    requests integer CHECK (requests > 0),
    per_seconds double precision CHECK (per_seconds > 0),
    -- The theoretical arrival time: the next call may not start before it.
    next_at timestamptz NOT NULL DEFAULT 'epoch',
    closed_until timestamptz NOT NULL DEFAULT 'epoch',
    PRIMARY KEY (owner_id, scope),
    CHECK ((requests IS NULL) = (per_seconds IS NULL))
) WITH (fillfactor = 50); -- updated with every claim: room for HOT updates

-- One piece of work; its id is the operation's or the delivery's. Gone when it reached its end.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    lane_id uuid NOT NULL REFERENCES lanes ON DELETE CASCADE,
    owner_id uuid NOT NULL,
    kind text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    -- Jobs of one owner with the same key run one after the other, in the order accepted.
    order_key text,
    -- When it may be claimed. While leased: when the lease ends. 'infinity': behind another with its order_key.
    due_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    single_attempt boolean NOT NULL DEFAULT false,
    -- The claim that holds it. Still there when the lease has ended: that attempt never reported.
    lease uuid,
    -- An earlier attempt may have reached the other side: look before sending again.
    uncertain boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02); -- a queue: much is updated, all is deleted
CREATE INDEX jobs_due ON jobs (lane_id, due_at, position);
CREATE INDEX jobs_order ON jobs (owner_id, order_key, position) WHERE order_key IS NOT NULL;
CREATE INDEX jobs_expiry ON jobs (kind, expires_at);

-- migrate: rollback
