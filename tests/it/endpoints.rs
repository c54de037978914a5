//! The addresses of feeds beside the lists of version 2: version 1, single properties, completions.

mod completions;
mod json;
mod properties;
mod v1;
