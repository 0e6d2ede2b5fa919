-- Any room may write messages about its own things: which kinds there are is said by the rooms, not by the table.
alter table outbox
    drop constraint outbox_aggregate_check,
    add constraint outbox_aggregate_check check (aggregate ~ '^[a-z][a-z_]*$') not valid;
