-- Restore fences: what was pending in a backup may have been delivered since
-- depends: 0007_idempotency

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Each restore that was fenced; the generation tells a second run from a second restore.
CREATE TABLE restore_fences (
    generation text PRIMARY KEY,
    raised_at timestamptz NOT NULL,
    fenced integer NOT NULL
);

-- NULL: no fence. 'looking': to be looked up before anything is sent. 'withheld': only the operator can say.
ALTER TABLE jobs ADD COLUMN fence text CHECK (fence IN ('looking', 'withheld'));
CREATE INDEX jobs_fence ON jobs (kind, position) WHERE fence IS NOT NULL;

-- migrate: rollback
