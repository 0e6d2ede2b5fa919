-- Pages of lists are read by an index, whatever is asked for: at a million bookings none may read most of a table. Each index is
-- paid for by each row that is written, so that there is one only where a filter without it reads too much.
--
-- On tables with rows, writers wait while these are built: about a second per million rows and index.

-- Staff look for the few bookings that have departed, or have arrived and wait for delivery, among those that are done with, or
-- are not under way yet: without it the newest page of them may be hundreds of thousands of rows away. As an index covers the
-- status again (0016 has dropped it), a change of status writes the row's entries in all indexes anew.
create index bookings_by_status on bookings (status, id);

-- The route is what is asked for most; either end may have a tenth of all bookings.
create index bookings_by_route on bookings (origin, destination, id);
create index bookings_by_origin on bookings (origin, id);
create index bookings_by_destination on bookings (destination, id);

-- A forwarder with many bookings asks for a route or a status among them, and for pages far from the newest: what is chosen by
-- stands in the index, so that rows that are passed over are not read.
drop index bookings_by_organization;
create index bookings_by_organization on bookings (organization_id, id)
    include (created_at, origin, destination, status, needs_rerouting);
drop index holds_by_organization;
create index holds_by_organization on holds (organization_id, id) include (kind, status, is_open, expires_at);

-- Shippers look for what they call a booking.
create index booking_texts_by_customer_reference on booking_texts (lower(customer_reference))
    where customer_reference is not null;

-- Accounts that are listed, newest first: guests come and go before them in numbers. The staff's are few among them.
create index users_listed on users (id) where role <> 'guest' and erased_at is null;
create index users_of_staff on users (role, id) where role in ('operator', 'admin') and erased_at is null;
create index users_disabled on users (id) where disabled_at is not null and erased_at is null;

-- Guests' organizations are as many. A process of the version before leaves them unmarked: whether the founder is a guest is asked
-- of what is listed, too.
alter table organizations add column is_of_guest boolean not null default false;
update organizations o set is_of_guest = true from users u where u.id = o.founder_id and u.role = 'guest';
create index organizations_listed on organizations (id) where not is_of_guest;

-- Flights are listed by departure, and their status is in another table: those that leave, are under way or were cancelled are few
-- behind all that have arrived.
create index flights_to_leave on flights (departure_at, id) where cancelled_at is null and actual_departure_at is null;
create index flights_under_way on flights (departure_at, id) where actual_departure_at is not null and actual_arrival_at is null;
create index flights_cancelled on flights (departure_at, id) where cancelled_at is not null;

-- Few holds are of another kind than that which a booking is made of.
create index holds_by_kind on holds (kind, id) include (status, is_open, expires_at) where kind <> 'ITINERARY';

create index waitlist_entries_by_status on waitlist_entries (status, id);
create index waitlist_entries_by_flight on waitlist_entries using gin (flight_ids);

create index admin_acts_by_act on admin_acts (act, id);

create index webhook_deliveries_by_type on webhook_deliveries (webhook_id, type, id);
create index webhooks_by_status on webhooks (status, id) where deleted_at is null;
