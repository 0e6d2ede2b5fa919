-- E-mail and SMS: what is to be sent to whom, which addresses are never written to, and tokens that are good for one use.

-- A phone number is in the form +<country><number>. What is not verified is written to only to verify it.
alter table users
    add column email_verified_at timestamptz,
    add column phone             text,
    add column phone_verified_at timestamptz,
    add constraint users_phone_verified check (phone_verified_at is null or phone is not null);

-- A verification is one of an address: another address is not verified, whoever changes it.
create function unverify_changed_address() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    if new.email_key is distinct from old.email_key then
        new.email_verified_at := null;
    end if;
    if new.phone is distinct from old.phone then
        new.phone_verified_at := null;
    end if;
    return new;
end $$;

create trigger users_address_changed before update of email_key, phone on users
    for each row when (new.email_key is distinct from old.email_key or new.phone is distinct from old.phone)
    execute function unverify_changed_address();

-- No secret is stored: a token is the id under a seal of the server, six digits are a keyed digest of it.
create table one_time_tokens (
    id               uuid        primary key,
    purpose          text        not null,
    user_id          uuid        references users (id),
    contact_point_id uuid,
    organization_id  uuid,
    -- Keyed digest of the address that the token proves.
    address_hash     bytea,
    -- Wrong guesses at its digits.
    tries            integer     not null default 0 check (tries >= 0),
    expires_at       timestamptz not null,
    used_at          timestamptz,
    created_at       timestamptz not null
);

create index one_time_tokens_by_user on one_time_tokens (user_id, purpose) where user_id is not null;
create index one_time_tokens_by_contact on one_time_tokens (contact_point_id) where contact_point_id is not null;
create index one_time_tokens_by_address on one_time_tokens (address_hash, purpose) where address_hash is not null;
create index one_time_tokens_by_expiry on one_time_tokens (expires_at);

-- Addresses of people without an account. The digest remains when the address is erased.
create table contact_points (
    id           uuid        primary key,
    kind         text        not null check (kind in ('email', 'phone')),
    -- Normalised.
    address      text        not null,
    address_hash bytea       not null,
    created_at   timestamptz not null,
    unique (kind, address)
);

create index contact_points_by_hash on contact_points (address_hash);

-- Addresses that are not written to, as keyed digests.
create table suppressions (
    address_hash bytea       primary key,
    -- Nothing at all is sent to it.
    reason       text,
    -- Its owner wants no messages, which nobody else takes back. A link for a new password is sent nevertheless.
    is_declined  boolean     not null default false,
    created_at   timestamptz not null,
    check (is_declined or reason is not null)
);

-- A message to one receiver on one channel. Its text is made when it is sent.
create table notifications (
    id               uuid        primary key,
    -- The event that causes it, or another stable name of the cause.
    message_id       text        not null,
    -- user:<id> or contact:<id>
    receiver         text        not null,
    user_id          uuid,
    contact_point_id uuid,
    organization_id  uuid,
    channel          text        not null check (channel in ('email', 'sms')),
    type             text        not null,
    booking_id       uuid,
    ref_id           text,
    -- What the type is about: a flight, a hold, a token.
    subject_id       uuid,
    -- Facts that the tables no longer tell when it is sent; no personal data.
    data             jsonb       not null default '{}',
    -- Waiting rows of one receiver and channel with the same bundle are sent as one letter.
    bundle           text,
    -- Does not wait for the hourly digest.
    is_urgent        boolean     not null default false,
    due_at           timestamptz not null,
    -- Its last moment.
    expires_at       timestamptz not null,
    status           text        not null default 'WAITING'
        check (status in ('WAITING', 'SENT', 'FAILED', 'SUPPRESSED')),
    reason           text,
    -- The letter that it was first sent in; a repetition is the same letter.
    letter_id        uuid,
    attempts         integer     not null default 0 check (attempts >= 0),
    -- When it is looked at next.
    next_at          timestamptz not null,
    -- A process is sending it, and has lost it if it does not say how that went by then.
    claimed_until    timestamptz,
    created_at       timestamptz not null,
    sent_at          timestamptz,
    unique (message_id, receiver, channel, type),
    check ((status = 'SENT') = (sent_at is not null)),
    check (claimed_until is null or letter_id is not null)
) with (fillfactor = 80);

create index notifications_due on notifications (channel, next_at) where status = 'WAITING';
create index notifications_expiring on notifications (channel, expires_at) where status = 'WAITING';
create index notifications_in_bundles on notifications (channel, receiver, bundle) where status = 'WAITING';
create index notifications_of_letters on notifications (letter_id) where letter_id is not null;
create index notifications_sent on notifications (receiver, channel, sent_at) where status = 'SENT';
create index notifications_by_user on notifications (user_id, id) where user_id is not null;
create index notifications_by_contact on notifications (contact_point_id) where contact_point_id is not null;
create index notifications_by_reference on notifications (ref_id, id) where ref_id is not null;
create index notifications_by_status on notifications (status, id);

-- How fast each channel may send, over all processes.
create table post_pace (
    channel  text        primary key check (channel in ('email', 'sms')),
    -- Letters may go from then on.
    free_at  timestamptz not null,
    day      date        not null,
    -- Letters of that day.
    sent     integer     not null default 0
);
insert into post_pace (channel, free_at, day) values ('email', '2000-01-01', '2000-01-01'), ('sms', '2000-01-01', '2000-01-01');
