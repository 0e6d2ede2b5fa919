-- Payments are listed, newest first, by status, by booking and by what is due. Those that are open or have failed are few among all that
-- were captured. Writers of payments wait while both are built.
create index payments_by_status on payments (status, id);
create index payments_by_booking_ref on payments (booking_ref, id) where booking_ref is not null;
