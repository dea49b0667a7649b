-- What the Worker has to look up of a token that names itself (`jti`). Instants are milliseconds
-- since 1970.

-- The tokens that open nothing any more, by the scope whose files they were for. A token is signed
-- without the database, here or by the application, so a row is the first that is heard of it.
CREATE TABLE revoked_tokens (
  scope      TEXT    NOT NULL CHECK (scope GLOB '[tu]:?*'),
  jti        TEXT    NOT NULL,
  revoked_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,                          -- from then on it is dead anyhow
  PRIMARY KEY (scope, jti)
) STRICT, WITHOUT ROWID;

CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);

-- Files of one scope that a token opens together (`set`). What is in a set never changes.
CREATE TABLE media_sets (
  scope      TEXT    NOT NULL CHECK (scope GLOB '[tu]:?*'),
  id         TEXT    NOT NULL,
  members    TEXT    NOT NULL CHECK (json_valid(members)),  -- a JSON array of keys
  created_by TEXT    NOT NULL,                          -- a user's id
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,                          -- when its token is dead
  PRIMARY KEY (scope, id)
) STRICT;

CREATE INDEX media_sets_by_end ON media_sets (expires_at);
