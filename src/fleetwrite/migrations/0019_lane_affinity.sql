-- Which process last took work of a lane, and since when a budget is one process's alone
-- depends: 0018_operation_parts

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- A lane with a backlog stays with the process that has it: ten that reach for the same slot have one claim to win and
-- nine to repeat, and what each of them was late by is lost.
ALTER TABLE lanes ADD COLUMN claimed_by uuid, ADD COLUMN claimed_at timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX lanes_claimed ON lanes (claimed_by, due_at) WHERE NOT held AND claimed_by IS NOT NULL;

-- Who has had all slots for a while keeps its calls apart by itself, and may make up for being late.
ALTER TABLE budgets ADD COLUMN claimed_since timestamptz NOT NULL DEFAULT '-infinity';

-- migrate: rollback

ALTER TABLE budgets DROP COLUMN claimed_since;
DROP INDEX lanes_claimed;
ALTER TABLE lanes DROP COLUMN claimed_by, DROP COLUMN claimed_at;
