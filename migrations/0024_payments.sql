-- Payments through a provider or from an organization's credit. Every request to a provider is a row of
-- payment_operations before it is made; its id is the provider's idempotency key.

create table payments (
    id                 uuid        primary key,
    -- Of a guest: made for its token, and in no table until the hold is committed.
    organization_id    uuid        not null,
    created_by         uuid        not null,
    method             text        not null check (method in ('TOKEN', 'ACCOUNT')),
    hold_id            uuid,
    booking_id         uuid,
    booking_ref        text,
    provider           text        not null,
    provider_reference text,
    status             text        not null check (status in (
        'CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'VOIDED')),
    currency           text        not null,
    -- Minor units of the currency.
    amount             bigint      not null check (amount > 0),
    captured           bigint      not null default 0 check (captured between 0 and amount),
    refunded           bigint      not null default 0 check (refunded between 0 and captured),
    action_url         text,
    failure_code       text,
    failure_message    text,
    -- Digest of the request that made it.
    request_hash       bytea,
    attempt            integer     not null default 1 check (attempt > 0),
    -- The number of its operations.
    operations         integer     not null default 0 check (operations >= 0),
    -- Reconciliation has found that the provider says otherwise.
    is_unmatched       boolean     not null default false,
    -- The number of its last message.
    event_sequence     integer     not null default 1,
    version            integer     not null default 1,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    check ((failure_code is null) = (failure_message is null)),
    check (captured = 0 or status = 'CAPTURED')
) with (fillfactor = 80);

-- One open payment for each hold and booking.
create unique index payments_open_by_hold on payments (hold_id)
    where hold_id is not null and status in ('CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED');
create unique index payments_open_by_booking on payments (booking_id)
    where booking_id is not null and status in ('CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED');
create index payments_by_hold on payments (hold_id) where hold_id is not null;
create index payments_by_booking on payments (booking_id) where booking_id is not null;
create index payments_by_organization on payments (organization_id, id);
create index payments_by_creator on payments (created_by, id);
create index payments_by_reference on payments (provider, provider_reference) where provider_reference is not null;
-- One request has one effect.
create unique index payments_of_request on payments (request_hash)
    where request_hash is not null and status not in ('FAILED', 'VOIDED');
create index payments_by_request on payments (request_hash) where request_hash is not null;
-- What a sweep completes or voids.
create index payments_without_booking on payments (id)
    where booking_id is null and status in ('AUTHORIZED', 'REQUIRES_ACTION');
create index payments_by_change on payments (updated_at);
create index payments_unmatched on payments (id) where is_unmatched;

create table payment_operations (
    id               uuid        primary key,
    payment_id       uuid        not null references payments (id),
    sequence         integer     not null check (sequence > 0),
    kind             text        not null check (kind in ('AUTHORIZE', 'CAPTURE', 'REFUND', 'VOID')),
    amount           bigint      not null check (amount >= 0),
    status           text        not null check (status in ('OPEN', 'SUCCEEDED', 'DECLINED', 'UNRESOLVED')),
    -- The provider's name of a refund.
    reference        text,
    -- Counted before each request.
    attempts         integer     not null default 0 check (attempts >= 0),
    first_attempt_at timestamptz,
    next_attempt_at  timestamptz,
    -- Why it is undecided or was declined, or how it was resolved.
    note             text,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    unique (payment_id, sequence),
    check ((next_attempt_at is not null) = (status = 'OPEN'))
) with (fillfactor = 80);

create index payment_operations_due on payment_operations (next_attempt_at) where status = 'OPEN';
create index payment_operations_unresolved on payment_operations (id) where status = 'UNRESOLVED';

-- Webhooks that were received: each counts once.
create table payment_webhooks (
    provider    text        not null,
    webhook_id  text        not null,
    received_at timestamptz not null,
    primary key (provider, webhook_id)
);

create index payment_webhooks_by_time on payment_webhooks (received_at);

-- Credit of organizations. A negative use is a balance in the organization's favour.
create table credit_accounts (
    organization_id uuid        primary key references organizations (id),
    currency        text        not null,
    credit_limit    bigint      not null check (credit_limit >= 0),
    used            bigint      not null,
    -- The number of its last entry.
    entries         integer     not null check (entries > 0),
    created_at      timestamptz not null,
    updated_at      timestamptz not null
) with (fillfactor = 80);

-- Every change of an account, with its state after it. Append-only.
create table credit_entries (
    organization_id uuid        not null,
    seq             integer     not null check (seq > 0),
    kind            text        not null check (kind in ('LIMIT', 'CHARGE', 'REFUND', 'PAYMENT')),
    -- Minor units of the account's currency; of a LIMIT, the new limit.
    amount          bigint      not null check (amount >= 0),
    used            bigint      not null,
    credit_limit    bigint      not null,
    payment_id      uuid,
    booking_id      uuid,
    booking_ref     text,
    reference       text,
    actor_id        uuid,
    created_at      timestamptz not null,
    primary key (organization_id, seq),
    check (kind <> 'CHARGE' or used <= credit_limit)
);

create trigger credit_entries_keep_rows before update or delete on credit_entries
    for each row execute function refuse_change();
create trigger credit_entries_keep before truncate on credit_entries
    for each statement execute function refuse_change();

-- The state of the provider `test`, and its journal. Without tokens: their behaviour is a word.
create table test_payments (
    reference    text        primary key,
    operation_id uuid        not null unique,
    behaviour    text        not null check (behaviour in ('OK', 'DECLINED', 'HANG', 'LOST', 'CONFIRM', 'SLOW')),
    status       text        not null check (status in (
        'LOST', 'PENDING', 'REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'VOIDED')),
    currency     text        not null,
    amount       bigint      not null,
    captured     bigint      not null default 0,
    refunded     bigint      not null default 0,
    -- A webhook is due.
    notify_at    timestamptz,
    created_at   timestamptz not null
);

create index test_payments_to_notify on test_payments (notify_at) where notify_at is not null;

create table test_operations (
    operation_id uuid        primary key,
    number       bigint      generated always as identity unique,
    reference    text        not null references test_payments (reference),
    kind         text        not null check (kind in ('AUTHORIZE', 'CAPTURE', 'REFUND', 'VOID')),
    currency     text        not null,
    amount       bigint      not null,
    outcome      text        not null check (outcome in ('SUCCEEDED', 'DECLINED', 'REQUIRES_ACTION', 'PENDING')),
    acted_at     timestamptz not null
);
