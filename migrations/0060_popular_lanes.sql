-- Lanes with at least five searches in the last day, week or month, by their number: replaced every 15 minutes. A former rank is that
-- of the period before.
create table popular_lanes (
    period                text    not null check (period in ('day', 'week', 'month')),
    origin                text    not null,
    destination           text    not null,
    rank                  integer not null,
    former_rank           integer,
    -- Among the lanes of the same origin.
    rank_at_origin        integer not null,
    former_rank_at_origin integer,
    searches              bigint  not null,
    bookings              bigint  not null,
    primary key (period, origin, destination)
);

create index popular_lanes_by_rank on popular_lanes (period, rank);
create index popular_lanes_at_origin on popular_lanes (period, origin, rank_at_origin);
