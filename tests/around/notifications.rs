//! Who is told what, by e-mail and SMS.
mod consent;
mod hearing;
mod languages;
mod letters;
mod lists;
mod preferences;
mod privacy;
mod reminders;
mod texts;
mod told;
