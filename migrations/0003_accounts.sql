-- Who may call: organizations own bookings, users act for one organization.
create table organizations (
    id         uuid primary key,
    name       text        not null,
    created_at timestamptz not null
);

create table users (
    id              uuid primary key,
    organization_id uuid        not null references organizations (id),
    email           text        not null,
    -- Lower case: e-mail addresses are unique ignoring case.
    email_key       text        not null constraint users_email_unique unique,
    name            text,
    role            text        not null check (role in ('customer', 'operator', 'admin')),
    password_hash   text        not null,
    disabled_at     timestamptz,
    version         integer     not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null
);

create index users_by_organization on users (organization_id);

-- Only a SHA-256 of each token is kept: a stolen table opens no session.
create table refresh_tokens (
    id         uuid primary key,
    family_id  uuid        not null,
    user_id    uuid        not null references users (id),
    token_hash bytea       not null constraint refresh_tokens_hash_unique unique,
    issued_at  timestamptz not null,
    expires_at timestamptz not null,
    spent_at   timestamptz,
    revoked_at timestamptz
);

create index refresh_tokens_by_family on refresh_tokens (family_id);

create index refresh_tokens_by_user on refresh_tokens (user_id);

-- Made once and shared by all instances. The newest that is not retired signs; all that are here verify.
create table signing_keys (
    kid         text primary key,
    algorithm   text        not null check (algorithm in ('EdDSA', 'HS256')),
    private_key bytea       not null,
    public_key  bytea,
    created_at  timestamptz not null,
    retired_at  timestamptz
);
