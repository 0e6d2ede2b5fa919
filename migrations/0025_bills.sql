-- Holds have a price and can be paid for; what a booking costs, and what was paid for it, is its bill.

alter table holds drop constraint holds_status_check, drop constraint holds_check1;
alter table holds
    -- Keeps room, unless its time is up.
    add column is_open      boolean not null generated always as (status in ('ACTIVE', 'COMMITTING')) stored,
    add column quote_id     uuid,
    -- The payment under way, or the last one.
    add column payment_id   uuid,
    -- Payments that were begun for it.
    add column attempts     integer not null default 0 check (attempts >= 0),
    -- While a payment is under way: when the hold would have expired without it.
    add column active_until timestamptz,
    add constraint holds_status_check
        check (status in ('ACTIVE', 'COMMITTING', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    add constraint holds_open_have_no_end check ((ended_at is not null) = (status not in ('ACTIVE', 'COMMITTING'))),
    add constraint holds_committing_are_paid_for check (
        status <> 'COMMITTING' or (payment_id is not null and active_until is not null));

drop index holds_to_expire, holds_open_by_organization, holds_open_by_address;
create index holds_to_expire on holds (expires_at) where is_open;
create index holds_open_by_organization on holds (organization_id) where is_open;
create index holds_open_by_address on holds (address_key) where is_open and address_key is not null;

do $$
declare
    place text;
begin
    foreach place in array array['public', 'loadmaster_archive'] loop
        continue when to_regnamespace(place) is null;
        execute format('alter table %I.booking_events drop constraint booking_events_event_type_check', place);
        execute format(
            'alter table %I.booking_events add constraint booking_events_event_type_check check (event_type in (
                 ''BOOKED'', ''DEPARTED'', ''ARRIVED'', ''DELIVERED'', ''CANCELLED'', ''AMENDED'', ''REROUTED'',
                 ''OFFLOADED'', ''FLIGHT_RETIMED'', ''FLIGHT_CANCELLED'', ''CLAIMED'', ''PRICED'', ''PAYMENT_CHANGED''))',
            place);
        -- Price, payments and fee; null without a price.
        execute format('alter table %I.bookings add column bill jsonb', place);
    end loop;
    if to_regnamespace('loadmaster_audited') is not null then
        create or replace view loadmaster_audited.bookings as
            select * from public.bookings union all select * from loadmaster_archive.bookings;
    end if;
end
$$;
