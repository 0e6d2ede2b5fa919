-- What an airline carries. Null: not known. Older processes write `is_cargo_only` alone; where the two differ, it counts.
-- The airlines of data/airlines.csv carry cargo, and passengers unless they carry cargo only.
alter table airlines
    add column kind text,
    add constraint airlines_kind check (kind in ('PASSENGER', 'CARGO', 'BOTH'));

update airlines set kind = case when is_cargo_only then 'CARGO' else 'BOTH' end where is_cargo_only or not is_own;
