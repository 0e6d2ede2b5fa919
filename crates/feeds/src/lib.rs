//! Feeds: schedules, tariffs and reference rates that arrive by themselves, by URL, by folder or by hand. Decides what a file may
//! change without a person. Comparing and applying are those of the imports and of seasons: there is no second way.
mod apply;
mod carry;
mod dto;
mod error;
mod folder;
mod metric;
mod model;
mod noted;
mod repository;
mod reseal;
mod room;
mod router;
mod runs;
mod service;
mod shown;
mod source;
mod work;
mod write;

pub use model::FEED;
pub use reseal::Resealed;
pub use room::ROOM;
pub use service::FeedService;
