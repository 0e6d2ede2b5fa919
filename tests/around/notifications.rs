//! Who is told what, by e-mail and SMS.
mod acceptance;
mod consent;
mod emissions;
mod hearing;
mod languages;
mod letters;
mod lists;
mod preferences;
mod privacy;
mod reminders;
mod texts;
mod told;
