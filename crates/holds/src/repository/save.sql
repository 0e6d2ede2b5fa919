with given as materialized (
    select * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bigint[],
                         $9::bigint[], $10::bool[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::uuid[],
                         $16::text[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::int[],
                         $21::int[], $22::timestamptz[], $23::text[], $24::uuid[], $25::jsonb[], $26::jsonb[], $28::uuid[],
                         $29::uuid[], $30::int[], $31::timestamptz[], $32::uuid[], $33::jsonb[])
        as h (id, status, end_reason, origin, destination, pieces, weight_hg, volume_l, volume_defaulted, positions,
              product, codes, awb_number, booking_id, booking_ref, expires_at, latest_expires_at, ended_at,
              event_sequence, version, updated_at, event_type, actor_id, data, message, quote_id, payment_id, attempts,
              active_until, organization_id, dimensions)
), saved as (
    update holds h
    set status = g.status, end_reason = g.end_reason, origin = g.origin, destination = g.destination,
        pieces = g.pieces, weight_hg = g.weight_hg, volume_l = g.volume_l, volume_defaulted = g.volume_defaulted,
        positions = g.positions, product = g.product, special_handling_codes = string_to_array(g.codes, ','),
        awb_number = g.awb_number, booking_id = g.booking_id, booking_ref = g.booking_ref, expires_at = g.expires_at,
        latest_expires_at = g.latest_expires_at, ended_at = g.ended_at, event_sequence = g.event_sequence,
        version = g.version, updated_at = g.updated_at, quote_id = g.quote_id, payment_id = g.payment_id,
        attempts = g.attempts, active_until = g.active_until, dimensions = g.dimensions
    from given g
    where h.id = any($1) and h.id = g.id
), closed as (
    update hold_legs l set is_open = false
    from given g
    where l.hold_id = any($1) and l.hold_id = g.id and l.is_open and g.status not in ('ACTIVE', 'COMMITTING')
), told as (
    insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at, organization_id)
    select $27, id, event_sequence, event_type, message, updated_at, organization_id from given
)
insert into hold_events (hold_id, sequence, event_type, actor_id, data, created_at)
select id, event_sequence, event_type, actor_id, data, updated_at from given
