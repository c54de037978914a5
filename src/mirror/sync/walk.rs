//! How far the walk through an upstream's list has come, and what it asks next. Pure; it is written to disk after each page.
//!
//! A gallery gives out only so many rows of one answer: the Chocolatey community repository refuses item 10,001. Where next
//! links do not lead past that, the rest is asked for by the beginnings of ids, longer ones where that is still too much.
//! Ids begin with ASCII letters, digits and `_` there; one that begins with another character is found in front of the ceiling alone.

use serde::{Deserialize, Serialize};

use crate::catalog::query::Latest;
use crate::nuget::PackageId;
use crate::upstream::{ListPlace, ListShape, Listing};

/// What an id can begin with, in the order in which galleries sort it.
const FIRST: &str = "_0123456789abcdefghijklmnopqrstuvwxyz";

/// What an id can go on with, separators first.
const FURTHER: &str = "-._0123456789abcdefghijklmnopqrstuvwxyz";

/// Beginnings that are longer are not split any more: no gallery has thousands of ids that long that begin alike.
const LONGEST_PREFIX: usize = 12;

/// A walk, wherever it has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    list: List,
    /// The parts of the list that are still to be walked; the last one is next.
    todo: Vec<Part>,
    at: Option<At>,
    /// Shapes that the upstream takes, and shapes that it does not.
    taken: Vec<ListShape>,
    refused: Vec<ListShape>,
    incomplete: Vec<Incomplete>,
}

/// A part of a list that could not be walked to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomplete {
    /// What the ids of the part begin with; empty for the whole list.
    pub prefix: String,
    /// Why.
    pub reason: String,
}

/// The two lists that are walked: the latest releases, and the latest versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum List {
    Stable,
    Absolute,
}

/// All ids that begin with a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    prefix: String,
    /// Whether some are known to begin with it.
    is_known: bool,
}

/// A place within a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    part: Part,
    shape: ListShape,
    place: ListPlace,
    /// The last id, in lower case.
    last: Option<String>,
    /// Whether the ids came in order so far, as far as that can be told.
    is_sorted: bool,
}

impl Walk {
    /// Begins a walk; `refused` are the shapes that the upstream did not take the last time.
    pub(super) fn begin(refused: Vec<ListShape>) -> Self {
        let mut walk = Self {
            list: List::Stable,
            todo: Vec::new(),
            at: None,
            taken: Vec::new(),
            refused,
            incomplete: Vec::new(),
        };
        walk.begin_list();
        walk
    }

    /// Returns what is to be asked now; `None` at the end.
    pub(super) fn ask(&self) -> Option<Listing> {
        let at = self.at.as_ref()?;
        Some(Listing {
            latest: self.latest(),
            shape: at.shape,
            prefix: at.part.prefix.clone(),
            place: at.place.clone(),
        })
    }

    /// Returns which version stands for an id in the list that is walked.
    pub(super) fn latest(&self) -> Latest {
        match self.list {
            List::Stable => Latest::Stable,
            List::Absolute => Latest::Absolute,
        }
    }

    /// Returns the parts that were not walked to their ends.
    pub(super) fn incomplete(&self) -> &[Incomplete] {
        &self.incomplete
    }

    /// Returns the shapes that the upstream does not take.
    pub(super) fn refused_shapes(&self) -> &[ListShape] {
        &self.refused
    }

    /// Takes note of a page.
    pub(super) fn answered(&mut self, ids: &[PackageId], next: Option<ListPlace>) {
        let Some(mut at) = self.at.take() else { return };
        let prefix = &at.part.prefix;
        let is_astray = ids.iter().any(|id| !id.lower().starts_with(prefix.as_str()));
        let is_empty = at.place == ListPlace::Start && ids.is_empty() && at.part.is_known;
        if is_astray || is_empty {
            // A filter that is passed over, or that finds nothing where there is something, was not understood.
            self.at = Some(at);
            return self.shape_fails("the upstream does not filter by the beginning of ids");
        }
        if !self.taken.contains(&at.shape) && !ids.is_empty() {
            self.taken.push(at.shape);
        }
        let depth = prefix.len();
        for id in ids {
            let id = id.lower();
            at.is_sorted &= !comes_before(id, at.last.as_deref(), depth);
            at.last = Some(id.to_owned());
        }
        match next {
            Some(next) => {
                at.place = next;
                self.at = Some(at);
            }
            None => self.next_part(),
        }
    }

    /// Takes note that the upstream refused the question: all of it, or only to go on.
    pub(super) fn refuse(&mut self, reason: &str) {
        let Some(at) = self.at.take() else { return };
        if at.place == ListPlace::Start {
            self.at = Some(at);
            return self.shape_fails(reason);
        }
        self.split(&at, reason);
        self.next_part();
    }

    /// Takes note that a part cannot be read to its end.
    pub(super) fn give_up_part(&mut self, reason: &str) {
        if let Some(at) = self.at.take() {
            self.leave_incomplete(&at.part.prefix, reason);
        }
        self.next_part();
    }

    /// Asks for the same part in the next shape, or does without.
    fn shape_fails(&mut self, reason: &str) {
        let Some(at) = self.at.take() else { return };
        if !self.taken.contains(&at.shape) && !self.refused.contains(&at.shape) {
            self.refused.push(at.shape);
        }
        let shapes = shapes(&at.part);
        let tried = shapes.iter().position(|shape| *shape == at.shape).unwrap_or_default();
        let left = shapes.iter().skip(tried + 1);
        let next = left.copied().find(|shape| !self.refused.contains(shape));
        match next {
            Some(shape) => self.at = Some(At::start(at.part, shape)),
            None if at.part.prefix.is_empty() => {
                self.split(&at, reason);
                self.next_part();
            }
            None => {
                self.leave_incomplete(&at.part.prefix, reason);
                self.next_part();
            }
        }
    }

    /// Puts a part's rest on the list of what is to be done, by beginnings that are one character longer.
    fn split(&mut self, at: &At, reason: &str) {
        let prefix = &at.part.prefix;
        if prefix.len() >= LONGEST_PREFIX {
            return self.leave_incomplete(prefix, reason);
        }
        let reached = at.last.as_deref().and_then(|last| character(last, prefix.len()));
        let alphabet = if prefix.is_empty() { FIRST } else { FURTHER };
        let is_done = |c: char| at.is_sorted && c.is_ascii_alphanumeric() && reached.is_some_and(|reached| c < reached);
        for c in alphabet.chars().rev().filter(|c| !is_done(*c)) {
            let is_known = reached == Some(c);
            let prefix = format!("{prefix}{c}");
            self.todo.push(Part { prefix, is_known });
        }
        // What is known to be there tells first whether the question is understood.
        if let Some(known) = self.todo.iter().rposition(|part| part.is_known) {
            let known = self.todo.remove(known);
            self.todo.push(known);
        }
    }

    fn next_part(&mut self) {
        while let Some(part) = self.todo.pop() {
            let shape = shapes(&part).iter().find(|shape| !self.refused.contains(shape));
            if let Some(shape) = shape {
                self.at = Some(At::start(part, *shape));
                return;
            }
            self.leave_incomplete(&part.prefix, "the upstream takes no question for the beginning of ids");
        }
        self.at = None;
        if self.list == List::Stable {
            self.list = List::Absolute;
            self.begin_list();
        }
    }

    fn begin_list(&mut self) {
        let all = Part {
            prefix: String::new(),
            is_known: false,
        };
        if shapes(&all).iter().all(|shape| self.refused.contains(shape)) {
            // It may have learnt one of them since.
            self.refused.clear();
        }
        self.todo.push(all);
        self.next_part();
    }

    fn leave_incomplete(&mut self, prefix: &str, reason: &str) {
        if self.incomplete.iter().all(|part| part.prefix != prefix) {
            self.incomplete.push(Incomplete {
                prefix: prefix.to_owned(),
                reason: reason.to_owned(),
            });
        }
    }
}

impl At {
    fn start(part: Part, shape: ListShape) -> Self {
        Self {
            part,
            shape,
            place: ListPlace::Start,
            last: None,
            is_sorted: true,
        }
    }
}

/// The shapes in which a part can be asked for, the best one first.
fn shapes(part: &Part) -> &'static [ListShape] {
    if part.prefix.is_empty() {
        &[ListShape::Set, ListShape::Search]
    } else {
        &[ListShape::StartsWithLower, ListShape::StartsWith]
    }
}

/// Returns the letter or digit at a place: where galleries agree on the order.
fn character(id: &str, at: usize) -> Option<char> {
    id.chars().nth(at).filter(char::is_ascii_alphanumeric)
}

/// Returns whether an id comes before another one by its letter or digit at a place.
fn comes_before(id: &str, other: Option<&str>, at: usize) -> bool {
    let pair = other.and_then(|other| character(id, at).zip(character(other, at)));
    pair.is_some_and(|(c, other)| c < other)
}

#[cfg(test)]
mod tests;
