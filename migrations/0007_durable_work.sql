-- When a message was written, by the database's clock: what happened may be told long after.
alter table outbox add column written_at timestamptz not null default now();

-- How far each sink of the outbox has got. One process at a time delivers to a sink: who holds the lease.
create table outbox_sinks (
    name         text primary key,
    -- Every message up to here was delivered or is among the gaps.
    position     bigint      not null,
    -- Numbers below the position that were not there yet, each with the transaction number from which on no transaction
    -- can bring it any more: [[id, horizon], ...].
    gaps         jsonb       not null default '[]',
    leased_by    text,
    -- Counted up by who has the lease: one that does not move for long is free.
    beat         bigint      not null default 0,
    updated_at   timestamptz not null default now()
);

-- Work that was promised in a transaction and is done after it. All times are the database's: one clock for all processes.
create table jobs (
    id           uuid primary key,
    kind         text        not null,
    payload      jsonb       not null,
    -- Smaller comes first.
    priority     smallint    not null,
    state        text        not null check (state in ('QUEUED', 'RUNNING', 'DEAD')),
    -- Of jobs with one key only one is queued or runs.
    unique_key   text,
    run_at       timestamptz not null,
    attempts     integer     not null default 0,
    max_attempts integer     not null check (max_attempts > 0),
    -- Whose it is while it runs, counted up meanwhile: a count that does not move for long means that its process is gone.
    leased_by    text,
    beat         bigint      not null default 0,
    last_error   text,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

create unique index jobs_unique_key on jobs (unique_key) where unique_key is not null and state <> 'DEAD';

create index jobs_due on jobs (priority, run_at) where state = 'QUEUED';

create index jobs_running on jobs (id) where state = 'RUNNING';

-- What is to be done again and again, once over all processes.
create table schedules (
    name        text primary key,
    next_run_at timestamptz not null
);

-- Those that nobody can use any more are deleted every hour.
create index refresh_tokens_expired on refresh_tokens (expires_at);
