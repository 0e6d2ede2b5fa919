-- What customers write about stations. Staff that did not write it decides whether it is shown. Kept for 24 months.
create table station_tips (
    id           uuid        primary key,
    airport_code text        not null references airports (iata_code) on delete cascade,
    topic        text        not null check (topic in ('ACCEPTANCE', 'CUSTOMS', 'TRAFFIC', 'SAFETY', 'OTHER')),
    body         text        not null,
    -- One address by https. It is never fetched.
    link         text,
    status       text        not null check (status in ('PENDING', 'APPROVED', 'REJECTED')),
    created_by   uuid        not null references users (id),
    -- Of readers, since it was approved last.
    reports      integer     not null default 0,
    -- Why staff decided as it did.
    reason       text,
    moderated_by uuid        references users (id),
    moderated_at timestamptz,
    version      integer     not null default 1,
    created_at   timestamptz not null,
    check ((moderated_by is null) or (moderated_at is not null))
);

create index station_tips_shown on station_tips (airport_code, id) where status = 'APPROVED';
create index station_tips_by_station on station_tips (airport_code, id);
create index station_tips_by_status on station_tips (status, id);
create index station_tips_by_author on station_tips (created_by, id);
create index station_tips_by_moderator on station_tips (moderated_by) where moderated_by is not null;
create index station_tips_by_age on station_tips (created_at);

-- Each reader reports a tip once.
create table station_tip_reports (
    tip_id      uuid        not null references station_tips (id) on delete cascade,
    user_id     uuid        not null references users (id),
    reported_at timestamptz not null,
    primary key (tip_id, user_id)
);

create index station_tip_reports_by_user on station_tip_reports (user_id);
