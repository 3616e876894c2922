//! A set of values under keys that are reused.

use slab::Slab;

/// A slab whose entries are also in a list, in order of insertion. So the first and the last entry, and the one after
/// any other, are found without a search, however many have been removed. An entry can be moved to the end, or set
/// aside: out of the list.
pub(crate) struct Bag<T> {
    entries: Slab<Entry<T>>,
    /// The first and the last entry of the list.
    first: Option<usize>,
    last: Option<usize>,
    /// The number of the last place that was given.
    places: u64,
}

struct Entry<T> {
    value: T,
    before: Option<usize>,
    after: Option<usize>,
    /// Increases along the list. 0 outside of it.
    place: u64,
    is_aside: bool,
}

/// Where an entry of the list was.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) key: usize,
    number: u64,
}

impl<T> Default for Bag<T> {
    fn default() -> Self {
        Bag { entries: Slab::new(), first: None, last: None, places: 0 }
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
        let key = self.entries.insert(Entry { value, before: None, after: None, place: 0, is_aside: false });
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

    /// Takes the entry with this key out of the list. It stays in the set.
    pub(crate) fn set_aside(&mut self, key: usize) {
        if self.entries.contains(key) {
            self.unlink(key);
            let entry = &mut self.entries[key];
            (entry.place, entry.is_aside) = (0, true);
        }
    }

    fn link(&mut self, key: usize) {
        self.places += 1;
        let before = self.last.replace(key);
        let entry = &mut self.entries[key];
        (entry.before, entry.after, entry.place, entry.is_aside) = (before, None, self.places, false);
        match before {
            Some(before) => self.entries[before].after = Some(key),
            None => self.first = Some(key),
        }
    }

    fn unlink(&mut self, key: usize) {
        let Entry { before, after, is_aside, .. } = self.entries[key];
        if is_aside {
            return;
        }
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

    pub(crate) fn is_aside(&self, key: usize) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.is_aside)
    }

    fn at(&self, key: usize) -> Option<(Place, &T)> {
        let entry = self.entries.get(key)?;
        Some((Place { key, number: entry.place }, &entry.value))
    }

    pub(crate) fn first(&self) -> Option<(Place, &T)> {
        self.at(self.first?)
    }

    /// The entry after that place, even if the one that was there has been moved or set aside since.
    pub(crate) fn after(&self, place: Place) -> Option<(Place, &T)> {
        match self.entries.get(place.key) {
            Some(entry) if entry.place == place.number => self.at(entry.after?),
            _ => self.iter().find(|(other, _)| other.number > place.number),
        }
    }

    pub(crate) fn last(&self) -> Option<(Place, &T)> {
        self.at(self.last?)
    }

    /// The entry before that place, in the same way.
    pub(crate) fn before(&self, place: Place) -> Option<(Place, &T)> {
        match self.entries.get(place.key) {
            Some(entry) if entry.place == place.number => self.at(entry.before?),
            _ => self.iter_back().find(|(other, _)| other.number < place.number),
        }
    }

    /// The last entry or, with the place of one, the one before that: for a walk from the end.
    pub(crate) fn newest(&self, before: Option<Place>) -> Option<(Place, &T)> {
        before.map_or_else(|| self.last(), |place| self.before(place))
    }

    /// The entries of the list, from its end.
    pub(crate) fn iter_back(&self) -> impl Iterator<Item = (Place, &T)> {
        std::iter::successors(self.last(), |(place, _)| self.at(self.entries.get(place.key)?.before?))
    }

    /// The entries of the list, in its order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &T)> {
        std::iter::successors(self.first(), |(place, _)| self.at(self.entries.get(place.key)?.after?))
    }

    /// All entries, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, entry)| &entry.value)
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    use super::Bag;

    proptest! {
        #[test]
        fn it_keeps_the_order_of_its_entries(steps in vec(any::<(u8, usize)>(), 0..200)) {
            let (mut bag, mut list) = (Bag::default(), Vec::<(usize, usize)>::new());
            let mut aside = Vec::<(usize, usize)>::new();
            // Those that a walk through the list has come to, and where it is.
            let (mut walked, mut place) = (Vec::new(), None);
            for (number, (step, pick)) in steps.into_iter().enumerate() {
                let at = pick % list.len().max(1);
                match step % 8 {
                    0 if !list.is_empty() => {
                        let moved = list.remove(at);
                        bag.move_to_end(moved.0);
                        if at < list.len() {
                            // It is yet to come.
                            walked.retain(|value| *value != moved.1);
                        }
                        list.push(moved);
                    }
                    1 if !aside.is_empty() => {
                        let back = aside.remove(pick % aside.len());
                        bag.move_to_end(back.0);
                        walked.retain(|value| *value != back.1);
                        list.push(back);
                    }
                    2 if !list.is_empty() => {
                        bag.set_aside(list[at].0);
                        aside.push(list.remove(at));
                    }
                    3 if !aside.is_empty() => {
                        let (key, value) = aside.remove(pick % aside.len());
                        assert_eq!(bag.remove(key), Some(value));
                    }
                    4 if !list.is_empty() => {
                        let (key, value) = list.remove(at);
                        assert_eq!(bag.remove(key), Some(value));
                        assert_eq!((bag.remove(key), bag.get(key)), (None, None));
                    }
                    5 | 6 => {
                        let next = place.map_or_else(|| bag.first(), |place| bag.after(place));
                        // What has been in the list for longer than the last one that was walked comes before that.
                        let expected = list.iter().find(|(_, value)| !walked.contains(value));
                        assert_eq!(next.map(|(_, value)| *value), expected.map(|(_, value)| *value));
                        place = next.map(|(place, _)| place).or(place);
                        walked.extend(next.map(|(_, value)| *value));
                    }
                    _ => list.push((bag.insert(number), number)),
                }
                assert!(bag.iter().map(|(place, value)| (place.key, *value)).eq(list.iter().copied()));
                assert!(bag.iter_back().map(|(place, value)| (place.key, *value)).eq(list.iter().rev().copied()));
                if let Some(place) = place {
                    let before = bag.iter().filter(|(other, _)| other.number < place.number).last();
                    assert_eq!(bag.before(place).map(|(_, value)| value), before.map(|(_, value)| value));
                }
                assert_eq!(bag.last().map(|(place, _)| place.key), list.last().map(|(key, _)| *key));
                let len = list.len() + aside.len();
                assert_eq!((bag.len(), bag.is_empty()), (len, len == 0));
                assert_eq!(bag.first().map(|(place, _)| place.key), list.first().map(|(key, _)| *key));
                assert!(aside.iter().all(|(key, _)| bag.is_aside(*key)));
                assert!(!list.iter().any(|(key, _)| bag.is_aside(*key)));
            }
        }
    }
}
