//! The templates of this room.
use crate::post::{Templates, template_files};

/// Of the types, and of letters about several.
pub(super) const NEWS: Templates = template_files! {
    "booking_confirmed": ".subject" ".txt" ".html" ".sms";
    "departed": ".subject" ".txt" ".html" ".sms";
    "arrived": ".subject" ".txt" ".html" ".sms";
    "delivered": ".subject" ".txt" ".html" ".sms";
    "corrected": ".subject" ".txt" ".html" ".sms";
    "retimed": ".subject" ".txt" ".html" ".sms";
    "offloaded": ".subject" ".txt" ".html" ".sms";
    "cancelled": ".subject" ".txt" ".html" ".sms";
    "cutoff_reminder": ".subject" ".txt" ".html" ".sms";
    "hold_expiring": ".subject" ".txt" ".html" ".sms";
    "waitlist_offer": ".subject" ".txt" ".html" ".sms";
    "payment": ".subject" ".txt" ".html" ".sms";
    "price_alert": ".subject" ".txt" ".html" ".sms";
    "space_alert": ".subject" ".txt" ".html" ".sms";
    "webhook_failing": ".subject" ".txt" ".html" ".sms";
    "feed_failing": ".subject" ".txt" ".html" ".sms";
    "digest": ".subject" ".txt" ".html" ".sms";
};

/// Of the question to a new address.
pub(super) const QUESTION: Templates = template_files! {
    "contact_question": ".subject" ".txt" ".html" ".sms";
};

/// Of the letter that invites to a consolidation.
pub(super) const INVITATION: Templates = template_files! {
    "consolidation_invitation": ".subject" ".txt" ".html";
};

/// Of the letter to a guest.
pub(super) const GUEST: Templates = template_files! {
    "guest_booking": ".subject" ".txt" ".html";
};
