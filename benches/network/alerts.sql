-- 10 000 alerts of 200 organizations on the 2 000 lanes with a history, five for each: three of four on a price. They are due over
-- half an hour, and not armed: what is measured are checks, not letters.
truncate alerts;
create temp table forwarder as select n, gen_random_uuid() as id, gen_random_uuid() as user_id from generate_series(0, 199) n;
insert into organizations (id, name, created_at) select id, 'Forwarder ' || n, now() from forwarder;
insert into users (id, organization_id, email, email_key, name, role, password_hash, created_at, updated_at)
    select user_id, id, user_id || '@forwarder.example', user_id || '@forwarder.example', 'User ' || n, 'customer', 'none', now(), now()
    from forwarder;
insert into alerts (id, organization_id, created_by, kind, status, origin, destination, weight_hg, special_handling_codes, below_amount,
                    currency, is_met, is_armed, is_pending, is_fresh, next_check_at, created_at, updated_at, date_from, date_to)
    select gen_random_uuid(), f.id, f.user_id, case when g % 4 = 0 then 'SPACE' else 'PRICE' end, 'ACTIVE', l.origin, l.destination,
           1000 + g % 7 * 1000, '{}', case when g % 4 <> 0 then 100 end, case when g % 4 <> 0 then 'USD' end, false, false, false, false,
           now() + g / 10000.0 * interval '30 minutes', now(), now(), '2027-05-01', '2027-05-31'
    from generate_series(0, 9999) g
    join (select origin, destination, row_number() over (order by md5(origin || destination)) - 1 as n from rate_lanes) l on l.n = g / 5
    join forwarder f on f.n = g % 200;
drop table forwarder;
analyze alerts; analyze users;
