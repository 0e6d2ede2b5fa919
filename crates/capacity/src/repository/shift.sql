with moved as (
    update flight_capacity c
    set booked_weight_hg = c.booked_weight_hg + s.booked_weight,
        booked_volume_l = c.booked_volume_l + s.booked_volume,
        booked_positions = c.booked_positions + s.booked_positions,
        held_weight_hg = c.held_weight_hg + s.held_weight,
        held_volume_l = c.held_volume_l + s.held_volume,
        held_positions = c.held_positions + s.held_positions,
        aside_weight_hg = c.aside_weight_hg + s.aside_weight,
        aside_volume_l = c.aside_volume_l + s.aside_volume,
        aside_positions = c.aside_positions + s.aside_positions,
        -- Whatever was kept longer is looked at again together with what is set aside now.
        aside_until = case
            when (s.aside_weight, s.aside_volume, s.aside_positions) = (0, 0, 0) then c.aside_until
            when (c.aside_weight_hg + s.aside_weight, c.aside_volume_l + s.aside_volume,
                  c.aside_positions + s.aside_positions) = (0, 0, 0) then null
            else least(coalesce(c.aside_until, $27), $27) end,
        ledger_seq = c.ledger_seq + s.entries
    from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
         as s (flight_id, entries, booked_weight, booked_volume, booked_positions, held_weight, held_volume,
               held_positions, aside_weight, aside_volume, aside_positions)
    -- By key also while the database takes the table for small.
    where c.flight_id = s.flight_id and c.flight_id = any($1)
    returning c.*
), entered as (
    insert into capacity_ledger (flight_id, seq, kind, booking_id, leg_id, hold_id, weight_hg, volume_l, positions,
                                 capacity_weight_hg, capacity_volume_l, capacity_positions,
                                 booked_weight_hg, booked_volume_l, booked_positions,
                                 held_weight_hg, held_volume_l, held_positions, recorded_at)
    select m.flight_id, m.ledger_seq - e.later, e.kind, e.booking_id, e.leg_id, e.hold_id,
           e.weight, e.volume, e.positions, m.capacity_weight_hg, m.capacity_volume_l, m.capacity_positions,
           m.booked_weight_hg - e.booked_weight, m.booked_volume_l - e.booked_volume,
           m.booked_positions - e.booked_positions, m.held_weight_hg - e.held_weight, m.held_volume_l - e.held_volume,
           m.held_positions - e.held_positions, $28
    from moved m
    join unnest($12::uuid[], $13::text[], $14::uuid[], $15::uuid[], $16::uuid[], $17::bigint[], $18::bigint[],
                $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[],
                $25::bigint[], $26::bigint[])
         as e (flight_id, kind, booking_id, leg_id, hold_id, weight, volume, positions, later, booked_weight,
               booked_volume, booked_positions, held_weight, held_volume, held_positions)
      on e.flight_id = m.flight_id
)
select flight_id as "flight_id!", status as "status!", cutoff_at as "cutoff_at!",
       capacity_weight_hg as "capacity_weight_hg!", capacity_volume_l as "capacity_volume_l!",
       capacity_positions as "capacity_positions!",
       physical_weight_hg as "physical_weight_hg?", physical_volume_l as "physical_volume_l?",
       physical_positions as "physical_positions?", overbooking_weight_percent as "overbooking_weight_percent!",
       overbooking_volume_percent as "overbooking_volume_percent!",
       overbooking_positions_percent as "overbooking_positions_percent!", booked_weight_hg as "booked_weight_hg!",
       booked_volume_l as "booked_volume_l!", booked_positions as "booked_positions!",
       held_weight_hg as "held_weight_hg!", held_volume_l as "held_volume_l!", held_positions as "held_positions!",
       aside_weight_hg as "aside_weight_hg!", aside_volume_l as "aside_volume_l!",
       aside_positions as "aside_positions!", aside_until as "aside_until?", waiting as "waiting!",
       allotted as "allotted!", version as "version!", ledger_seq as "ledger_seq!"
from moved
