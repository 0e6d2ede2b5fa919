-- Cancelled consolidations are listed by themselves; the other states follow from masters, which are read row by row.
create index consolidations_cancelled on consolidations (id) where cancelled_at is not null;

-- What decides the shares of a master's parts, as it was when the master was held, booked or amended last: a part that is changed
-- afterwards moves no cost to others. Null of masters that were made before: theirs are the parts as they are.
alter table consolidation_masters
    add column part_weights jsonb;
