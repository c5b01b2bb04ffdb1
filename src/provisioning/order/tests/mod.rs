mod form;
mod judging;
mod laws;
mod placing;
mod world;
