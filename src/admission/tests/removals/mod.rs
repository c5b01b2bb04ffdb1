//! Removals of companions, from body to answer.

mod agreement;
mod passing;
mod refusing;
mod world;
