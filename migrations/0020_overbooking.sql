-- More may be sold on a flight than its aircraft carries. What is offered, capacity_*, is what is carried, physical_*, and a
-- percentage of it, rounded down. Where the percentage is 0, physical_* is null and capacity_* is both: so rows that were
-- written without these columns mean what they say, and those of most flights are no longer than before.
alter table flight_capacity
    add column physical_weight_hg bigint,
    add column physical_volume_l bigint,
    add column physical_positions bigint,
    add column overbooking_weight_percent smallint not null default 0,
    add column overbooking_volume_percent smallint not null default 0,
    add column overbooking_positions_percent smallint not null default 0,
    -- One check: each costs every booking time.
    add constraint flight_capacity_authorized check (
        case when overbooking_weight_percent = 0 then physical_weight_hg is null
             else overbooking_weight_percent between 1 and 100 and physical_weight_hg is not null
                  and capacity_weight_hg = physical_weight_hg * (100 + overbooking_weight_percent) / 100 end
        and
        case when overbooking_volume_percent = 0 then physical_volume_l is null
             else overbooking_volume_percent between 1 and 100 and physical_volume_l is not null
                  and capacity_volume_l = physical_volume_l * (100 + overbooking_volume_percent) / 100 end
        and
        case when overbooking_positions_percent = 0 then physical_positions is null
             else overbooking_positions_percent between 1 and 100 and physical_positions is not null
                  and capacity_positions = physical_positions * (100 + overbooking_positions_percent) / 100 end);

-- The version before sets capacity_* alone. A figure that it changes is what is carried, and no longer overbooked; the replay
-- of flights from their events does the same. Statements that do not set capacity_*, as those of bookings, do not run this.
create function forget_overbooking() returns trigger language plpgsql as $$
begin
    if new.capacity_weight_hg <> old.capacity_weight_hg
       and (new.physical_weight_hg, new.overbooking_weight_percent)
           is not distinct from (old.physical_weight_hg, old.overbooking_weight_percent) then
        new.physical_weight_hg := null;
        new.overbooking_weight_percent := 0;
    end if;
    if new.capacity_volume_l <> old.capacity_volume_l
       and (new.physical_volume_l, new.overbooking_volume_percent)
           is not distinct from (old.physical_volume_l, old.overbooking_volume_percent) then
        new.physical_volume_l := null;
        new.overbooking_volume_percent := 0;
    end if;
    if new.capacity_positions <> old.capacity_positions
       and (new.physical_positions, new.overbooking_positions_percent)
           is not distinct from (old.physical_positions, old.overbooking_positions_percent) then
        new.physical_positions := null;
        new.overbooking_positions_percent := 0;
    end if;
    return new;
end
$$;

create trigger flight_capacity_forget_overbooking
    before update of capacity_weight_hg, capacity_volume_l, capacity_positions on flight_capacity
    for each row
    when (old.overbooking_weight_percent + old.overbooking_volume_percent + old.overbooking_positions_percent > 0)
    execute function forget_overbooking();
