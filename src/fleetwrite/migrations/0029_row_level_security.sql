-- Tenants are kept apart by the database too: two roles, and policies on every table
-- depends: 0028_connect

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- Roles belong to the whole cluster: another database's migration may have made them, or make them at this moment.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['fleetwrite_system', 'fleetwrite_partner'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
        IF NOT pg_has_role(wanted, 'USAGE') THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
            EXCEPTION WHEN unique_violation THEN NULL;
            END;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted AND (rolsuper OR rolbypassrls)) THEN
            RAISE EXCEPTION 'the role % passes over row level security, and must not', wanted
                USING HINT = format('An administrator runs: ALTER ROLE %I NOSUPERUSER NOBYPASSRLS', wanted);
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the database user % may not make the roles that keep partners apart. An administrator runs '
        '"CREATE ROLE fleetwrite_system NOLOGIN; CREATE ROLE fleetwrite_partner NOLOGIN" unless they are there, and '
        '"GRANT fleetwrite_system, fleetwrite_partner TO %"; then migrate again', current_user, quote_ident(current_user);
END $$;

GRANT USAGE ON SCHEMA public TO fleetwrite_system, fleetwrite_partner;

-- Whose rows fleetwrite_partner sees; NULL: nobody's. Without an argument, so that it is asked once and can be looked
-- for in an index.
CREATE FUNCTION fleetwrite_partner() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('fleetwrite.partner', true), '')::uuid;

-- What every table needs. `shown_if`: which of its rows fleetwrite_partner sees, and may write if `rights` say so; NULL:
-- no request of a partner has any business there.
CREATE FUNCTION fleetwrite_guard(guarded regclass, rights text DEFAULT NULL, shown_if text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO fleetwrite_system', guarded);
    -- The owner has that role too, or it would see nothing of its own.
    EXECUTE format('CREATE POLICY everything ON %s TO fleetwrite_system USING (true)', guarded);
    IF shown_if IS NOT NULL THEN
        EXECUTE format('GRANT %s ON %s TO fleetwrite_partner', rights, guarded);
        EXECUTE format('CREATE POLICY own ON %s TO fleetwrite_partner USING (%s)', guarded, shown_if);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION fleetwrite_guard FROM PUBLIC;

-- Nobody's secret.
SELECT fleetwrite_guard('clock_shift', 'SELECT', 'true');
SELECT fleetwrite_guard('paused_tsps', 'SELECT', 'true');

-- A partner's own.
SELECT fleetwrite_guard('partners', 'SELECT', 'id = fleetwrite_partner()');
SELECT fleetwrite_guard('partner_properties', 'SELECT, INSERT, DELETE', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('invitations', 'SELECT, INSERT, UPDATE', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('share_agreements', 'SELECT, UPDATE', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('record_refs', 'SELECT', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('operations', 'SELECT, INSERT, UPDATE', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('idempotency_keys', 'SELECT, INSERT, UPDATE', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('events', 'SELECT, INSERT', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('subscriptions', 'SELECT, INSERT, UPDATE', 'partner_id = fleetwrite_partner()');
SELECT fleetwrite_guard('stream_listeners', 'SELECT, INSERT, UPDATE', 'partner_id = fleetwrite_partner()');

-- What belongs to them. A policy's subquery is under the policies of the tables that it reads. As EXISTS it is looked up
-- for the few rows of most statements, and hashed for many.
SELECT fleetwrite_guard('attempts', 'SELECT', 'EXISTS (SELECT FROM operations o WHERE o.id = operation_id)');
SELECT fleetwrite_guard('operation_parts', 'SELECT, INSERT, UPDATE',
    'EXISTS (SELECT FROM operations o WHERE o.id = operation_id)');
SELECT fleetwrite_guard('operation_secrets', 'SELECT, INSERT, DELETE',
    'EXISTS (SELECT FROM operations o WHERE o.id = operation_id)');
SELECT fleetwrite_guard('reference_ledger', 'SELECT, INSERT',
    'EXISTS (SELECT FROM operations o WHERE o.id = operation_id)');
SELECT fleetwrite_guard('deliveries', 'SELECT, UPDATE',
    'EXISTS (SELECT FROM subscriptions s WHERE s.id = subscription_id)');
SELECT fleetwrite_guard('delivery_attempts', 'SELECT',
    'EXISTS (SELECT FROM subscriptions s WHERE s.id = subscription_id)');
SELECT fleetwrite_guard('batched_events', 'SELECT', 'EXISTS (SELECT FROM deliveries d WHERE d.id = delivery_id)');

-- A fleet, and its connections, are known to whom the fleet ever shared with: a partner's operations name them for good.
SELECT fleetwrite_guard('fleets', 'SELECT',
    'EXISTS (SELECT FROM share_agreements a WHERE a.fleet_id = fleets.id)');
-- All but the sealed credentials.
SELECT fleetwrite_guard('connections', 'SELECT (id, fleet_id, tsp_slug, source_name, description, status,
        credentials_masked, settings, created_at, updated_at, deleted_at, is_draining, account_id, emptied_at)',
    'EXISTS (SELECT FROM share_agreements a WHERE a.fleet_id = connections.fleet_id)');

-- What is there is seen while the agreement is: whether it counts now, and for what, the services know. Asked by the
-- owner of the tables, as the policies of these two, one within the other, would make each record ten times as dear.
CREATE VIEW fleetwrite_partner_connections WITH (security_barrier = true) AS
    SELECT c.id FROM connections c JOIN share_agreements a USING (fleet_id)
    WHERE a.partner_id = fleetwrite_partner() AND a.status <> 'deleted';
GRANT SELECT ON fleetwrite_partner_connections TO fleetwrite_partner;

SELECT fleetwrite_guard('records', 'SELECT',
    'EXISTS (SELECT FROM fleetwrite_partner_connections c WHERE c.id = connection_id)');
SELECT fleetwrite_guard('schedules', 'SELECT, INSERT, UPDATE',
    'EXISTS (SELECT FROM fleetwrite_partner_connections c WHERE c.id = connection_id)');
SELECT fleetwrite_guard('executions', 'SELECT', 'EXISTS (SELECT FROM schedules s WHERE s.id = schedule_id)');

-- The records of a connection of which an attribute may be one of these texts; see fleetwrite_record_keys. Under row level
-- security no index serves &&, which might tell what it compares: hence as the owner of the tables, who sees all, and with
-- a look of its own at whether a partner may ask.
-- In PL/pgSQL, which plans it once and not for each connection; and dear, so that it is called before an index is read
-- and not for each row.
CREATE FUNCTION fleetwrite_records_with(of_connection uuid, attribute text, texts text[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('role') = 'fleetwrite_partner' AND NOT EXISTS (
        SELECT FROM fleetwrite_partner_connections c WHERE c.id = of_connection
    ) THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(SELECT r.id FROM records r
        WHERE fleetwrite_record_keys(r.connection_id, r.attributes) && ARRAY(
            SELECT fleetwrite_record_key(of_connection, attribute, text) FROM unnest(texts) AS text));
END $$;

-- The machinery, which serves all partners at once: only the system is there.
SELECT fleetwrite_guard(machinery::regclass) FROM unnest(ARRAY[
    'lane_owners', 'lanes', 'budgets', 'jobs', 'bars', 'logins', 'login_sessions', 'breakers', 'restore_fences',
    'pulled_pages', 'clients', 'client_addresses', 'revoked_tokens', 'login_failures', 'request_limits',
    'request_rates', 'connect_visits', 'connect_consents', 'connect_links', 'signing_keys', 'vault_canary', 'vault_holders', 'audit_log'
]) AS machinery;
REVOKE UPDATE, DELETE ON audit_log FROM fleetwrite_system;
GRANT USAGE ON SEQUENCE event_positions TO fleetwrite_system;

-- The migrations' own notes, which every process compares with its own at its start.
SELECT fleetwrite_guard(oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND starts_with(relname, '_pogo');

-- A view shows to each what the tables beneath show to it, and not what they show to the view's owner.
ALTER VIEW shares SET (security_invoker = true);
ALTER VIEW active_shares SET (security_invoker = true);
GRANT SELECT ON shares, active_shares TO fleetwrite_system, fleetwrite_partner;

-- The start of a session is hidden from other roles than its own; the row goes when another session takes the pid.
ALTER TABLE vault_holders ALTER COLUMN backend_start DROP NOT NULL;

-- migrate: rollback
