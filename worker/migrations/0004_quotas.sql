-- What presign and complete keep besides the file itself: who pays for it, what is in it, and the
-- answers that a repeated request gets again.

-- Whether the file counts toward its scope's quota while it is pending or uploaded. An upload of
-- which nothing came by the end of its URL stops counting; a complete that finds it after all
-- makes it count again, if it still fits.
ALTER TABLE media_files ADD COLUMN charged INTEGER NOT NULL DEFAULT 1 CHECK (charged IN (0, 1));

-- Of the bytes, in small hexadecimal letters: as declared, and once uploaded, as verified.
ALTER TABLE media_files ADD COLUMN sha256 TEXT;
-- What was found where the store did not verify it itself, and since when somebody is looking.
ALTER TABLE media_files ADD COLUMN stored_sha256 TEXT;
ALTER TABLE media_files ADD COLUMN hashing_since INTEGER;

-- What the file says of itself; null where it does not.
ALTER TABLE media_files ADD COLUMN width INTEGER;          -- pixels, as it is shown
ALTER TABLE media_files ADD COLUMN height INTEGER;
ALTER TABLE media_files ADD COLUMN duration_ms INTEGER;
ALTER TABLE media_files ADD COLUMN codec TEXT;
ALTER TABLE media_files ADD COLUMN animated INTEGER CHECK (animated IN (0, 1));
ALTER TABLE media_files ADD COLUMN alpha INTEGER CHECK (alpha IN (0, 1));

-- The same bytes in the same scope, the oldest first.
CREATE INDEX media_files_by_hash ON media_files (scope, sha256, uploaded_at, id)
  WHERE status = 'uploaded' AND sha256 IS NOT NULL;

-- Reservations, by when they end.
CREATE INDEX media_files_reserved ON media_files (url_expires_at)
  WHERE status = 'pending_upload' AND charged = 1;

-- One row for each scope that ever had a file or a quota: what it may have, null where the
-- settings decide, and what it has.
--
-- What it has is kept by the triggers below and by nothing else, so that whatever changes a file's
-- status, or its size, or drops it, changes this in the same transaction and cannot forget to.
CREATE TABLE quotas (
  scope      TEXT    NOT NULL PRIMARY KEY,
  max_bytes  INTEGER CHECK (max_bytes >= 0),
  max_files  INTEGER CHECK (max_files >= 0),
  used_bytes INTEGER NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
  used_files INTEGER NOT NULL DEFAULT 0 CHECK (used_files >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO quotas (scope, used_bytes, used_files)
  SELECT scope, sum(file_size), count(*) FROM media_files
  WHERE status IN ('pending_upload', 'uploaded') GROUP BY scope;

CREATE TRIGGER media_files_charge AFTER INSERT ON media_files
WHEN NEW.charged AND NEW.status IN ('pending_upload', 'uploaded')
BEGIN
  INSERT INTO quotas (scope, used_bytes, used_files) VALUES (NEW.scope, NEW.file_size, 1)
    ON CONFLICT (scope) DO UPDATE SET
      used_bytes = used_bytes + excluded.used_bytes, used_files = used_files + 1;
END;

CREATE TRIGGER media_files_recharge AFTER UPDATE OF status, charged, file_size ON media_files
WHEN (NEW.charged AND NEW.status IN ('pending_upload', 'uploaded'))
  OR (OLD.charged AND OLD.status IN ('pending_upload', 'uploaded'))
BEGIN
  UPDATE quotas SET
    used_bytes = used_bytes
      + NEW.file_size * (NEW.charged AND NEW.status IN ('pending_upload', 'uploaded'))
      - OLD.file_size * (OLD.charged AND OLD.status IN ('pending_upload', 'uploaded')),
    used_files = used_files
      + (NEW.charged AND NEW.status IN ('pending_upload', 'uploaded'))
      - (OLD.charged AND OLD.status IN ('pending_upload', 'uploaded'))
    WHERE scope = NEW.scope;
END;

CREATE TRIGGER media_files_discharge AFTER DELETE ON media_files
WHEN OLD.charged AND OLD.status IN ('pending_upload', 'uploaded')
BEGIN
  UPDATE quotas SET used_bytes = used_bytes - OLD.file_size, used_files = used_files - 1
    WHERE scope = OLD.scope;
END;

-- What was made for a request that named itself (`Idempotency-Key`), for a day.
CREATE TABLE idempotency_keys (
  scope       TEXT    NOT NULL,                        -- whose files
  user_id     TEXT    NOT NULL,                        -- who asked
  key         TEXT    NOT NULL,
  fingerprint TEXT    NOT NULL,                        -- of what was asked
  media_id    TEXT    NOT NULL,                        -- what came of it
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (scope, user_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
