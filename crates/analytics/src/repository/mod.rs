//! All SQL of this room: a statement for each report. It sees one moment, groups in the database, and returns the rows of the
//! largest groups, one row for the others, and one for all.
//!
//! The first parameters of a statement are the [`Offsets`](super::model::Offsets) by which it finds local dates. Bookings, quotes
//! and holds are found by the instants in their ids, between which all local dates of the report lie.
mod daily;
mod demand;
mod flights;
mod funnel;
mod popular;
mod searches;
mod stations;
mod transit;
mod volume;

pub(super) use daily::daily;
pub(super) use demand::demand;
pub(super) use flights::flights;
pub(super) use funnel::funnel;
pub(super) use popular::{popular, replace_popular};
pub(super) use searches::{count_searches, searches};
pub(super) use stations::{insights, replace_insights, replace_trends, trends};
pub(super) use transit::transit;
pub(super) use volume::volume;
