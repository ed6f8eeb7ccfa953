-- Invitations, levels of sharing, and what is kept of partners and fleets
-- depends: 0019_lane_affinity

-- migrate: apply

SET LOCAL lock_timeout = '5s';

ALTER TABLE partners
    ADD COLUMN description text,
    ADD COLUMN websites text[],
    ADD COLUMN categories text[] NOT NULL DEFAULT '{}',
    ADD COLUMN is_sandbox boolean NOT NULL DEFAULT false,
    ADD COLUMN parent_partner_id uuid REFERENCES partners,
    -- Whoever runs this installation: one row, whose clients administer and share in nothing.
    ADD COLUMN is_operator boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX partners_operator ON partners (is_operator) WHERE is_operator;

CREATE TABLE partner_properties (
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    key text NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (partner_id, key)
);

ALTER TABLE fleets
    ADD COLUMN websites text[],
    ADD COLUMN regulatory_id text,
    ADD COLUMN regulatory_id_type text,
    ADD COLUMN registered_email text,
    ADD COLUMN registered_phone text,
    ADD COLUMN country_code text;

CREATE TABLE invitations (
    -- The secret of the magic link, hence wholly random.
    id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES partners,
    fleet_ref text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'accepted', 'declined', 'expired', 'deleted')),
    -- Whether the link still leads somewhere: it works once, until the partner invites again.
    is_open boolean NOT NULL DEFAULT true,
    fleet_name text,
    fleet_email text,
    fleet_regulatory_id text,
    fleet_regulatory_id_type text,
    fleet_phone text,
    fleet_website text,
    fleet_country_code text,
    success_redirect_url text,
    failure_redirect_url text,
    callback_url text,
    limit_tsps text[],
    permissions jsonb NOT NULL,
    expires_in_hours integer NOT NULL,
    expires_at timestamptz NOT NULL,
    viewed_at timestamptz,
    accepted_at timestamptz,
    declined_at timestamptz,
    decline_reason text,
    fleet_id uuid REFERENCES fleets,
    -- SHA-256 of the token that lets the fleet connect, once.
    connect_token_hash bytea UNIQUE,
    connect_token_expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX invitations_once ON invitations (partner_id, fleet_ref)
    WHERE status IN ('active', 'accepted', 'declined');
CREATE INDEX invitations_page ON invitations (partner_id, created_at, id);
CREATE INDEX invitations_lapsing ON invitations (expires_at) WHERE status = 'active';

-- What ended is kept beside what took its place.
ALTER TABLE share_agreements
    DROP CONSTRAINT share_agreements_partner_id_fleet_ref_key,
    DROP CONSTRAINT share_agreements_partner_id_fleet_id_key,
    ADD COLUMN invitation_id uuid REFERENCES invitations,
    -- Who shut it off: a partner must not switch on again what a fleet switched off.
    ADD COLUMN paused_by text CHECK (paused_by IN ('partner', 'fleet', 'operator'));
CREATE UNIQUE INDEX share_agreements_once_by_ref ON share_agreements (partner_id, fleet_ref)
    WHERE status NOT IN ('cancelled', 'deleted');
CREATE UNIQUE INDEX share_agreements_once ON share_agreements (partner_id, fleet_id) WHERE status <> 'deleted';
CREATE INDEX share_agreements_page ON share_agreements (partner_id, created_at, id);
CREATE INDEX share_agreements_lapsing ON share_agreements (expires_at) WHERE status IN ('active', 'paused');

-- The contract's agreements do not know group messages: the level of messages is theirs.
UPDATE share_agreements SET scopes = scopes - 'group_message';

-- What a status has come to by now, also before anybody wrote it down.
CREATE FUNCTION fleetwrite_status_now(status text, expires_at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN status IN ('active', 'paused') AND expires_at <= fleetwrite_now() THEN 'expired' ELSE status END;

-- Every agreement that was not deleted: one at most of a partner with a fleet. `counts` is the one place that says when
-- one does; `levels` has what is shared by resource, group messages included.
CREATE VIEW shares AS
    SELECT id AS agreement_id, partner_id, fleet_id, fleet_ref,
        fleetwrite_status_now(status, expires_at) AS status,
        effective_at,
        -- As a subquery the clock is read once a statement and not once a row.
        status = 'active' AND effective_at <= (SELECT fleetwrite_now())
            AND (expires_at IS NULL OR expires_at > (SELECT fleetwrite_now())) AS counts,
        scopes || jsonb_strip_nulls(jsonb_build_object('group_message', scopes -> 'message')) AS levels
    FROM share_agreements WHERE status <> 'deleted';

CREATE OR REPLACE VIEW active_shares AS
    SELECT partner_id, fleet_id, fleet_ref, levels FROM shares WHERE counts;

-- migrate: rollback
