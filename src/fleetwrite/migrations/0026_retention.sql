-- References outlive the operations that used them, and events go after their deliveries
-- depends: 0025_audit

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- A provider takes a reference once for all, whether or not we still keep the operation that carried it.
ALTER TABLE reference_ledger DROP CONSTRAINT reference_ledger_operation_id_fkey;

-- Which deliveries an event has is asked before it is removed.
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX batched_events_event ON batched_events (event_id);

-- migrate: rollback
