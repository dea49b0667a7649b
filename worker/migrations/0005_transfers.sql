-- Files on their way in, in parts or in a stream: what has arrived of each.
--
-- A transfer fills one pending row of media_files, in one way; nothing else may fill that row while
-- the transfer is there. What it keeps beside the file's own key are two small objects at most,
-- incoming/{id}/a and incoming/{id}/b, so that whoever removes the row knows what to remove.
-- Instants are milliseconds since 1970, sizes are bytes.
CREATE TABLE transfers (
  id           TEXT    NOT NULL PRIMARY KEY,
  media_id     TEXT    NOT NULL,                -- the file that it fills, or is a piece of
  role         TEXT    NOT NULL CHECK (role IN ('whole', 'partial')),
  scope        TEXT    NOT NULL,                -- as the file's, and so the next four
  uploaded_by  TEXT    NOT NULL,
  mime_type    TEXT    NOT NULL,
  file_name    TEXT    NOT NULL,
  key          TEXT    NOT NULL,                -- where it is joined: the file's key, or incoming/…
  way          TEXT    NOT NULL CHECK (way IN ('put', 'multipart', 'chunked', 'stream', 'tus')),
  length       INTEGER CHECK (length >= 0),     -- NULL while the client has not said it
  most         INTEGER NOT NULL,                -- how long it may be
  part_size    INTEGER NOT NULL,                -- of every part but the last
  upload_id    TEXT,                            -- R2's; NULL until something has to be a part
  received     INTEGER NOT NULL DEFAULT 0,      -- how many bytes are there, without a gap
  tail         INTEGER NOT NULL DEFAULT 0,      -- how many of them wait to become a part
  tail_name    TEXT    CHECK (tail_name IN ('a', 'b')),  -- where these are; the other name is free
  note         TEXT,                            -- what the client wants to be told again
  status       TEXT    NOT NULL DEFAULT 'open'
               CHECK (status IN ('open', 'joining', 'done', 'given_up')),
  lease        TEXT,                            -- who is writing to it
  lease_until  INTEGER NOT NULL DEFAULT 0,      -- until when nobody else may
  turn         INTEGER NOT NULL DEFAULT 0,      -- how many have had the lease
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT;

-- One file is filled by one transfer.
CREATE UNIQUE INDEX transfers_of_file ON transfers (media_id) WHERE role = 'whole';

-- The pieces of a file, which together may not be much more than it.
CREATE INDEX transfers_of_pieces ON transfers (media_id) WHERE role = 'partial';

-- What the cron looks at.
CREATE INDEX transfers_by_expiry ON transfers (expires_at);

-- The parts of a transfer. A part that is sent again is stored under another of the store's
-- numbers, so that nobody can take away what this row names.
CREATE TABLE transfer_parts (
  transfer_id  TEXT    NOT NULL,
  number       INTEGER NOT NULL,                -- 1, 2, 3, in the order of the file
  attempts     INTEGER NOT NULL DEFAULT 0,      -- how often its sending was begun
  stored_as    INTEGER,                         -- the store's number
  etag         TEXT,                            -- NULL while nothing is stored
  PRIMARY KEY (transfer_id, number),
  CHECK ((stored_as IS NULL) = (etag IS NULL))
) STRICT, WITHOUT ROWID;
