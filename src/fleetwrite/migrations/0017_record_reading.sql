-- Records: read in several orders, found by what partners know them by, and with ids that partners bring
-- depends: 0016_budget_closing

-- migrate: apply

SET LOCAL lock_timeout = '5s';

UPDATE records SET occurred_at = created_at WHERE occurred_at IS NULL;

ALTER TABLE records
    ALTER COLUMN occurred_at SET NOT NULL,
    -- An id that somebody brought for what was never met yet; such a row is not at the provider as far as we know.
    ADD COLUMN is_reserved boolean NOT NULL DEFAULT false CHECK (NOT is_reserved OR deleted_at IS NOT NULL);

-- What writes told so far stands there as in their bodies, with our ids and units of all kinds.
DO $$
DECLARE
    field text;
BEGIN
    FOREACH field IN ARRAY ARRAY['sender_id', 'recipient_id', 'reply_to_message_id', 'driver_id', 'vehicle_id',
        'trailer_id', 'co_driver_id']
    LOOP
        UPDATE records r
        SET attributes = (r.attributes - field) || jsonb_build_object('source_' || field, t.source_id)
        FROM records t
        WHERE r.resource IN ('message', 'group_message', 'dvir_log', 'fuel_transaction')
            AND t.id::text = r.attributes ->> field;
    END LOOP;
END $$;

UPDATE records r
SET attributes = (r.attributes - 'recipient_ids') || jsonb_build_object('source_recipient_ids', (
    SELECT jsonb_agg(t.source_id ORDER BY one.place)
    FROM jsonb_array_elements_text(r.attributes -> 'recipient_ids') WITH ORDINALITY AS one (id, place)
        JOIN records t ON t.id::text = one.id))
WHERE r.resource = 'group_message' AND r.attributes ? 'recipient_ids';

UPDATE records
SET attributes = jsonb_build_object('status', 'sent') || attributes
WHERE resource IN ('message', 'group_message');

UPDATE records
SET occurred_at = coalesce((attributes ->> 'occurred_at')::timestamptz,
        (attributes ->> 'transaction_time')::timestamptz, occurred_at),
    attributes = (attributes - ARRAY['occurred_at', 'transaction_time', 'odometer', 'odometer_unit', 'fuel_volume',
        'fuel_volume_unit', 'latitude', 'longitude', 'total_cost'])
    || jsonb_strip_nulls(jsonb_build_object(
        'odometer', (attributes ->> 'odometer')::numeric * CASE attributes ->> 'odometer_unit'
            WHEN 'meters' THEN 1 WHEN 'kilo_meters' THEN 1000 WHEN 'miles' THEN 1609.344 END,
        'fuel_volume', (attributes ->> 'fuel_volume')::numeric * CASE attributes ->> 'fuel_volume_unit'
            WHEN 'CUBIC_METER' THEN 1 WHEN 'LITER' THEN 0.001 WHEN 'US_GALLON' THEN 0.003785411784
            WHEN 'IMPERIAL_GALLON' THEN 0.00454609 END,
        'location', CASE WHEN attributes ?& ARRAY['latitude', 'longitude'] THEN jsonb_build_object(
            'type', 'Point', 'coordinates', jsonb_build_array(attributes -> 'longitude', attributes -> 'latitude')) END,
        'total_cost', attributes ->> 'total_cost'))
WHERE resource IN ('dvir_log', 'fuel_transaction');

-- The orders in which lists are read; records_page has that of created_at, the UNIQUE constraint that of source_id.
CREATE INDEX records_occurred ON records (connection_id, resource, occurred_at, id) WHERE deleted_at IS NULL;
CREATE INDEX records_updated ON records (connection_id, resource, updated_at, id) WHERE deleted_at IS NULL;

-- What a record is found by, with the connection in it: many accounts have a driver 1. Folded, and cut to what an index
-- can hold, so that a look at the attribute itself has to follow.
CREATE FUNCTION fleetwrite_record_key(connection_id uuid, name text, value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN connection_id::text || ' ' || name || ' ' || lower(left(value, 200));

CREATE FUNCTION fleetwrite_record_keys(connection_id uuid, attributes jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_remove(ARRAY[
        fleetwrite_record_key(connection_id, 'vin', attributes ->> 'vin'),
        fleetwrite_record_key(connection_id, 'license_plate_number', attributes ->> 'license_plate_number'),
        fleetwrite_record_key(connection_id, 'eld_serial_number', attributes ->> 'eld_serial_number'),
        fleetwrite_record_key(connection_id, 'external_id', attributes ->> 'external_id'),
        fleetwrite_record_key(connection_id, 'employee_number', attributes ->> 'employee_number'),
        fleetwrite_record_key(connection_id, 'username', attributes ->> 'username'),
        fleetwrite_record_key(connection_id, 'user_email', attributes ->> 'user_email'),
        fleetwrite_record_key(connection_id, 'source_sender_id', attributes ->> 'source_sender_id'),
        fleetwrite_record_key(connection_id, 'source_recipient_id', attributes ->> 'source_recipient_id'),
        fleetwrite_record_key(connection_id, 'source_driver_id', attributes ->> 'source_driver_id'),
        fleetwrite_record_key(connection_id, 'source_vehicle_id', attributes ->> 'source_vehicle_id'),
        fleetwrite_record_key(connection_id, 'source_group_id', attributes ->> 'source_group_id'),
        fleetwrite_record_key(connection_id, 'group_id', attributes ->> 'group_id')
    ], NULL);

-- Without a list of pending entries: nobody has to wait while that is worked off.
CREATE INDEX records_keys ON records USING gin (fleetwrite_record_keys(connection_id, attributes))
    WITH (fastupdate = off);

-- A partner's own names of records. By the provider's id and not ours, which an import may change.
CREATE TABLE record_refs (
    partner_id uuid NOT NULL REFERENCES partners,
    connection_id uuid NOT NULL,
    resource text NOT NULL,
    source_id text NOT NULL,
    record_ref text NOT NULL CHECK (record_ref <> ''),
    PRIMARY KEY (partner_id, connection_id, resource, source_id),
    UNIQUE (partner_id, record_ref, connection_id, resource),
    FOREIGN KEY (connection_id, resource, source_id) REFERENCES records (connection_id, resource, source_id)
);

-- migrate: rollback
