//! Identities with what they hold, packed: names beside their header, without an allocation each.
//!
//! That halves what they cost, and one lookup less has to wait for memory.

use std::array;
use std::hint::black_box;

use super::bits;
use super::slab::Slab;
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::Identity;

/// The sizes of the places that there are. A record takes the smallest that it fits in; the few
/// that fit in none are allocated one by one.
const SIZES: [usize; 10] = [16, 24, 32, 40, 48, 64, 96, 128, 192, 256];
/// Form, length of the namespace, length of namespace and name, and two of what is held.
const HEADER: usize = 5;
/// Places are allocated so many at a time, so that growing copies nothing.
const CHUNK: usize = 512;
/// What the processor brings near at a time. Chunks begin where one does, so that most records lie
/// in one, and a lookup waits for that alone.
const LINE: usize = 64;

/// A record's number has the position of its size in [`SIZES`] in its upper bits.
const SIZE_SHIFT: u32 = 28;
const PLACE_MASK: u32 = (1 << SIZE_SHIFT) - 1;
const LONG: usize = 15;

/// All records.
#[derive(Debug)]
pub(super) struct Records {
    short: [Places; SIZES.len()],
    long: Slab<Long>,
}

/// A record whose name is too long for the packed form.
#[derive(Debug, Default)]
struct Long {
    text: Box<str>,
    namespace_length: u32,
    held: CompanionSet,
    form: u8,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            short: array::from_fn(|position| {
                Places::new(SIZES.get(position).copied().unwrap_or_default())
            }),
            long: Slab::new(),
        }
    }

    /// Adds an identity that holds nothing yet; `None` if there are too many.
    pub(super) fn insert(&mut self, identity: Identity<'_>) -> Option<u32> {
        let (form, namespace, name) = parts(identity);
        let needed = HEADER + namespace.len() + name.len();
        let Some(position) = SIZES.iter().position(|size| needed <= *size) else {
            let place = self.long.insert(Long {
                text: [namespace, name].concat().into_boxed_str(),
                namespace_length: u32::try_from(namespace.len()).ok()?,
                held: CompanionSet::EMPTY,
                form,
            })?;
            return number(LONG, place);
        };
        let places = self.short.get_mut(position)?;
        let place = places.take()?;
        let [form_byte, namespace_length, length, low, high, text @ ..] = places.get_mut(place)?
        else {
            return None;
        };
        *form_byte = form;
        *namespace_length = u8::try_from(namespace.len()).ok()?;
        *length = u8::try_from(namespace.len() + name.len()).ok()?;
        (*low, *high) = (0, 0);
        let bytes = namespace.bytes().chain(name.bytes());
        text.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        number(position, place)
    }

    /// The identity with this number, and what it holds.
    pub(super) fn get(&self, number: u32) -> Option<(Identity<'_>, CompanionSet)> {
        let (position, place) = split(number);
        if position == LONG {
            let long = self.long.get(place)?;
            let identity = whole(long.form, long.namespace_length as usize, &long.text)?;
            return Some((identity, long.held));
        }
        let record = self.short.get(position)?.get(place)?;
        let [form, namespace_length, length, low, high, text @ ..] = record else {
            return None;
        };
        let text = str::from_utf8(text.get(..usize::from(*length))?).ok()?;
        let identity = whole(*form, usize::from(*namespace_length), text)?;
        let held = bits::to_set(u16::from_le_bytes([*low, *high]));
        Some((identity, held))
    }

    /// Brings what [`get`](Self::get) reads of this number near.
    pub(super) fn touch(&self, number: u32) {
        let (position, place) = split(number);
        let record = self
            .short
            .get(position)
            .and_then(|places| places.get(place));
        black_box(record.and_then(|record| record.first()).copied());
    }

    pub(super) fn set_held(&mut self, number: u32, held: CompanionSet) {
        let (position, place) = split(number);
        if position == LONG {
            if let Some(long) = self.long.get_mut(place) {
                long.held = held;
            }
            return;
        }
        let record = self
            .short
            .get_mut(position)
            .and_then(|places| places.get_mut(place));
        if let Some([_, _, _, low, high, ..]) = record {
            [*low, *high] = bits::of_set(held).to_le_bytes();
        }
    }

    /// Frees the number, which must be in use.
    pub(super) fn remove(&mut self, number: u32) {
        let (position, place) = split(number);
        if position == LONG {
            self.long.remove(place);
        } else if let Some(places) = self.short.get_mut(position) {
            places.free.push(place);
        }
    }
}

/// Form, namespace and name. The forms are numbers because they are kept as bytes.
const fn parts(identity: Identity<'_>) -> (u8, &str, &str) {
    match identity {
        Identity::User(name) => (0, "", name),
        Identity::Group(name) => (1, "", name),
        Identity::ServiceAccount { namespace, name } => (2, namespace, name),
        Identity::ServiceAccountsOf(namespace) => (3, "", namespace),
    }
}

fn whole(form: u8, namespace_length: usize, text: &str) -> Option<Identity<'_>> {
    match form {
        0 => Some(Identity::User(text)),
        1 => Some(Identity::Group(text)),
        2 => {
            let (namespace, name) = text.split_at_checked(namespace_length)?;
            Some(Identity::ServiceAccount { namespace, name })
        }
        3 => Some(Identity::ServiceAccountsOf(text)),
        _ => None,
    }
}

fn number(position: usize, place: u32) -> Option<u32> {
    let position = u32::try_from(position).ok()?;
    (place <= PLACE_MASK).then_some(position << SIZE_SHIFT | place)
}

const fn split(number: u32) -> (usize, u32) {
    ((number >> SIZE_SHIFT) as usize, number & PLACE_MASK)
}

/// Places of one size.
#[derive(Debug)]
struct Places {
    size: usize,
    chunks: Vec<Box<[u8]>>,
    /// How many places were ever taken.
    taken: u32,
    free: Vec<u32>,
}

impl Places {
    const fn new(size: usize) -> Self {
        Self {
            size,
            chunks: Vec::new(),
            taken: 0,
            free: Vec::new(),
        }
    }

    fn take(&mut self) -> Option<u32> {
        if let Some(place) = self.free.pop() {
            return Some(place);
        }
        let place = self.taken;
        self.taken = place.checked_add(1)?;
        if place as usize / CHUNK == self.chunks.len() {
            self.chunks
                .push(vec![0; CHUNK * self.size + LINE - 1].into_boxed_slice());
        }
        Some(place)
    }

    fn get(&self, place: u32) -> Option<&[u8]> {
        let chunk = self.chunks.get(place as usize / CHUNK)?;
        let start = first_line(chunk) + place as usize % CHUNK * self.size;
        chunk.get(start..start + self.size)
    }

    fn get_mut(&mut self, place: u32) -> Option<&mut [u8]> {
        let chunk = self.chunks.get_mut(place as usize / CHUNK)?;
        let start = first_line(chunk) + place as usize % CHUNK * self.size;
        chunk.get_mut(start..start + self.size)
    }
}

/// Where in a chunk a line begins. A chunk stays where it was allocated, and so does this.
fn first_line(chunk: &[u8]) -> usize {
    chunk.as_ptr().align_offset(LINE)
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, LINE, Places, Records};
    use crate::domain::companion_set::CompanionSet;
    use crate::domain::identity::Identity;

    #[test]
    fn every_form_of_identity_comes_back_as_it_was_at_every_length() {
        let mut records = Records::new();
        let text = "\u{e9}".repeat(200);
        let held: CompanionSet = [0, 9, 15].into_iter().collect();
        let mut kept = Vec::new();
        for length in (0..=text.len()).step_by(2) {
            let (name, namespace) = (&text[..length], &text[..length / 4 * 2]);
            for identity in [
                Identity::User(name),
                Identity::Group(name),
                Identity::ServiceAccountsOf(name),
                Identity::ServiceAccount { namespace, name },
            ] {
                let number = records.insert(identity).unwrap();
                assert_eq!(records.get(number), Some((identity, CompanionSet::EMPTY)));
                records.set_held(number, held);
                kept.push((number, identity));
            }
        }
        for (number, identity) in kept {
            assert_eq!(records.get(number), Some((identity, held)));
        }
    }

    #[test]
    fn records_of_half_a_line_never_lie_across_two() {
        let mut places = Places::new(LINE / 2);
        for number in 0..3 * u32::try_from(CHUNK).unwrap() {
            assert_eq!(places.take(), Some(number));
            let record = places.get(number).unwrap();
            assert_eq!(record.len(), LINE / 2);
            assert_eq!(record.as_ptr().addr() % (LINE / 2), 0, "{number}");
        }
    }

    #[test]
    fn a_freed_place_is_used_again_and_holds_nothing() {
        let mut records = Records::new();
        for length in [1, 100, 1000] {
            let (one, other) = ("a".repeat(length), "b".repeat(length));
            let number = records.insert(Identity::User(&one)).unwrap();
            records.set_held(number, CompanionSet::of(0));
            records.remove(number);
            let other = Identity::Group(&other);
            assert_eq!(records.insert(other), Some(number));
            assert_eq!(records.get(number), Some((other, CompanionSet::EMPTY)));
        }
    }

    #[test]
    fn numbers_go_on_across_chunks() {
        let mut records = Records::new();
        let names: Vec<_> = (0..3 * CHUNK).map(|n| format!("user-{n:05}")).collect();
        let numbers: Vec<_> = names
            .iter()
            .map(|name| records.insert(Identity::User(name)).unwrap())
            .collect();
        for (number, name) in numbers.iter().zip(&names) {
            assert_eq!(records.get(*number).unwrap().0, Identity::User(name));
        }
    }
}
