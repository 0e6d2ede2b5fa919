-- Callers: sessions that end, API keys, signing keys that follow each other, and a record of administrative acts.

-- The log-in gives generation 0, and using a token gives one of the next. The first use of a token spends all of its
-- generation: of several tokens that were given for one, only one line goes on.
alter table refresh_tokens add column generation integer not null default 0;

-- Families of refresh tokens that ended before their time, and with them the access tokens that name them as `sid`.
create table revoked_families (
    family_id  uuid primary key,
    reason     text        not null check (reason in ('LOGOUT', 'PASSWORD', 'REUSE', 'DISABLED', 'ERASED')),
    revoked_at timestamptz not null default clock_timestamp()
);

-- Of the keys whose time has come the latest signs. All verify until `verifies_until`: when the last token that each may
-- have signed has expired. A key of its own time has none yet.
alter table signing_keys
    add column signs_from     timestamptz not null default 'epoch',
    add column verifies_until timestamptz;

alter table users add column erased_at timestamptz;

-- Registering makes an organization that bears the person's name; it must lose it when the person is erased. Until now
-- nobody could leave the organization that was made for him.
alter table organizations add column founder_id uuid;
update organizations o set founder_id = u.id from users u where u.organization_id = o.id;
create index organizations_by_founder on organizations (founder_id);

-- Only a SHA-256 of each key is kept. What it may do is bounded by what its owner may do at the moment.
create table api_keys (
    id                    uuid primary key,
    user_id               uuid        not null references users (id),
    name                  text        not null,
    role                  text        not null check (role in ('guest', 'customer', 'operator', 'admin')),
    key_hash              bytea       not null constraint api_keys_hash_unique unique,
    rate_limit_per_minute integer check (rate_limit_per_minute > 0),
    expires_at            timestamptz,
    last_used_at          timestamptz,
    created_at            timestamptz not null,
    revoked_at            timestamptz
);

create index api_keys_by_user on api_keys (user_id, id) where revoked_at is null;

-- What makes credentials that are in use worth less. Every process reads what is new every few seconds; triggers write
-- it, so that no way of changing an account can forget it. By the database's clock, one for all processes.
create table access_changes (
    id         bigint generated always as identity primary key,
    kind       text        not null check (kind in ('user', 'family', 'api_key')),
    subject    uuid        not null,
    changed_at timestamptz not null default clock_timestamp()
);

create index access_changes_by_age on access_changes (changed_at);

-- Called with the kind, and the column that names the subject.
create function note_access_change() returns trigger language plpgsql as $$
begin
    insert into access_changes (kind, subject)
    values (tg_argv[0], (to_jsonb(coalesce(new, old)) ->> tg_argv[1])::uuid);
    return null;
end
$$;

create trigger users_access_changed after update of role, organization_id, disabled_at on users
    for each row when ((old.role, old.organization_id, old.disabled_at)
                       is distinct from (new.role, new.organization_id, new.disabled_at))
    execute function note_access_change('user', 'id');
create trigger users_access_gone after delete on users
    for each row execute function note_access_change('user', 'id');
create trigger families_access_gone after insert on revoked_families
    for each row execute function note_access_change('family', 'family_id');
create trigger api_keys_access_changed after update of role, rate_limit_per_minute, expires_at, revoked_at on api_keys
    for each row execute function note_access_change('api_key', 'id');
create trigger api_keys_access_gone after delete on api_keys
    for each row execute function note_access_change('api_key', 'id');

-- Who did which administrative act. Append-only, and without personal data: people are named by their ids.
create table admin_acts (
    id           uuid primary key,
    act          text        not null,
    -- Null: at the command line.
    actor_id     uuid,
    subject_kind text        not null,
    subject_id   text        not null,
    -- What was made of it.
    data         jsonb       not null,
    request_id   text,
    acted_at     timestamptz not null
);

create index admin_acts_by_actor on admin_acts (actor_id, id);

create index admin_acts_by_subject on admin_acts (subject_id, id);

create trigger admin_acts_keep_rows before update or delete on admin_acts
    for each row execute function refuse_change();
create trigger admin_acts_keep before truncate on admin_acts
    for each statement execute function refuse_change();
