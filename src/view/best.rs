//! The first few of many, without sorting the many.

use std::cmp::Ordering;

/// Rows of which only the first `keep` matter.
pub(super) struct Best<T> {
    keep: usize,
    rows: Vec<T>,
    /// The last of those that mattered when it was last looked.
    worst: Option<T>,
}

/// How many rows are held at least before those that do not matter are dropped.
const SLACK: usize = 64;

impl<T: Copy> Best<T> {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            keep,
            rows: Vec::new(),
            worst: None,
        }
    }

    pub(super) fn add(&mut self, row: T, compare: &impl Fn(&T, &T) -> Ordering) {
        if self.worst.is_some_and(|worst| compare(&row, &worst).is_ge()) {
            return;
        }
        self.rows.push(row);
        // Selecting costs as much as what is held: at twice what is kept each row pays a constant.
        if self.rows.len() >= self.keep.saturating_mul(2).max(SLACK) && self.rows.len() > self.keep {
            self.rows.select_nth_unstable_by(self.keep.saturating_sub(1), compare);
            self.rows.truncate(self.keep);
            self.worst = self.rows.last().copied();
        }
    }

    /// Returns the first rows in their order.
    pub(super) fn finish(mut self, compare: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
        self.rows.sort_unstable_by(compare);
        self.rows.truncate(self.keep);
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::Best;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_keeps_what_sorting_would(numbers in proptest::collection::vec(0_u32..1000, 0..400), keep in 1_usize..80) {
            let mut best = Best::new(keep);
            for number in &numbers {
                best.add(*number, &u32::cmp);
            }
            let mut sorted = numbers;
            sorted.sort_unstable();
            sorted.truncate(keep);
            prop_assert_eq!(best.finish(&u32::cmp), sorted);
        }
    }
}
