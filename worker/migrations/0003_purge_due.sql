-- What is deleted, refused, given up or public no more may still be in caches, and its bytes in the
-- bucket. The row says since when it owes them their removal, from the statement that changes it
-- until the bytes are away and the queue has taken a purge. A crash in between leaves the debt
-- here, where the cron finds it. A row without one has no bytes but those of a file.
ALTER TABLE media_files ADD COLUMN purge_due_at INTEGER;

-- What the cron looks at. It is empty but for what was cut off.
CREATE INDEX media_files_purge_due ON media_files (purge_due_at)
  WHERE purge_due_at IS NOT NULL;
