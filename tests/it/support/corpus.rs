//! Where the corpus of real nuspecs, request logs and nupkgs lies, and what to do where it is absent.

use std::path::{Path, PathBuf};

/// Whether a client or corpus that is missing fails the test instead of skipping it (set by `.ci/run`).
pub(crate) fn required() -> bool {
    std::env::var_os("LARDER_REQUIRE_CLIENTS").is_some_and(|value| value == "1")
}

/// Says that a test is skipped and why; panics where nothing may be missing.
pub(crate) fn skip(reason: &str) {
    assert!(
        !required(),
        "{reason}, and LARDER_REQUIRE_CLIENTS=1 forbids to skip the test"
    );
    eprintln!("skipped: {reason}");
}

/// Returns `../shared/corpus/<name>`, or says that the test is skipped.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/corpus")
        .join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    skip(&format!("there is no {}", folder.display()));
    None
}

/// Returns the files of a corpus folder at any depth whose name ends in `.<extension>`, sorted by path.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder that can be read") {
            let path = entry.expect("a folder entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|found| found.eq_ignore_ascii_case(extension))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
