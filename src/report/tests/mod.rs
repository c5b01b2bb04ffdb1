//! Reports of clusters that are made by hand.

mod clusters;
mod survey;
