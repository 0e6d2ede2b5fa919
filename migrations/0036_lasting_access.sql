-- What outlasts a session ends with its reason: API keys, webhooks, and whatever else acts for a user later. One rule,
-- `access_obstacle`, judges all of it. Older servers go on beside it: triggers write for them what they do not know.

-- Whoever has appointed operators and administrators answers for their addresses.
update users set email_verified_at = created_at, version = version + 1
where email_verified_at is null and role in ('operator', 'admin') and erased_at is null;

alter table users
    -- By the database's clock, when the address was verified. Null: not at all, or before this column was there.
    add column address_proven_at timestamptz,
    -- By the database's clock: what the user, or a key of the user, made before this time has ended.
    add column lasting_from      timestamptz;

create function note_proven_address() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.address_proven_at := case when new.email_verified_at is not null then clock_timestamp() end;
    return new;
end $$;

create trigger users_address_proven before insert or update of email_verified_at on users
    for each row execute function note_proven_address();

-- By the database's clock. The row of generation 0 is the log-in; null: it was before this column was there.
alter table refresh_tokens add column saved_at timestamptz;
alter table refresh_tokens alter column saved_at set default clock_timestamp();

-- Keyed digest of the address of whoever had a token sent, without being known: that one alone uses up its own quota.
alter table one_time_tokens add column asker_hash bytea;

alter table api_keys
    -- The organization to which the user belonged when the key was made, and the database's time of that.
    add column organization_id uuid,
    add column made_at         timestamptz;

update api_keys k set organization_id = u.organization_id, made_at = k.created_at
from users u where u.id = k.user_id;

create function note_maker_of_key() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.organization_id := coalesce(new.organization_id,
                                    (select u.organization_id from public.users u where u.id = new.user_id));
    new.made_at := coalesce(new.made_at, clock_timestamp());
    return new;
end $$;

create trigger api_keys_maker before insert on api_keys
    for each row execute function note_maker_of_key();

alter table webhooks
    -- The key by which `changed_by` made it or took it over; null: a session. No reference: keys are deleted with their users.
    add column api_key_id            uuid,
    -- The organization to which `changed_by` belonged then, and the database's time of that.
    add column maker_organization_id uuid,
    add column made_at               timestamptz,
    -- Why it has ended. `disabled_reason` is `owner_changed` then, which older servers know.
    add column ended_because         text check (ended_because in ('key_ended', 'access_ended'));

update webhooks w
set made_at = w.created_at,
    maker_organization_id = case when w.by_operator then u.organization_id else w.organization_id end
from users u where u.id = w.changed_by;

-- A server that takes a webhook over writes a new `made_at`. An older one does not, and has no key of it on record.
create function note_maker_of_webhook() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.changed_by is distinct from old.changed_by
       and new.made_at is not distinct from old.made_at then
        new.api_key_id := null;
        new.maker_organization_id := null;
        new.made_at := null;
    end if;
    new.maker_organization_id := coalesce(new.maker_organization_id,
                                          (select u.organization_id from public.users u where u.id = new.changed_by));
    new.made_at := coalesce(new.made_at, clock_timestamp());
    return new;
end $$;

create trigger webhooks_maker before insert or update of changed_by on webhooks
    for each row execute function note_maker_of_webhook();

-- What an older server makes of one that had ended is what stands in `disabled_reason`.
create function forget_end_of_webhook() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.ended_because := null;
    return new;
end $$;

create trigger webhooks_end_forgotten before update on webhooks
    for each row when (new.ended_because is not null and new.disabled_reason is distinct from 'owner_changed')
    execute function forget_end_of_webhook();

-- Why something does not act that a user made for later; null: it acts. It has ended for good with `key_ended` and
-- `access_ended`, and sleeps with the rest. `home`: the maker's organization when it was made; `needs`: the least role of
-- a maker; `key_id`: the API key by which it was made, if it was one; `made`: the database's time of making.
create function access_obstacle(maker uuid, home uuid, needs text, key_id uuid, made timestamptz, instant timestamptz)
    returns text language sql stable parallel safe as $$
    select case
        when key_id is not null and not exists (
            select from public.api_keys k
            where k.id = key_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > instant)
        ) then 'key_ended'
        else (
            select case
                when made < u.lasting_from then 'access_ended'
                when u.erased_at is not null then 'user_erased'
                when u.disabled_at is not null then 'user_disabled'
                when u.organization_id <> home then 'user_moved'
                when array_position(array['guest', 'customer', 'operator', 'admin'], u.role)
                     < array_position(array['guest', 'customer', 'operator', 'admin'], needs) then 'user_demoted'
            end
            from public.users u where u.id = maker)
    end
$$;

-- The same of a webhook. Messages of everybody, and of another organization than one's own, are for operators.
create function webhook_obstacle(hook webhooks, instant timestamptz)
    returns text language sql stable parallel safe as $$
    select public.access_obstacle(
        hook.changed_by, hook.maker_organization_id,
        case when hook.scope = 'all' or hook.maker_organization_id <> hook.organization_id then 'operator'
             else 'customer' end,
        hook.api_key_id, hook.made_at, instant)
$$;
