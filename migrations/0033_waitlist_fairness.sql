-- Waiting is bounded as holding is, room is kept for an entry for a bounded time, and offers that lapse have an effect.
alter table waitlist_entries
    -- Counts, with the organization's holds, towards the number that it may have at once.
    add column is_counted boolean not null default true,
    -- Since when room has been kept for it because it was passed over too often.
    add column kept_since timestamptz;

update waitlist_entries e set is_counted = false
from users u where u.id = e.created_by and u.role in ('operator', 'admin') and e.status in ('WAITING', 'OFFERED');

create index waitlist_entries_counted on waitlist_entries (organization_id) where status = 'WAITING' and is_counted;

-- Offers on a flight that an organization neither booked nor declined early. After two, its entries are behind all others
-- in the order of that flight.
create table waitlist_lapses (
    flight_id       uuid    not null references flights (id),
    organization_id uuid    not null references organizations (id),
    lapses          integer not null check (lapses > 0),
    is_behind       boolean not null generated always as (lapses >= 2) stored,
    primary key (flight_id, organization_id)
);
