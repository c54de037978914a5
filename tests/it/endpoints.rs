//! The addresses of feeds beside the lists of version 2: version 1, single properties, completions.

mod addresses;
mod completions;
mod install;
mod json;
mod properties;
mod v1;
