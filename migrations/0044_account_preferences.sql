-- Choices of an account for its person: the language of the console and of letters (null: that of the browser, and for letters that of
-- the installation), and the unit in which weights are entered and shown. Weights are kept in metric units whatever it is.
alter table users
    add column language    text,
    add column weight_unit text not null default 'kg',
    add constraint users_language check (language in ('en', 'de')),
    add constraint users_weight_unit check (weight_unit in ('kg', 'lb'));

-- Letters follow the latest choice: that of the account replaces one that was made for letters alone, also by the previous release.
create function replace_language_of_letters() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    update public.notification_preferences set language = null where user_id = new.id;
    return null;
end $$;

create trigger users_language_chosen after update of language on users
    for each row when (new.language is not null and new.language is distinct from old.language)
    execute function replace_language_of_letters();
