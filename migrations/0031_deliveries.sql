-- Far from the newest, a page of a webhook's deliveries passes over thousands of rows: what is chosen by stands in the index, so that
-- they are not read. Writers wait for about a second per million rows while it is built.
drop index webhook_deliveries_by_webhook;
create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, id) include (status, is_own);
