//! All SQL of this room outside its sub-room. Who is notified of what depends on tables of lower rooms, which are joined here: one
//! statement finds the receivers of a whole batch of messages.
pub(super) mod consents;
pub(super) mod erase;
pub(super) mod facts;
pub(super) mod guests;
pub(super) mod invitations;
pub(super) mod lists;
pub(super) mod preferences;
pub(super) mod receivers;
pub(super) mod reminders;
