-- :waiters entries that wait for the flight :flight, as the product leaves them: those up to :large need :heavy hg, the
-- rest :light hg. The flight was made through the API; user and organization exist.
create temp table crowd as
select n, (lpad(to_hex(1795161600000 + n), 12, '0') || '70008003' || lpad(to_hex(n), 12, '0'))::uuid as id,
       case when n <= :large then :heavy else :light end as weight
from generate_series(1, :waiters) n;

insert into waitlist_entries (id, organization_id, created_by, status, origin, destination, flight_ids, weight_hg,
                              volume_l, volume_defaulted, positions, special_handling_codes, priority, queued_at,
                              created_at, updated_at)
select c.id, ':organization', ':user', 'WAITING', f.origin, f.destination, array[f.id], c.weight, c.weight, false, 0,
       '{}', 5, '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z', '2026-11-20T08:00:00Z'
from crowd c cross join flights f where f.id = ':flight' order by c.n;

insert into waitlist_flights select ':flight', id from crowd;

update flight_capacity set waiting = waiting + :waiters where flight_id = ':flight';

analyze;
