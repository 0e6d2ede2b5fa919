-- Messages to receivers that organizations name. A message that a webhook is to get is a delivery; what was sent and answered
-- is an attempt. All state of the delivering is here: a process that dies loses nothing.

create table webhooks (
    id                  uuid        primary key,
    organization_id     uuid        not null references organizations (id),
    url                 text        not null,
    -- Free text.
    description         text,
    -- Types of messages, or prefixes with `.*`.
    types               text[]      not null check (cardinality(types) > 0),
    -- Empty: any.
    origins             text[]      not null,
    destinations        text[]      not null,
    scope               text        not null check (scope in ('organization', 'all')),
    status              text        not null default 'ACTIVE' check (status in ('ACTIVE', 'FAILING', 'DISABLED')),
    disabled_reason     text        check (disabled_reason in ('manual', 'failing', 'gone', 'owner_changed')),
    -- Encrypted, bound to the id.
    secret              bytea       not null,
    -- Those that still sign, each with the time until which it does, the newest last.
    former_secrets       bytea[]       not null default '{}',
    former_secrets_until timestamptz[] not null default '{}',
    created_by          uuid        not null references users (id),
    -- Who chose where it goes and what it gets, and whether by an operator's credential.
    changed_by          uuid        not null references users (id),
    by_operator         boolean     not null,
    -- Number of deliveries that wait.
    waiting             integer     not null default 0 check (waiting >= 0),
    -- When the next attempt is due; null while nothing waits.
    due_at              timestamptz,
    -- Before this time the receiver wants no attempt.
    not_before          timestamptz,
    -- Attempts that failed since the last success, and since when.
    failures            integer     not null default 0,
    failing_since       timestamptz,
    -- The delivery of all these attempts, while it is only one.
    failing_delivery    uuid,
    -- Whether it was reported as failing.
    is_reported         boolean     not null default false,
    last_success_at     timestamptz,
    last_attempt_at     timestamptz,
    -- Nothing good is known of its receiver: never tried, or the last attempt failed or was slow.
    is_doubtful         boolean     not null default true,
    -- The process that makes attempts now.
    leased_by           text,
    -- The number of its last message.
    event_sequence      integer     not null default 0,
    version             integer     not null default 1,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    -- Nobody sees it any more; its deliveries are deleted by and by.
    deleted_at          timestamptz,
    check ((status = 'DISABLED') = (disabled_reason is not null)),
    check (cardinality(former_secrets) = cardinality(former_secrets_until)),
    check (waiting = 0 or status <> 'DISABLED')
) with (fillfactor = 50);

create index webhooks_by_organization on webhooks (organization_id, id) where deleted_at is null;
create index webhooks_of_all on webhooks (id) where deleted_at is null and scope = 'all';
create index webhooks_due on webhooks (is_doubtful, due_at) where due_at is not null;
create index webhooks_leased on webhooks (leased_by) where leased_by is not null;
create index webhooks_deleted on webhooks (id) where deleted_at is not null;

-- A message as it is sent: the same bytes to every webhook, at each attempt.
create table webhook_messages (
    id         uuid        primary key,
    -- The `id` of the event.
    event_id   text        not null,
    type       text        not null,
    subject    text        not null,
    sequence   bigint      not null,
    body       text        not null,
    -- A replay is a message of its own, with the same `event_id`.
    is_replay  boolean     not null,
    created_at timestamptz not null
);

create unique index webhook_messages_of_event on webhook_messages (event_id, type) where not is_replay;

create table webhook_deliveries (
    id              uuid        primary key,
    webhook_id      uuid        not null references webhooks (id),
    message_id      uuid        not null references webhook_messages (id),
    -- As in the message.
    type            text        not null,
    subject         text        not null,
    sequence        bigint      not null,
    -- Whether it is about something of the webhook's organization. Others are for operators only.
    is_own          boolean     not null,
    -- The order of arrival.
    position        bigint      not null generated always as identity,
    status          text        not null check (status in ('WAITING', 'DELIVERED', 'FAILED')),
    attempt_count   integer     not null default 0,
    -- The number of pauses between attempts that have been used up.
    step            integer     not null default 0,
    next_attempt_at timestamptz,
    created_at      timestamptz not null,
    delivered_at    timestamptz,
    unique (message_id, webhook_id),
    check ((next_attempt_at is not null) = (status = 'WAITING'))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, id);
create index webhook_deliveries_failed on webhook_deliveries (webhook_id, id) where status = 'FAILED';
create index webhook_deliveries_by_subject on webhook_deliveries (webhook_id, subject, id);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_attempt_at, position)
    where status = 'WAITING';
create index webhook_deliveries_oldest on webhook_deliveries (webhook_id, position) where status = 'WAITING';
create index webhook_deliveries_in_order on webhook_deliveries (webhook_id, subject, sequence, position)
    where status = 'WAITING';

create table webhook_attempts (
    delivery_id uuid        not null references webhook_deliveries (id) on delete cascade,
    number      integer     not null check (number > 0),
    started_at  timestamptz not null,
    duration_ms integer     not null,
    outcome     text        not null
        check (outcome in ('delivered', 'rejected', 'redirected', 'timeout', 'unreachable', 'tls')),
    http_status integer,
    -- The beginning of the answer.
    response    text,
    primary key (delivery_id, number)
);

-- The processes that make attempts. A count that does not move for long means that the process is gone.
create table webhook_processes (
    name text   primary key,
    beat bigint not null default 0
);
