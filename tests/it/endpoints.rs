//! The addresses of feeds beside the lists of version 2: version 1, single properties, completions.

mod completions;
mod properties;
mod v1;
