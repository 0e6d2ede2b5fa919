-- Payments are listed, newest first, by status, by booking and by what is due. Those that are open, have failed or owe a refund are few
-- among all that were captured, and are read by an index. Writers wait for about a second per million rows while each is built.
create index payments_by_status on payments (status, id);
create index payments_by_booking_ref on payments (booking_ref, id) where booking_ref is not null;
create index payment_operations_refunds_due on payment_operations (payment_id)
    where kind = 'REFUND' and status in ('OPEN', 'UNRESOLVED');

-- Quotes that can still be taken are listed: those of the last hour, among all that were made.
create index quotes_to_take on quotes (expires_at, organization_id) where not is_taken;
