//! Lists of bookings: whose, which, in which order, page by page.
mod filters;
mod pages;
