-- Which budget a refusal closes, and which calls an owner has no right to make
-- depends: 0015_chosen_budgets

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- The tighter budget that was closed last because of a call that fell under this one too, and until when it is. Another
-- one that is refused before then shows that it was this one that was meant.
ALTER TABLE budgets
    ADD COLUMN blamed_owner_id uuid,
    ADD COLUMN blamed_scope text,
    ADD COLUMN blamed_until timestamptz NOT NULL DEFAULT 'epoch';

-- Calls that the other side denies an owner. Not before `until` the next one is made, to find out whether it still does.
CREATE TABLE bars (
    owner_id uuid NOT NULL REFERENCES lane_owners ON DELETE CASCADE,
    scope text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    for_s double precision NOT NULL CHECK (for_s > 0),
    PRIMARY KEY (owner_id, scope)
);

-- migrate: rollback
