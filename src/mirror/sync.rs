//! Walking an upstream's list.

mod walk;
