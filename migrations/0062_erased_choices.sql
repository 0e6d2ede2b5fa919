-- An older process that erases an account does not know its home airport and the date of its last log-in. A log-in that is
-- checked before the erasure and noted after it leaves no date either.
create function clear_choices_of_erased() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    new.home_airport := null;
    new.last_login_on := null;
    return new;
end $$;

create trigger users_erased_choices before update of erased_at, home_airport, last_login_on on users
    for each row when (new.erased_at is not null) execute function clear_choices_of_erased();

update users set home_airport = null, last_login_on = null
where erased_at is not null and (home_airport is not null or last_login_on is not null);
