-- Which process handed out a budget's last slot
-- depends: 0012_shared_budgets

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- A process that is alone with a budget can make up for a late call by itself; one that shares it needs a new slot.
ALTER TABLE budgets ADD COLUMN claimed_by uuid;

-- migrate: rollback
