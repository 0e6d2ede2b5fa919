-- Administrators change airports, airlines and aircraft types. `is_own`: an administrator has set it, and a release that
-- brings other reference data leaves it as it is.
alter table airports
    add column is_active boolean not null default true,
    add column version integer not null default 1,
    add column is_own boolean not null default false;

alter table airlines
    add column is_active boolean not null default true,
    add column version integer not null default 1,
    add column is_own boolean not null default false;

alter table aircraft_types
    add column is_active boolean not null default true,
    add column version integer not null default 1,
    add column is_own boolean not null default false;

-- What an administrator has deleted: a release does not bring it back.
create table deleted_reference_data (
    kind text not null check (kind in ('airport', 'airline', 'aircraft')),
    code text not null,
    primary key (kind, code)
);

alter table organizations add column version integer not null default 1;

create index organizations_by_name on organizations (lower(name));
