-- The connect page: browsers that may act for a fleet, consents under way, links to come back by
-- depends: 0027_orgs

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- What a browser may do for a while: for the one fleet whose invitation it answered, or for those of a mail address.
-- Its cookie has a random secret, the row that secret's SHA-256.
CREATE TABLE connect_visits (
    secret_hash bytea PRIMARY KEY,
    invitation_id uuid REFERENCES invitations,
    fleet_id uuid REFERENCES fleets,
    email text,
    expires_at timestamptz NOT NULL,
    CHECK ((invitation_id IS NULL) = (fleet_id IS NULL)),
    CHECK ((fleet_id IS NULL) <> (email IS NULL))
);
CREATE INDEX connect_visits_expires ON connect_visits (expires_at);

-- Browsers that were sent to a provider's page to consent. Only the one that was sent there can come back, once.
CREATE TABLE connect_consents (
    state_hash bytea PRIMARY KEY,
    visit_hash bytea NOT NULL REFERENCES connect_visits ON DELETE CASCADE,
    fleet_id uuid NOT NULL REFERENCES fleets,
    tsp_slug text NOT NULL,
    settings jsonb NOT NULL,
    -- Of a connection that is to log in by the consent from now on; NULL: a new one is made.
    connection_id uuid REFERENCES connections,
    expires_at timestamptz NOT NULL
);
CREATE INDEX connect_consents_visit ON connect_consents (visit_hash);

-- Links by mail. Each works once, and soon.
CREATE TABLE connect_links (
    secret_hash bytea PRIMARY KEY,
    email text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX connect_links_email ON connect_links (email, created_at);
CREATE INDEX connect_links_expires ON connect_links (expires_at);

CREATE INDEX fleets_registered_email ON fleets (lower(registered_email)) WHERE registered_email IS NOT NULL;

-- migrate: rollback

DROP INDEX fleets_registered_email;
DROP TABLE connect_links;
DROP TABLE connect_consents;
DROP TABLE connect_visits;
