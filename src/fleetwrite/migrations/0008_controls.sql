-- What people say of accepted work: when, how urgent, not at all, once more
-- depends: 0007_idempotency

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- 0 is taken first. Few values, as a claim looks into the range of each.
ALTER TABLE jobs ADD COLUMN priority smallint NOT NULL DEFAULT 2 CHECK (priority BETWEEN 0 AND 3);
-- Kept for a job that is parked: due_at then says nothing of it.
ALTER TABLE jobs ADD COLUMN not_before timestamptz;

-- Priority comes before time: an urgent job must not wait behind 100,000 others that became due before it.
CREATE INDEX jobs_claim ON jobs (lane_id, priority, due_at, position);
DROP INDEX jobs_due;

-- The stable code of what it ended with, where that is not success.
ALTER TABLE operations ADD COLUMN outcome text CHECK (outcome IS NULL OR status = 'failed');
UPDATE operations o SET outcome = split_part(
    (SELECT error_details FROM attempts a WHERE a.operation_id = o.id ORDER BY a.id DESC LIMIT 1), ':', 1)
WHERE status = 'failed';
CREATE INDEX operations_failed ON operations (partner_id, created_at, id) WHERE status = 'failed';
CREATE INDEX operations_record ON operations (resource_id, id) WHERE resource_id IS NOT NULL;

-- A failed operation may be tried anew.
DROP TRIGGER operations_status ON operations;
CREATE TRIGGER operations_status BEFORE UPDATE OF status ON operations FOR EACH ROW
    WHEN (OLD.status <> 'pending' AND NOT (OLD.status = 'failed' AND NEW.status = 'pending'))
    EXECUTE FUNCTION operations_guard_status();

-- A connection that takes no new writes, but delivers those it has.
ALTER TABLE connections ADD COLUMN is_draining boolean NOT NULL DEFAULT false;

-- Providers to which the operator sends nothing for now.
CREATE TABLE paused_tsps (
    slug text PRIMARY KEY,
    paused_at timestamptz NOT NULL
);

-- migrate: rollback
