-- Requests that name themselves (`Idempotency-Key`), of any call.
--
-- A name is its call's own, so the call belongs to the key, and a key is changed by copying the
-- table. The columns of before keep their names, and the new ones have defaults, so that the
-- version before goes on working on this table: while it is being replaced, and after a rollback.
CREATE TABLE named_requests (
  scope         TEXT    NOT NULL,                      -- whose files
  user_id       TEXT    NOT NULL,                      -- who asked
  call          TEXT    NOT NULL DEFAULT 'presign',    -- for what
  key           TEXT    NOT NULL,
  fingerprint   TEXT    NOT NULL,                      -- of what was asked
  media_id      TEXT    NOT NULL,                      -- what comes of it: a file, or a token
  created_at    INTEGER NOT NULL,
  forgotten_at  INTEGER,                               -- NULL: a day after it was created
  running_until INTEGER NOT NULL DEFAULT 0,            -- until then nobody else makes it
  PRIMARY KEY (scope, user_id, call, key)
) STRICT, WITHOUT ROWID;

INSERT INTO named_requests (scope, user_id, key, fingerprint, media_id, created_at)
  SELECT scope, user_id, key, fingerprint, media_id, created_at FROM idempotency_keys;

DROP TABLE idempotency_keys;
ALTER TABLE named_requests RENAME TO idempotency_keys;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
