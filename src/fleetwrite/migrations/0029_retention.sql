-- References outlive the operations that used them
-- depends: 0019_lane_affinity

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- A provider takes a reference once for all, whether or not we still keep the operation that carried it.
ALTER TABLE reference_ledger DROP CONSTRAINT reference_ledger_operation_id_fkey;

-- migrate: rollback
