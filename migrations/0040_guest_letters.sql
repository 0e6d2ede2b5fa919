-- The letters to guests about their bookings: at most ten a day to one address, found by the keyed digest of the address that
-- the letter was written for.
create index notifications_to_guests on notifications ((data ->> 'address_hash'), created_at) where type = 'guest_booking';
