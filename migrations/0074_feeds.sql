-- Feeds: schedules, tariffs and rates that arrive by themselves. A run reads a file, compares it and applies it, or waits for a
-- person. What a feed does next follows from these tables alone: a process that dies loses nothing.
create table feeds (
    id              uuid        primary key,
    name            text        not null,
    kind            text        not null check (kind in ('FLIGHTS', 'SEASON', 'TARIFFS', 'REFERENCE_RATES')),
    format          text        not null check (format in ('CSV', 'XLSX', 'SSIM')),
    url             text,
    -- Below the folder of the installation.
    folder          text,
    -- Names and values of the headers of its requests, encrypted, bound to the id.
    headers         bytea,
    header_names    text[]      not null default '{}',
    airline_codes   text[]      not null,
    -- Names of columns in its files, and at the same places the names that are meant.
    given_columns   text[]      not null default '{}',
    meant_columns   text[]      not null default '{}' check (cardinality(meant_columns) = cardinality(given_columns)),
    every_minutes   integer     not null check (every_minutes >= 15),
    apply           text        not null check (apply in ('AUTO', 'REVIEW')),
    cancels_absent  boolean     not null,
    status          text        not null check (status in ('ACTIVE', 'PAUSED', 'FAILING')),
    -- Runs that failed since the last one that did not.
    failures        integer     not null default 0 check (failures >= 0),
    -- Of the last file whose run has ended well: it need not be sent again.
    etag            text,
    last_success_at timestamptz,
    -- When something is to be done next; null if nothing is.
    due_at          timestamptz,
    -- By the database's clock: until then one process serves it.
    lease_until     timestamptz,
    lease_holder    uuid,
    -- The administrator who has changed it last, on whose behalf its own runs apply what they find.
    changed_by      uuid        not null references users (id),
    -- The number of its last message.
    event_sequence  integer     not null default 0,
    version         integer     not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    deleted_at      timestamptz,
    check (num_nonnulls(url, folder) <= 1),
    check ((headers is null) = (header_names = '{}'))
);

create index feeds_due on feeds (due_at) where deleted_at is null;
create index feeds_by_changer on feeds (changed_by);

-- One feed for each airline and kind; that of reference rates has no airline.
create table feed_airlines (
    kind         text not null,
    airline_code text not null,
    feed_id      uuid not null references feeds (id),
    primary key (kind, airline_code)
);

create index feed_airlines_by_feed on feed_airlines (feed_id);

create table feed_runs (
    id           uuid        primary key,
    feed_id      uuid        not null references feeds (id),
    trigger      text        not null check (trigger in ('SCHEDULE', 'PERSON', 'FILE')),
    status       text        not null
                 check (status in ('RUNNING', 'UNCHANGED', 'REVIEW', 'APPLIED', 'REJECTED', 'FAILED')),
    -- A person has approved what it does: it runs again to apply that.
    is_approved  boolean     not null default false,
    -- Who has started, approved or rejected it; null: the schedule.
    actor_id     uuid,
    -- How often a process has begun it: one that ends processes is given up.
    attempts     integer     not null default 0,
    file_name    text,
    bytes        bigint,
    sha256       bytea,
    etag         text,
    -- Of what it does, to apply no other changes than a person has approved.
    digest       bytea,
    created      bigint      not null default 0,
    updated      bigint      not null default 0,
    unchanged    bigint      not null default 0,
    kept         bigint      not null default 0,
    absent       bigint      not null default 0,
    refused      bigint      not null default 0,
    cancelled    bigint      not null default 0,
    faults       bigint      not null default 0,
    because      text,
    started_at   timestamptz not null,
    ended_at     timestamptz check ((ended_at is null) = (status = 'RUNNING'))
);

create index feed_runs_by_feed on feed_runs (feed_id, id);
create index feed_runs_ended on feed_runs (ended_at) where ended_at is not null;
-- One run of a feed at a time.
create unique index feed_runs_running on feed_runs (feed_id) where status = 'RUNNING';
-- One waits for a person.
create unique index feed_runs_in_review on feed_runs (feed_id) where status = 'REVIEW';

-- At most 100 of a run.
create table feed_faults (
    run_id      uuid    not null references feed_runs (id) on delete cascade,
    place       integer not null,
    table_row   bigint,
    column_name text,
    code        text    not null,
    message     text    not null,
    primary key (run_id, place)
);

-- What a run does, by flight number and origin: at most 10 000 of a run.
create table feed_differences (
    run_id   uuid    not null references feed_runs (id) on delete cascade,
    place    integer not null,
    data     jsonb   not null,
    primary key (run_id, place)
);

-- The file of a run that waits for its turn or for a person, in parts of 1 MiB.
create table feed_files (
    run_id  uuid    not null references feed_runs (id) on delete cascade,
    part    integer not null,
    content bytea   not null,
    primary key (run_id, part)
);
