-- What stations say about themselves. Every airport has a station: one without a row says nothing and is version 0. Content goes with
-- its airport.
create table stations (
    airport_code text        primary key references airports (iata_code) on delete cascade,
    summary      text,
    body         text,
    highlights   text[]      not null default '{}' check (cardinality(highlights) <= 10),
    tags         text[]      not null default '{}' check (cardinality(tags) <= 10),
    capabilities text[]      not null default '{}' check (cardinality(capabilities) <= 20),
    -- When desks are open, local to the airport.
    hours        jsonb       not null default '[]',
    -- By how many minutes before departure freight must be delivered.
    acceptance   jsonb       not null default '[]',
    notices      jsonb       not null default '[]',
    contacts     jsonb       not null default '[]',
    is_featured  boolean     not null default false,
    -- 0 only within the transaction that makes the row.
    version      integer     not null default 0,
    updated_at   timestamptz not null
);

create index stations_by_tag on stations using gin (tags);

-- Words that stations are found by. A row is never deleted: an ended tag has `ended_at`.
create table station_tags (
    id         uuid        primary key,
    code       text        not null,
    name       text        not null,
    -- `#rrggbb`.
    color      text        not null,
    -- Lower ones come first.
    position   integer     not null,
    is_active  boolean     not null,
    version    integer     not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    ended_at   timestamptz
);

create unique index station_tags_one_current_code on station_tags (code) where ended_at is null;
create index station_tags_in_force on station_tags (id) where ended_at is null;

-- Stations that are shown together, in their own order. A row is never deleted: an ended collection has `ended_at`.
create table station_collections (
    id         uuid        primary key,
    slug       text        not null,
    name       text        not null,
    body       text,
    stations   text[]      not null check (cardinality(stations) <= 100),
    -- Lower ones come first.
    position   integer     not null,
    is_active  boolean     not null,
    version    integer     not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    ended_at   timestamptz
);

create unique index station_collections_one_current_code on station_collections (slug) where ended_at is null;
create index station_collections_in_force on station_collections (id) where ended_at is null;
