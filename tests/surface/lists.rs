//! Lists of bookings: whose, which, in which order, page by page.
mod cursors;
mod described;
mod filters;
mod million;
mod pages;
mod sorting;
mod stable;
