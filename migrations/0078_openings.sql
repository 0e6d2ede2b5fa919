-- The doors of aircraft types through which freight is loaded, each with its clear width and height, and the longest and heaviest
-- piece that it takes: a bounded list that is always read whole. None: not known, and no piece is judged by them. Older processes
-- neither read nor write it: what they change keeps it.
alter table aircraft_types
    add column openings jsonb not null default '[]',
    add constraint aircraft_types_openings
        check (jsonb_typeof(openings) = 'array' and jsonb_array_length(openings) <= 10);
