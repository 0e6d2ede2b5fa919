-- What listens to messages, so that readers of the outbox spend no statement on messages that nobody wants. It is read in the
-- snapshot that messages are read in: a message that was committed after a change is never seen without that change.
create table outbox_listeners (
    is_only      boolean primary key default true check (is_only),
    -- Changes with each change of what webhooks want. Random, so that another database has other values.
    webhooks     uuid    not null default gen_random_uuid(),
    -- Whether bookings name, or have named, contacts.
    has_contacts boolean not null
);

-- As the owner: processes of the version before, which have no rights to the table yet, write webhooks and contacts meanwhile.
create function note_webhooks_listen() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
begin
    update public.outbox_listeners set webhooks = pg_catalog.gen_random_uuid();
    return null;
end $$;

-- At the end of the transaction, when it locks nothing else any more.
create constraint trigger webhooks_listen
    after insert or delete or update of types, scope, organization_id, deleted_at on webhooks
    deferrable initially deferred for each row execute function note_webhooks_listen();

create function note_contacts_listen() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
begin
    update public.outbox_listeners set has_contacts = true where not has_contacts and exists (select from added);
    return null;
end $$;

create trigger booking_contacts_listen after insert on booking_contacts
    referencing new table as added for each statement execute function note_contacts_listen();

-- Now that the trigger keeps others from naming contacts until the end of this transaction.
insert into outbox_listeners (has_contacts) select exists (select from booking_contacts);
