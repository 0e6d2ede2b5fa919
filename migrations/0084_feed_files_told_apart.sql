-- Files in folders are told from others of their names.
alter table feed_runs
    -- When the file of the folder was changed last, in nanoseconds since 1970, and its length, as of when it was read.
    add column file_changed_ns bigint,
    add column file_length     bigint;

-- Files that were read and cannot be moved away: they are passed over while they are there.
create table feed_stuck_files (
    feed_id    uuid   not null references feeds (id),
    -- Its bytes: it need not be UTF-8.
    name       bytea  not null,
    changed_ns bigint not null,
    length     bigint not null,
    primary key (feed_id, name, changed_ns, length)
);
