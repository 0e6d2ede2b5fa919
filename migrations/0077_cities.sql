-- Cities with a code of their own, and their airports; local and former names of cities. Both are facts of the releases, which only
-- `migrate` writes. An airport that is listed here need not exist, as administrators may have deleted it: no foreign keys.
create table cities (
    code         text   primary key check (code ~ '^[A-Z]{3}$'),
    name         text   not null check (name <> ''),
    country_code text   not null check (country_code ~ '^[A-Z]{2}$'),
    airports     text[] not null check (cardinality(airports) between 1 and 6)
);

-- `city` and `country_code` are those of airports.
create table place_names (
    name         text not null check (name <> ''),
    city         text not null,
    country_code text not null check (country_code ~ '^[A-Z]{2}$'),
    primary key (name, country_code)
);
