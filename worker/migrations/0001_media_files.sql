-- What exists: one row for each file, from the moment an upload for it was signed.
--
-- The row comes before the bytes and outlives them: no object is in the bucket without a row
-- that knows it, and a deleted file's row answers 410 for a while. Instants are milliseconds
-- since 1970.
CREATE TABLE media_files (
  id             TEXT    NOT NULL PRIMARY KEY,           -- media_{nanoid}
  scope          TEXT    NOT NULL CHECK (scope GLOB '[tu]:?*'),  -- t:{tenantId} or u:{userId}
  key            TEXT    NOT NULL UNIQUE,                -- the object's key in the bucket
  service_code   TEXT    NOT NULL,
  album          TEXT,
  file_name      TEXT    NOT NULL,
  mime_type      TEXT    NOT NULL,
  file_size      INTEGER NOT NULL CHECK (file_size > 0),
  status         TEXT    NOT NULL DEFAULT 'pending_upload'
                 CHECK (status IN ('pending_upload', 'uploaded', 'rejected', 'expired', 'deleting', 'gone')),
  visibility     TEXT    NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public')),
  managed_by     TEXT,                                   -- the shim that alone may delete it
  uploaded_by    TEXT    NOT NULL,                       -- a user's id
  etag           TEXT,                                   -- of the stored object, quoted
  url_expires_at INTEGER NOT NULL,                       -- when the upload URL dies
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL,
  uploaded_at    INTEGER,
  CHECK ((status = 'pending_upload') <= (uploaded_at IS NULL)),
  CHECK ((status = 'uploaded') <= (uploaded_at IS NOT NULL AND etag IS NOT NULL))
) STRICT;

-- A scope's files, newest first.
CREATE INDEX media_files_by_scope ON media_files (scope, created_at DESC, id DESC);

-- What the cron looks at. Uploaded files are not in it, so its size does not grow with theirs.
CREATE INDEX media_files_unsettled ON media_files (status, updated_at)
  WHERE status <> 'uploaded';
