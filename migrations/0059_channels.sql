-- Where quotes, holds and bookings come from: `CONSOLE`, `API`, `API_KEY` or `GUEST`. Null: made before this column was there, by an
-- older process, or by the product itself, as holds of allotments and offers of the waitlist.
alter table quotes add column channel text;
alter table holds add column channel text;

do $$
declare
    place text;
begin
    foreach place in array array['public', 'loadmaster_archive'] loop
        continue when to_regnamespace(place) is null;
        execute format('alter table %I.bookings add column channel text', place);
    end loop;
    if to_regnamespace('loadmaster_audited') is not null then
        create or replace view loadmaster_audited.bookings as
            select * from public.bookings union all select * from loadmaster_archive.bookings;
    end if;
end
$$;
