//! Numbered places that are used again once they are free.

/// How many places are allocated at a time.
///
/// One growing `Vec` would hold up to twice what it needs and copy everything, while lookups wait
/// for the lock, each time that it grows.
const CHUNK: usize = 1024;

/// Values by a small number that stays theirs until they are removed.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
}

impl<T: Default> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts the value in a free place and tells its number; `None` when all 2^32 are taken.
    pub(super) fn insert(&mut self, value: T) -> Option<u32> {
        if let Some(number) = self.free.pop() {
            *self.get_mut(number)? = value;
            return Some(number);
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let full = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut()?;
        let number = u32::try_from(full + chunk.len()).ok()?;
        chunk.push(value);
        Some(number)
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let number = number as usize;
        self.chunks.get(number / CHUNK)?.get(number % CHUNK)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let number = number as usize;
        self.chunks.get_mut(number / CHUNK)?.get_mut(number % CHUNK)
    }

    /// Takes the value out and frees its place. The number must be in use: one that is freed
    /// twice would be given to two values.
    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let value = std::mem::take(self.get_mut(number)?);
        self.free.push(number);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Slab};

    #[test]
    fn a_freed_place_is_used_again() {
        let mut slab = Slab::new();
        let first = slab.insert("first".to_owned()).unwrap();
        let second = slab.insert("second".to_owned()).unwrap();
        assert_eq!(slab.remove(first).as_deref(), Some("first"));
        assert_eq!(slab.insert("third".to_owned()), Some(first));
        assert_eq!(slab.get(first).map(String::as_str), Some("third"));
        assert_eq!(slab.get(second).map(String::as_str), Some("second"));
    }

    #[test]
    fn numbers_go_on_across_chunks() {
        let mut slab = Slab::new();
        for value in 0..=3 * CHUNK {
            assert_eq!(slab.insert(value), u32::try_from(value).ok());
        }
        let number = u32::try_from(2 * CHUNK).unwrap();
        assert_eq!(slab.get(number), Some(&(2 * CHUNK)));
        assert_eq!(slab.get(number * 2), None);
    }
}
