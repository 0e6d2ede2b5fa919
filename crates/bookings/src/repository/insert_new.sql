with given as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                         $8::int[], $9::bigint[], $10::bigint[], $11::bool[], $12::bigint[], $13::text[],
                         $14::text[], $15::uuid[], $16::timestamptz[], $17::text[], $18::text[], $19::jsonb[],
                         $20::jsonb[], $21::uuid[], $22::uuid[], $23::text[], $24::uuid[], $25::jsonb[], $26::jsonb[],
                         $43::jsonb[], $44::text[], $45::jsonb[])
        as b (id, ref_id, organization_id, created_by, status, origin, destination, pieces, weight_hg,
              volume_l, volume_defaulted, positions, codes, awb_number, hold_id, created_at, description,
              customer_reference, shipper, consignee, event_id, flight_id, flight_number, leg_id, data, message,
              bill, channel, dimensions)
), reference as (
    insert into booking_refs (ref_id, booking_id) select ref_id, id from given
), texts as (
    insert into booking_texts (booking_id, description, customer_reference, shipper, consignee)
    select id, description, customer_reference, shipper, consignee from given
    where num_nonnulls(description, customer_reference, shipper, consignee) > 0
), booked as (
    insert into bookings (id, ref_id, organization_id, created_by, status, origin, destination, pieces,
                          weight_hg, volume_l, volume_defaulted, positions, special_handling_codes, awb_number,
                          hold_id, bill, created_at, updated_at, channel, dimensions)
    select id, ref_id, organization_id, created_by, status, origin, destination, pieces, weight_hg, volume_l,
           volume_defaulted, positions, string_to_array(codes, ','), awb_number, hold_id, bill, created_at,
           created_at, channel, dimensions
    from given
), legs as (
    insert into booking_legs (booking_id, id, sequence, flight_id, flight_number, origin, destination,
                              departure_at, arrival_at, status, pieces, weight_hg, volume_l, positions)
    select * from unnest($27::uuid[], $28::uuid[], $29::int[], $30::uuid[], $31::text[], $32::text[],
                         $33::text[], $34::timestamptz[], $35::timestamptz[], $36::text[], $37::int[],
                         $38::bigint[], $39::bigint[], $40::bigint[])
), told as (
    insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at, organization_id)
    select $42, id, 1, 'BOOKED', message, created_at, organization_id from given
)
insert into booking_events (booking_id, sequence, id, event_type, status, location, flight_id, flight_number,
                            leg_id, pieces, weight_hg, actor_id, data_version, data, occurred_at, created_at)
select id, 1, event_id, 'BOOKED', status, origin, flight_id, flight_number, leg_id, pieces, weight_hg,
       created_by, $41, data, created_at, created_at
from given
