-- Steps of flights that have not reached all of their bookings yet. The flight itself has made the step; its bookings follow,
-- some at a time in transactions of their own, and the row is deleted with the last of them.
create table flight_steps (
    flight_id   uuid primary key references flights (id),
    step        text        not null check (step in ('DEPART', 'ARRIVE', 'CANCEL', 'RETIME')),
    -- When the flight left or landed.
    occurred_at timestamptz check ((occurred_at is not null) = (step in ('DEPART', 'ARRIVE'))),
    -- Why it was cancelled.
    reason      text,
    actor_id    uuid,
    -- The last booking that was looked at, in ascending order of id.
    done_to     uuid        not null default '00000000-0000-0000-0000-000000000000',
    created_at  timestamptz not null
);
