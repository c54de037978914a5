//! What a filter says, as a tree of typed operators over a row's columns.

/// A column of an entry, as filters and orders name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path(pub String);

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression;
