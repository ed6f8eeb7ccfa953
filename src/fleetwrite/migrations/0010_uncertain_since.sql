-- Since when an attempt may have reached the other side, and which operations may be mistaken for one another there
-- depends: 0006_events_webhooks

-- migrate: apply

SET LOCAL lock_timeout = '5s';

-- When the first attempt was claimed whose outcome is not known; set with every claim that follows no such attempt.
ALTER TABLE jobs ADD COLUMN uncertain_since timestamptz;

-- What is uncertain already can not have been begun before it was accepted.
UPDATE jobs SET uncertain_since = operations.created_at FROM operations
WHERE operations.id = jobs.id AND (jobs.uncertain OR jobs.lease IS NOT NULL);

-- Nothing of ours marks these at the provider: what they say must tell them apart.
CREATE INDEX operations_alike ON operations
    (connection_id, md5(btrim(regexp_replace(COALESCE(payload ->> 'message_text', ''), '\s+', ' ', 'g'))))
    WHERE resource IN ('message', 'group_message', 'dvir_log');

-- migrate: rollback
