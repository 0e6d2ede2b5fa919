with given as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bool[], $6::bytea[], $7::bool[],
                         $8::text[], $9::text[], $10::int[], $11::bigint[], $12::bigint[], $13::bool[], $14::bigint[],
                         $15::text[], $16::text[], $17::text[], $18::timestamptz[], $19::timestamptz[],
                         $20::timestamptz[], $21::text[], $22::text[], $23::jsonb[], $24::jsonb[], $25::jsonb[],
                         $26::uuid[], $27::jsonb[], $28::jsonb[], $42::text[], $43::uuid[], $44::uuid[], $45::int[],
                         $46::timestamptz[], $47::text[], $48::jsonb[])
        as h (id, kind, organization_id, created_by, is_guest, address_key, is_counted, origin, destination, pieces,
              weight_hg, volume_l, volume_defaulted, positions, product, codes, awb_number, expires_at,
              latest_expires_at, created_at, description, customer_reference, shipper, consignee, contact, actor_id,
              data, message, status, quote_id, payment_id, attempts, active_until, channel, dimensions)
), held as (
    insert into holds (id, kind, status, organization_id, created_by, is_guest, address_key, is_counted, origin,
                       destination, pieces, weight_hg, volume_l, volume_defaulted, positions, product,
                       special_handling_codes, awb_number, expires_at, latest_expires_at, created_at, updated_at,
                       quote_id, payment_id, attempts, active_until, channel, dimensions)
    select id, kind, status, organization_id, created_by, is_guest, address_key, is_counted, origin, destination,
           pieces, weight_hg, volume_l, volume_defaulted, positions, product, string_to_array(codes, ','), awb_number,
           expires_at, latest_expires_at, created_at, created_at, quote_id, payment_id, attempts, active_until,
           channel, dimensions
    from given
), legs as (
    insert into hold_legs (hold_id, sequence, flight_id, flight_number, origin, destination, departure_at, arrival_at,
                           weight_hg, volume_l, positions, position_names, is_open)
    select hold_id, sequence, flight_id, number, origin, destination, departure, arrival, weight, volume, positions,
           string_to_array(names, ','), true
    from unnest($29::uuid[], $30::int[], $31::uuid[], $32::text[], $33::text[], $34::text[], $35::timestamptz[],
                $36::timestamptz[], $37::bigint[], $38::bigint[], $39::bigint[], $40::text[])
         as l (hold_id, sequence, flight_id, number, origin, destination, departure, arrival, weight, volume, positions,
               names)
), texts as (
    insert into hold_texts (hold_id, description, customer_reference, shipper, consignee, contact)
    select id, description, customer_reference, shipper, consignee, contact from given
    where num_nonnulls(description, customer_reference, shipper, consignee, contact) > 0
), told as (
    insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at, organization_id)
    select $41, id, 1, 'CREATED', message, created_at, organization_id from given
)
insert into hold_events (hold_id, sequence, event_type, actor_id, data, created_at)
select id, 1, 'CREATED', actor_id, data, created_at from given
