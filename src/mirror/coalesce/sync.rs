//! What the files beside this one need of threads and tasks. The schedule tests put a scheduler's own in its place.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
pub(crate) use tokio::spawn;
pub(crate) use tokio::sync::Notify;
