-- How often in a row the check of an alert has failed: each failure doubles the time until the next attempt.
alter table alerts
    add column failures integer not null default 0 check (failures >= 0);
