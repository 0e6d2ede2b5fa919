-- Files in folders are told from others of their names.
alter table feed_runs
    -- When the file of the folder was changed last, in nanoseconds since 1970, and its length, as of when it was read.
    add column file_changed_ns bigint,
    add column file_length     bigint;
