//! Cutting a page out of versions that come in the order of the answer.

use crate::catalog::query::Page;

/// On which side of the place where the page begins a version lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it: it counts, and belongs to an earlier page.
    Before,
    /// Behind it.
    Behind,
}

/// A page while it is cut.
#[derive(Debug, Clone)]
pub struct Cut<T> {
    skip: u64,
    length: u64,
    wants_total: bool,
    /// The rows of the page.
    pub rows: Vec<T>,
    /// Whether rows follow.
    pub is_more: bool,
    /// How many rows there are on all pages; where that is not wanted, at least so many, and 0 only where there are none.
    pub total: u64,
}

impl<T> Cut<T> {
    /// Begins a page.
    #[must_use]
    pub fn new(page: &Page) -> Self {
        Self {
            skip: page.skip,
            length: page.length(),
            wants_total: page.wants_total,
            rows: Vec::new(),
            is_more: false,
            total: 0,
        }
    }

    /// Takes in the next row.
    pub fn add(&mut self, row: T, side: Side) {
        self.total += 1;
        if side == Side::Before {
            return;
        }
        if self.skip > 0 {
            self.skip -= 1;
        } else if (self.rows.len() as u64) < self.length {
            self.rows.push(row);
        } else {
            self.is_more = true;
        }
    }

    /// Returns whether nothing that follows can change the page.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_more && !self.wants_total
    }

    /// Returns how many rows behind the place decide what the page is.
    #[must_use]
    pub(super) fn reach(&self) -> usize {
        let reach = self.skip.saturating_add(self.length).saturating_add(1);
        usize::try_from(reach).unwrap_or(usize::MAX)
    }

    /// Returns the page with other rows, made of these.
    #[must_use]
    pub(super) fn map<U>(self, make: impl FnMut(T) -> U) -> Cut<U> {
        Cut {
            skip: self.skip,
            length: self.length,
            wants_total: self.wants_total,
            rows: self.rows.into_iter().map(make).collect(),
            is_more: self.is_more,
            total: self.total,
        }
    }
}
