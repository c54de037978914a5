//! The OData and Atom wire format of `NuGet` v2: text in, questions and facts out, and back.
//!
//! Pure: knows no socket, no storage and no clock; limits are arguments.

pub mod atom_read;
