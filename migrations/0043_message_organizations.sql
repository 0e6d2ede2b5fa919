-- Whose thing a message is about, so that readers of the outbox skip organizations that nobody listens for, before any statement. Null:
-- nobody's alone, or written by a process of the version before.
alter table outbox add column organization_id uuid;
