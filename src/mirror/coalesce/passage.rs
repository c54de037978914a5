//! A body that is read while it arrives: what has come, what of it may be passed on, and how it ends.
//!
//! The last bytes are held back until the whole was verified. What came last is in memory for those who keep up; the
//! rest they read where it was written.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::board::Board;
use super::flights::{Flight, Lost};

/// How much of a body is held back, and how much is kept in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// Bytes at the end that wait for the verification.
    pub(crate) hold_back: u64,
    /// Bytes kept for those who keep up, beside what is not written yet.
    pub(crate) tail: u64,
    /// In how many parts, at most.
    pub(crate) tail_parts: usize,
}

impl Reach {
    /// Returns how many of the first `came` bytes may be passed on before the whole is verified.
    fn passable(self, came: u64, length: u64) -> u64 {
        came.min(length.saturating_sub(self.hold_back))
    }
}

/// How a body ends that was not lost.
#[derive(Debug, Clone)]
pub(crate) enum Ending<K, E> {
    /// It was verified and is kept.
    Kept(K),
    /// It was verified, but could not be kept. It is there for those who asked for it meanwhile.
    Unkept(E),
    /// There is none.
    Failed(E),
}

/// A body on its way. `F` is where it is written, `K` what is known of it once it is kept.
#[derive(Debug)]
pub(crate) struct Passage<F, K, E> {
    board: Board<State<F, K, E>>,
    reach: Reach,
}

#[derive(Debug)]
struct State<F, K, E> {
    /// Where it is written, and how long it will be, once that is known.
    body: Option<(Arc<F>, u64)>,
    /// What came last, each part with its place.
    parts: VecDeque<(u64, Bytes)>,
    came: u64,
    is_promised: bool,
    is_verified: bool,
    ending: Option<Ending<K, E>>,
}

/// What there is for somebody who waits for a body.
#[derive(Debug)]
pub(crate) enum Begun<F, K> {
    /// Its bytes may be passed on.
    Passing {
        /// Where they are written.
        file: Arc<F>,
        /// How many there will be.
        length: u64,
    },
    /// It was kept.
    Kept(K),
}

/// What there is for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next bytes.
    Part(Bytes),
    /// The next bytes were written, up to this place.
    Written {
        /// The place behind the last of them.
        until: u64,
    },
    /// Nothing more.
    End,
}

impl<F, K: Clone, E: Clone> Passage<F, K, E> {
    /// Makes a passage of which nothing is known yet.
    pub(crate) fn new(reach: Reach) -> Self {
        Self {
            board: Board::new(State {
                body: None,
                parts: VecDeque::new(),
                came: 0,
                is_promised: false,
                is_verified: false,
                ending: None,
            }),
            reach,
        }
    }

    /// Says where the body is written, and how long it will be. Without this nothing is passed on before it is verified.
    pub(crate) fn promise(&self, file: Arc<F>, length: u64) {
        self.board.look(|state| {
            state.body = Some((file, length));
            state.is_promised = true;
        });
    }

    /// Adds the next bytes, which may not be written yet.
    pub(crate) fn add(&self, bytes: Bytes) {
        self.board.change(|state| {
            let place = state.came;
            state.came += bytes.len() as u64;
            state.parts.push_back((place, bytes));
        });
    }

    /// Says how much was written from the start on: of that only the tail stays in memory.
    pub(crate) fn written(&self, until: u64) {
        self.board.look(|state| {
            while let Some((place, part)) = state.parts.front() {
                let end = place + part.len() as u64;
                let is_spare = state.came - end >= self.reach.tail || state.parts.len() > self.reach.tail_parts;
                if end > until || !is_spare {
                    break;
                }
                state.parts.pop_front();
            }
        });
    }

    /// Says that all has come, is written to `file`, and is what it should be.
    pub(crate) fn verify(&self, file: Arc<F>) {
        self.board.change(|state| {
            state.body = Some((file, state.came));
            state.is_verified = true;
        });
    }

    /// Ends it; the first ending stays.
    pub(crate) fn end(&self, ending: Ending<K, E>) {
        self.board.change(|state| {
            let ending = match ending {
                Ending::Unkept(error) if !state.is_verified => Ending::Failed(error),
                ending => ending,
            };
            state.ending.get_or_insert(ending);
        });
    }

    /// Waits until bytes may be passed on, or all is over.
    pub(crate) async fn begun(&self) -> Result<Begun<F, K>, E> {
        self.board.until(|state| state.begun(self.reach)).await
    }

    /// Waits until it is kept.
    pub(crate) async fn kept(&self) -> Result<K, E> {
        let kept = |state: &State<F, K, E>| match &state.ending {
            Some(Ending::Kept(kept)) => Some(Ok(kept.clone())),
            Some(Ending::Unkept(error) | Ending::Failed(error)) => Some(Err(error.clone())),
            None => None,
        };
        self.board.until(kept).await
    }

    /// Waits for what a reader reads next, who has read up to `place`.
    pub(crate) async fn step(&self, place: u64) -> Result<Step, E> {
        self.board.until(|state| state.step(place, self.reach)).await
    }
}

impl<F, K: Clone, E: Clone> State<F, K, E> {
    fn begun(&self, reach: Reach) -> Option<Result<Begun<F, K>, E>> {
        let passing = |(file, length): &(Arc<F>, u64)| Begun::Passing {
            file: Arc::clone(file),
            length: *length,
        };
        match (&self.ending, &self.body) {
            (Some(Ending::Failed(error)), _) | (Some(Ending::Unkept(error)), None) => Some(Err(error.clone())),
            (Some(Ending::Kept(kept)), _) => Some(Ok(Begun::Kept(kept.clone()))),
            (Some(Ending::Unkept(_)), Some(body)) => Some(Ok(passing(body))),
            // One that is no longer than what is held back is kept before it is shown to anybody.
            (None, Some(body)) if self.is_promised && reach.passable(self.came, body.1) > 0 => Some(Ok(passing(body))),
            (None, _) => None,
        }
    }

    fn step(&self, place: u64, reach: Reach) -> Option<Result<Step, E>> {
        if let Some(Ending::Failed(error)) = &self.ending {
            return Some(Err(error.clone()));
        }
        let (_, length) = self.body.as_ref()?;
        if place >= *length {
            return Some(Ok(Step::End));
        }
        let passable = if self.is_verified {
            *length
        } else {
            reach.passable(self.came, *length)
        };
        if place >= passable {
            return None;
        }
        let later = self.parts.partition_point(|(start, _)| *start <= place);
        let part = later.checked_sub(1).and_then(|at| self.parts.get(at));
        let Some((start, part)) = part else {
            let in_memory = self.parts.front().map_or(self.came, |(start, _)| *start);
            let until = in_memory.min(passable);
            return Some(Ok(Step::Written { until }));
        };
        let within = |end: u64| usize::try_from(end - start).unwrap_or(usize::MAX).min(part.len());
        Some(Ok(Step::Part(part.slice(within(place)..within(passable)))))
    }
}

impl<F, K: Clone, E: Clone + From<Lost>> Flight for Passage<F, K, E> {
    fn lose(&self) {
        self.end(Ending::Failed(Lost::Dropped.into()));
    }
}
