-- The few payments that owe a refund are listed. Writers of operations wait while it is built.
create index payment_operations_refunds_due on payment_operations (payment_id)
    where kind = 'REFUND' and status in ('OPEN', 'UNRESOLVED');
