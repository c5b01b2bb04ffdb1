use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{BATCHES_KEY, DENIALS_KEY, MOST_WRITERS, Stored};
use crate::audit::history::tally::Bounds;
use crate::audit::history::tally::tests::{denial, seen};

fn data(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect()
}

fn good() -> Stored {
    let mut stored = Stored::default();
    stored.denials.add(denial("bob", "b"), seen(3, 10, 20));
    stored.note("0011223344556677", 7);
    stored
}

#[test]
fn an_entry_is_a_line_that_people_can_read() {
    assert_eq!(
        good().write()[DENIALS_KEY],
        "{\"requester\":\"bob\",\"binding\":{\"kind\":\"RoleBinding\",\"namespace\":\"dev\",\
         \"name\":\"b\"},\"persona\":\"view\",\"missing\":[],\"count\":3,\
         \"first_seen\":\"1970-01-01T00:00:10Z\",\"last_seen\":\"1970-01-01T00:00:20Z\"}\n"
    );
    assert_eq!(good().write()[BATCHES_KEY], "0011223344556677 7\n");
}

#[test]
fn an_empty_object_is_an_empty_history() {
    assert_eq!(Stored::read(&BTreeMap::new()), Stored::default());
}

#[test]
fn garbage_is_counted_and_costs_nothing_that_is_good() {
    let mut data = good().write();
    let denials = data.get_mut(DENIALS_KEY).unwrap();
    let line = denials.clone();
    denials.push_str("no JSON\n{\"requester\":\"half");
    denials.push_str("\n[]\n\n");
    denials.push_str(&line.replace(":3,", ":0,"));
    denials.push_str(&line.replace("RoleBinding", "Pod"));
    denials.push_str(&line.replace("1970-01-01T00:00:10Z", "yesterday"));
    let batches = data.get_mut(BATCHES_KEY).unwrap();
    batches.push_str("x\ny -1\n");
    batches.extend(["z".repeat(1_000).as_str(), " 1\n"]);
    data.insert("notes".to_owned(), "by hand".to_owned());
    let read = Stored::read(&data);
    assert_eq!(read.garbage, 6 + 3 + 1);
    assert_eq!(read.denials, good().denials);
    assert_eq!(read.batches, good().batches);
    assert_eq!(Stored::read(&read.write()).garbage, 0);
}

#[test]
fn the_same_key_twice_is_one_entry() {
    let line = &good().write()[DENIALS_KEY];
    let read = Stored::read(&data(&[(DENIALS_KEY, &line.repeat(2))]));
    let entries: Vec<_> = read.denials.iter().collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].1, seen(6, 10, 20));
}

#[test]
fn counts_that_overflow_stay_at_the_most() {
    let line = good().write()[DENIALS_KEY].replace(":3,", &format!(":{},", u64::MAX));
    let read = Stored::read(&data(&[(DENIALS_KEY, &line.repeat(2))]));
    assert_eq!(read.denials.calls(), u64::MAX);
    assert_eq!(Stored::read(&read.write()), read);
}

#[test]
fn too_much_is_cut_when_it_is_read() {
    let line = good().write()[DENIALS_KEY].clone();
    let lines: String = (0..3_000)
        .map(|number| line.replace("\"b\"", &format!("\"b{number}\"")))
        .collect();
    let read = Stored::read(&data(&[(DENIALS_KEY, &lines)]));
    assert_eq!(read.denials.len(), Bounds::HISTORY.entries);
    assert_eq!(read.garbage, 1_000);
}

#[test]
fn a_batch_is_known_by_its_writer_and_number_for_as_long_as_few_others_write() {
    let mut stored = Stored::default();
    stored.note("a", 2);
    assert!(stored.has("a", 1) && stored.has("a", 2));
    assert!(!stored.has("a", 3) && !stored.has("b", 1));
    for number in 1..MOST_WRITERS {
        stored.note(&format!("other-{number}"), 1);
    }
    assert!(stored.has("a", 2));
    stored.note("a", 3);
    assert!(stored.has("other-1", 1));
    stored.note("one-more", 1);
    assert!(stored.has("a", 3) && !stored.has("other-1", 1));
    assert_eq!(Stored::read(&stored.write()), stored);
}

proptest! {
    #[test]
    fn any_text_is_read_and_what_is_written_of_it_is_good(
        denials in "(\\PC|[\\x00-\\x1f\"{}\\[\\]:,]){0,200}", batches in "\\PC{0,60}",
    ) {
        let read = Stored::read(&data(&[(DENIALS_KEY, &denials), (BATCHES_KEY, &batches)]));
        let again = Stored::read(&read.write());
        prop_assert_eq!(again.garbage, 0);
        prop_assert_eq!(again.denials, read.denials);
        prop_assert_eq!(again.batches, read.batches);
    }
}
