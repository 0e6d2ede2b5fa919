-- Who wants to be told what, whom a shipper names to be told, who has agreed to it, and which reminders are due.

-- What differs from the defaults; a user without a row has those.
create table notification_preferences (
    user_id       uuid        primary key references users (id),
    -- Null: the installation's.
    language      text,
    scope         text        not null check (scope in ('own', 'organization')),
    -- Types that are switched, per channel: on if they are off by default, off if they are on.
    email_changed text[]      not null,
    sms_changed   text[]      not null,
    updated_at    timestamptz not null
);

create index notification_preferences_of_organizations on notification_preferences (user_id)
    where scope = 'organization';

-- Personal data: erased with the texts of the booking.
create table booking_contacts (
    -- Until a hold that has contacts becomes a booking, the id of the hold.
    booking_id uuid    not null,
    position   integer not null check (position > 0),
    name       text    not null,
    role       text    not null check (role in ('shipper', 'consignee', 'notify', 'emergency')),
    email      text,
    phone      text,
    language   text,
    -- Empty: what its role is told.
    types      text[]  not null,
    primary key (booking_id, position),
    check (num_nonnulls(email, phone) > 0)
);

create index booking_contacts_by_email on booking_contacts (lower(email)) where email is not null;
create index booking_contacts_by_phone on booking_contacts (phone) where phone is not null;

-- Whether an address may be written to for an organization.
create table contact_consents (
    contact_point_id uuid        not null references contact_points (id),
    organization_id  uuid        not null references organizations (id),
    status           text        not null check (status in ('ASKED', 'AGREED', 'DECLINED')),
    language         text,
    -- The last question.
    asked_at         timestamptz not null,
    answered_at      timestamptz,
    primary key (contact_point_id, organization_id)
);

create index contact_consents_by_organization on contact_consents (organization_id);

-- The questions of the last month, by digest of the address: their bounds hold although an address is erased.
create table contact_questions (
    id              uuid        primary key,
    address_hash    bytea       not null,
    organization_id uuid        not null references organizations (id),
    asked_at        timestamptz not null
);

create index contact_questions_by_address on contact_questions (address_hash, asked_at);
create index contact_questions_by_organization on contact_questions (organization_id, asked_at);

-- Types that a contact does not want.
create table contact_refusals (
    contact_point_id uuid        not null references contact_points (id),
    type             text        not null,
    created_at       timestamptz not null,
    primary key (contact_point_id, type)
);

-- One reminder for each booking that was made before it was due. Sent once for ever.
create table reminders (
    booking_id uuid        primary key,
    status     text        not null check (status in ('WAITING', 'SENT', 'DROPPED')),
    -- Infinite while the booking has no flight.
    due_at     timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
) with (fillfactor = 80);

create index reminders_due on reminders (due_at) where status = 'WAITING';

-- What was written before is not told.
insert into installation (name, value, updated_at)
select 'notifications_from', coalesce(max(id), 0)::text, now() from outbox;
