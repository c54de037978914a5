//! Where the tests find recorded and real files: beside the project, where they are kept.

use std::path::{Path, PathBuf};

/// Returns a folder of the corpus; says so and returns `None` where it is not there, unless the tests must have it.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/corpus")
        .join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let is_required = std::env::var("LARDER_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(!is_required, "{} is missing", folder.display());
    eprintln!("skipped: {} is missing", folder.display());
    None
}

/// Returns all files below a folder that have an extension, in order.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
