-- The answer to each Idempotency-Key, written with its effect: a repetition gets the same one. Kept for a day or so.
create table idempotency_records (
    principal_id uuid        not null,
    method       text        not null,
    path         text        not null,
    key          text        not null,
    -- SHA-256 of what was asked: a key is good for one request.
    request_hash bytea       not null,
    status       smallint    not null,
    location     text,
    etag         text,
    body         text        not null,
    -- By the database's clock.
    created_at   timestamptz not null default now(),
    primary key (principal_id, method, path, key)
);

create index idempotency_records_by_age on idempotency_records (created_at);
