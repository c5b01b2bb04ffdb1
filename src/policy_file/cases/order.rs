//! What a case says of orders.

use std::time::Duration;

use super::read::{Errors, named, subject};
use super::{Ordered, Placed};
use crate::policy_file::duration;
use crate::policy_file::place::Place;
use crate::policy_file::suggestion::quoted;

/// The order that a case puts on its binding.
pub(super) fn ordered(place: &Place<'_>, errors: &mut Errors) -> Ordered {
    let subjects = place.field("for").map(|list| {
        let items = list.items();
        let subjects = items.iter().filter_map(|one| subject(one, errors));
        subjects.collect()
    });
    Ordered {
        by: named(place, "by", errors),
        subjects,
        age: place
            .field("age")
            .map_or(Duration::ZERO, |field| age(&field, errors)),
        placed: place.word_of("placed").unwrap_or(Placed::UnderThisGuard),
    }
}

fn age(field: &Place<'_>, errors: &mut Errors) -> Duration {
    let text = field.text().unwrap_or_default();
    duration::parse(text).unwrap_or_else(|fault| {
        errors.push(field.error(format!("{} {fault}", quoted(text))));
        Duration::ZERO
    })
}
