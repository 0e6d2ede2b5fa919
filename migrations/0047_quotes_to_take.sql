-- Quotes that can still be taken are listed: those of the last hour, among all that were made. Writers of quotes wait while it is built.
create index quotes_to_take on quotes (expires_at, organization_id) where not is_taken;
