-- Images of stations and logos of airlines. They go with the airport or airline.
create table images (
    -- `station/DEL` or `airline/AI`.
    name         text        primary key,
    airport_code text        unique references airports (iata_code) on delete cascade,
    airline_code text        unique references airlines (iata_code) on delete cascade,
    media_type   text        not null check (media_type in ('image/png', 'image/jpeg', 'image/webp')),
    width        integer     not null check (width between 1 and 4096),
    height       integer     not null check (height between 1 and 4096),
    -- Of the bytes, in hexadecimal: entity tags have it.
    digest       text        not null,
    bytes        bytea       not null check (length(bytes) between 1 and 524288),
    version      integer     not null,
    updated_at   timestamptz not null,
    check (num_nonnulls(airport_code, airline_code) = 1)
);

-- Images are compressed already.
alter table images alter column bytes set storage external;
