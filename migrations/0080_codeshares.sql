-- Codeshares: the numbers under which other carriers sell a flight, in order. Null: it has never been sold under another; empty: it no
-- longer is. Older processes neither read nor write it: what they change keeps it, and their events say nothing of it.
alter table flights
    add column also_sold_as text[],
    add constraint flights_also_sold_as check (cardinality(also_sold_as) <= 50);

-- Lists by number find them, too. It has no entry for a flight that has none. Writers of flights wait while the table is read once.
create index flights_by_other_number on flights using gin (also_sold_as) where also_sold_as is not null;
