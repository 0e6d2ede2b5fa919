-- Lists that are sorted by a value other than the time of creation are read by an index, page by page. Writers of each table wait
-- while its index is built: about a second per million rows.

-- Holds by expiry. What lists choose by stands in it, so that rows that are passed over are not read.
create index holds_by_expiry on holds (expires_at, id) include (organization_id, kind, status, is_open);

-- Accounts by e-mail address, and organizations by name, in any case: without guests, who are many.
create index users_by_email on users (lower(email), id) where role <> 'guest' and erased_at is null;
create index organizations_listed_by_name on organizations (lower(name), id) where not is_of_guest;

-- Flights that have arrived, in both directions: from the last one on, all that are still to leave would be passed over.
create index flights_arrived on flights (departure_at, id) where actual_arrival_at is not null;
