//! What larder knows of packages, and how it answers questions about them: the shared language of all layers.
//!
//! Pure: no wire format, no storage, no clock. `store` keeps these types, `upstream` makes them, `view` searches them,
//! `odata` prints them.

pub mod announced;
pub mod change;
pub mod codec;
pub mod columns;
pub mod expression;
pub mod group;
pub mod manifest;
pub mod order;
pub mod query;
pub mod record;
pub mod relayed;
pub mod row;
pub mod search;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod updates;
pub mod validators;

pub use announced::{Announced, Entry};
pub use change::{Change, Listed, Outcome};
pub use columns::{Column, Columns};
pub use expression::Expression;
pub use group::{Contribution, Group, Member, Shadow};
pub use query::Query;
pub use record::{Content, Origin, Property, Record, SourceName};
pub use relayed::{PassedFilter, Relayed};
pub use row::Row;
pub use search::SearchTerms;
pub use text::{Interner, Text};
pub use updates::Updates;
pub use validators::Validators;

/// An instant, in UTC. Feeds print it with up to seven digits and no zone.
pub type Instant = chrono::DateTime<chrono::Utc>;
