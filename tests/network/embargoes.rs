//! Embargoes: who keeps them, what they say, and where they are obeyed.
mod amending;
mod booking;
mod elsewhere;
mod faults;
mod keeping;
mod searching;
