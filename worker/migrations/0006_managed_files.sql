-- What a shim needs to keep its application's database and this one in agreement.

-- The number of the last change that the shim has numbered; 0 while it has numbered none. Changes
-- come more than once and in any order: one with a smaller number is late, and changes nothing.
ALTER TABLE media_files ADD COLUMN revision INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0);

-- A shim's files, in the order of their keys. Those that nobody manages are not in it.
CREATE INDEX media_files_managed ON media_files (managed_by, key) WHERE managed_by IS NOT NULL;
