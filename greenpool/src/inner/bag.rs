//! A set of values under keys that are reused.

use slab::Slab;

/// A slab whose entries are also in a list, in order of insertion. So the first and the last entry, and the one after
/// any other, are found without a search, however many have been removed. An entry can be moved to the end.
pub(crate) struct Bag<T> {
    entries: Slab<Entry<T>>,
    first: Option<usize>,
    last: Option<usize>,
}

struct Entry<T> {
    value: T,
    before: Option<usize>,
    after: Option<usize>,
}

impl<T> Default for Bag<T> {
    fn default() -> Self {
        Bag { entries: Slab::new(), first: None, last: None }
    }
}

impl<T> Bag<T> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a value at the end of the list, and returns its key.
    pub(crate) fn insert(&mut self, value: T) -> usize {
        let key = self.entries.insert(Entry { value, before: None, after: None });
        self.link(key);
        key
    }

    /// Moves the entry with this key to the end of the list.
    pub(crate) fn move_to_end(&mut self, key: usize) {
        if self.last != Some(key) && self.entries.contains(key) {
            self.unlink(key);
            self.link(key);
        }
    }

    fn link(&mut self, key: usize) {
        let before = self.last.replace(key);
        (self.entries[key].before, self.entries[key].after) = (before, None);
        match before {
            Some(before) => self.entries[before].after = Some(key),
            None => self.first = Some(key),
        }
    }

    fn unlink(&mut self, key: usize) {
        let Entry { before, after, .. } = self.entries[key];
        match before {
            Some(before) => self.entries[before].after = after,
            None => self.first = after,
        }
        match after {
            Some(after) => self.entries[after].before = before,
            None => self.last = before,
        }
    }

    pub(crate) fn remove(&mut self, key: usize) -> Option<T> {
        if !self.entries.contains(key) {
            return None;
        }
        self.unlink(key);
        let Entry { value, .. } = self.entries.remove(key);
        if self.is_empty() {
            // The memory of a burst comes back.
            self.entries.shrink_to_fit();
        }
        Some(value)
    }

    pub(crate) fn get(&self, key: usize) -> Option<&T> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    pub(crate) fn first(&self) -> Option<(usize, &T)> {
        let key = self.first?;
        Some((key, self.get(key)?))
    }

    /// The entry after the one with this key.
    pub(crate) fn after(&self, key: usize) -> Option<(usize, &T)> {
        let key = self.entries.get(key)?.after?;
        Some((key, self.get(key)?))
    }

    /// All entries, from the end of the list.
    pub(crate) fn iter_back(&self) -> impl Iterator<Item = (usize, &T)> {
        let entry = |key: usize| Some((key, self.get(key)?));
        std::iter::successors(self.last.and_then(entry), move |(key, _)| entry(self.entries.get(*key)?.before?))
    }

    /// All entries, in the order of the list.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        std::iter::successors(self.first(), |(key, _)| self.after(*key))
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    use super::Bag;

    proptest! {
        #[test]
        fn it_keeps_the_order_of_its_entries(steps in vec(any::<(bool, usize)>(), 0..200)) {
            let (mut bag, mut model) = (Bag::default(), Vec::<(usize, usize)>::new());
            for (number, (inserts, pick)) in steps.into_iter().enumerate() {
                if inserts || model.is_empty() {
                    model.push((bag.insert(number), number));
                } else if pick % 3 == 0 {
                    let moved = model.remove(pick % model.len());
                    bag.move_to_end(moved.0);
                    model.push(moved);
                } else {
                    let (key, value) = model.remove(pick % model.len());
                    assert_eq!(bag.remove(key), Some(value));
                    assert_eq!((bag.remove(key), bag.get(key), bag.after(key)), (None, None, None));
                }
                assert!(bag.iter().map(|(key, value)| (key, *value)).eq(model.iter().copied()));
                assert!(bag.iter_back().map(|(key, value)| (key, *value)).eq(model.iter().rev().copied()));
                assert_eq!((bag.len(), bag.is_empty()), (model.len(), model.is_empty()));
                assert_eq!(bag.first().map(|(key, _)| key), model.first().map(|(key, _)| *key));
            }
        }
    }
}
