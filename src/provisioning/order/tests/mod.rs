mod form;
mod judging;
mod laws;
mod outlook;
mod placing;
mod world;
