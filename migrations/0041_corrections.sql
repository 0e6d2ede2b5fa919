-- An operator takes the last step of a booking back: an event of its own, whose data name the step. 0042 checks the events of before.

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
                 ''OFFLOADED'', ''FLIGHT_RETIMED'', ''FLIGHT_CANCELLED'', ''CLAIMED'', ''PRICED'', ''PAYMENT_CHANGED'',
                 ''CORRECTED'')) not valid',
            place);
    end loop;
end
$$;
