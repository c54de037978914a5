//! One piece of work for all who need the same at the same time.
//!
//! Knows no clock, no file and no upstream, and of the runtime only how to begin a task: the schedule tests run these very
//! files in all the orders that a scheduler can think of.

mod board;
mod coalescer;
mod flights;
mod passage;
mod sync;
#[cfg(test)]
mod tests;

pub(super) use board::Board;
pub(super) use coalescer::Coalescer;
pub(super) use flights::{Flight, Flights, Joined, Lead, Lost};
pub(super) use passage::{Begun, Ending, Passage, Reach, Step};
