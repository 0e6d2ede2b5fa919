-- The dimensions of freight: lines of pieces of one size, in whole centimetres and hectograms, a bounded list that is always read and
-- written with its freight. Null: none were given. Older processes neither read nor write them: what they change keeps them.
do $$
declare
    place text;
begin
    foreach place in array array['public', 'loadmaster_archive'] loop
        continue when to_regnamespace(place) is null;
        execute format(
            'alter table %I.bookings
                 add column dimensions jsonb,
                 add constraint bookings_dimensions
                     check (jsonb_typeof(dimensions) = ''array'' and jsonb_array_length(dimensions) between 1 and 50)
                     not valid',
            place);
    end loop;
    if to_regnamespace('loadmaster_audited') is not null then
        create or replace view loadmaster_audited.bookings as
            select * from public.bookings union all select * from loadmaster_archive.bookings;
    end if;
end
$$;

alter table holds
    add column dimensions jsonb,
    add constraint holds_dimensions
        check (jsonb_typeof(dimensions) = 'array' and jsonb_array_length(dimensions) between 1 and 50);

alter table waitlist_entries
    add column dimensions jsonb,
    add constraint waitlist_entries_dimensions
        check (jsonb_typeof(dimensions) = 'array' and jsonb_array_length(dimensions) between 1 and 50);

alter table quotes
    add column dimensions jsonb,
    add constraint quotes_dimensions
        check (jsonb_typeof(dimensions) = 'array' and jsonb_array_length(dimensions) between 1 and 50);

alter table alerts
    add column dimensions jsonb,
    add constraint alerts_dimensions
        check (jsonb_typeof(dimensions) = 'array' and jsonb_array_length(dimensions) between 1 and 50);

alter table consolidation_parts
    add column dimensions jsonb,
    add constraint consolidation_parts_dimensions
        check (jsonb_typeof(dimensions) = 'array' and jsonb_array_length(dimensions) between 1 and 50);
