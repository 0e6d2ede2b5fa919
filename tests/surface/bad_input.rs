//! What is wrong with a request is told completely, with a code and a place for each fault; nothing is written.
mod cancelling;
mod creating;
mod documents;
mod moving;
mod private_keys;
mod sweep;
