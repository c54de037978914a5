//! The OData v2 protocol as NuGet feeds speak it: addresses, options, filters in; Atom and EDMX out, and Atom in; batches of them.
//!
//! Pure: text in, questions and documents out. Knows no socket, no storage and no time; limits are arguments.

pub mod address;
pub mod atom;
pub mod atom_read;
pub mod batch;
pub mod edmx;
pub mod entry;
pub mod error;
pub mod filter;
pub mod json;
pub mod lexer;
pub mod links;
mod literal;
pub mod negotiate;
pub mod options;
pub mod parts;
pub mod plan;
pub mod protocol;
#[cfg(test)]
mod recorded;
mod relayed;
pub mod skiptoken;
pub mod updates;
pub mod v1;
mod xml;
