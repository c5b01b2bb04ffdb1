//! The removal of companions: updates and deletions of companion bindings, judged by which persona
//! subjects they leave uncovered.
//!
//! The API server asks about these by a webhook of its own, `removal.bindguard.dev`, at the same
//! path; neither the URL nor the review says which webhook asks. So every call is judged by both
//! rules, and gets one answer and one record. Their match conditions leave no call to both webhooks
//! (see `configuration`), so nothing is told twice.
//!
//! - A change that the persona rule refuses takes nothing away, so it is not looked at here.
//! - That webhook fails open, and the other does not: a call that the persona rule has decided is
//!   never held up by a removal that cannot be judged. A warning says that it was not.
//! - Whoever may change this binding may not read every binding of its subjects. So messages name
//!   subjects that the binding itself names, the personas, and how many bindings there are; names
//!   and namespaces of persona bindings, and subjects that only a group covered, are for the record.

mod change;
mod evidence;
mod judge;
mod losers;
mod message;
mod verdict;

pub(super) use judge::{Beside, Told, judge};
