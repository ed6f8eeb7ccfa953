-- Budgets that several owners share, caps on what is in flight, and limits learnt from refusals
-- depends: 0007_idempotency

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- The owner of the budgets that this one shares with others: the account at the provider that several connections use.
ALTER TABLE lane_owners ADD COLUMN account_id uuid REFERENCES lane_owners;
CREATE INDEX lane_owners_account ON lane_owners (account_id) WHERE account_id IS NOT NULL;

ALTER TABLE budgets
    -- At most so many calls at a time; NULL: any number.
    ADD COLUMN in_flight integer CHECK (in_flight > 0),
    -- The share of the limit that the provider was seen to grant, since lowered_at; it grows back with time.
    ADD COLUMN share double precision NOT NULL DEFAULT 1 CHECK (share > 0 AND share <= 1),
    ADD COLUMN lowered_at timestamptz NOT NULL DEFAULT 'epoch',
    -- Refusals in spite of our pacing, since the last one that counted anew.
    ADD COLUMN strikes integer NOT NULL DEFAULT 0,
    ADD COLUMN struck_at timestamptz NOT NULL DEFAULT 'epoch';

CREATE INDEX jobs_leased ON jobs (lane_id) WHERE lease IS NOT NULL;

-- The provider's own id of the account behind a connection.
ALTER TABLE connections ADD COLUMN account_id text;

-- migrate: rollback
