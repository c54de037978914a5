//! What must hold of every parser, whatever the bytes: no panic, limits that hold, orders that are total, and texts that come
//! back as they were written.
//!
//! Each property stands here once. The fuzz targets feed it with what libFuzzer makes up; `cargo test` with the stored corpus.

mod bodies;
mod documents;
mod names;
mod queries;

/// A property: it panics where it does not hold.
pub type Target = fn(&[u8]);

/// The name of each target, which is that of its folder in the corpus too, and its property.
pub const TARGETS: &[(&str, Target)] = &[
    ("address", queries::address),
    ("atom_read", documents::atom_read),
    ("batch", bodies::batch),
    ("dependencies", names::dependencies),
    ("filter", queries::filter),
    ("framework", names::framework),
    ("multipart", bodies::multipart),
    ("nuspec", documents::nuspec),
    ("options", queries::options),
    ("range", names::range),
    ("skiptoken", queries::skiptoken),
    ("version", names::version),
];

/// Checks the property of a target.
///
/// # Panics
/// Where it does not hold, or there is no such target.
pub fn check(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, property) = found.unwrap_or_else(|| panic!("no target is called {target}"));
    property(data);
}
