-- Reference data: facts of the trade, loaded from data/ by `loadmaster migrate` and served from memory.
create table airports (
    iata_code    text primary key check (iata_code ~ '^[A-Z]{3}$'),
    icao_code    text,
    name         text             not null,
    city         text             not null,
    country_code text             not null,
    latitude     double precision not null check (latitude between -90 and 90),
    longitude    double precision not null check (longitude between -180 and 180),
    elevation_ft integer,
    time_zone    text             not null,
    cargo_rank   integer
);

create table airlines (
    iata_code     text primary key check (iata_code ~ '^[A-Z0-9]{2}$'),
    icao_code     text,
    name          text    not null,
    country_code  text    not null,
    awb_prefix    text check (awb_prefix ~ '^[0-9]{3}$'),
    alliance      text,
    is_cargo_only boolean not null
);

create table aircraft_types (
    iata_code         text primary key check (iata_code ~ '^[A-Z0-9]{3}$'),
    icao_code         text,
    name              text    not null,
    manufacturer      text    not null,
    max_cargo_hg      bigint  not null check (max_cargo_hg > 0),
    max_cargo_l       bigint  not null check (max_cargo_l > 0),
    positions         bigint  not null check (positions >= 0),
    is_freighter      boolean not null
);

create table handling_codes (
    code text primary key check (code ~ '^[A-Z]{3}$'),
    name text not null
);
