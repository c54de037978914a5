//! Folders as a whole: what lies in them, and copies that look untouched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Returns every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Copies a folder with the times of its files.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let copied = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &copied);
        } else {
            fs::copy(entry.path(), &copied).expect("a copy");
            set_modified(&copied, modified(&entry.path()));
        }
    }
}

pub(crate) fn modified(file: &Path) -> SystemTime {
    let metadata = fs::metadata(file).expect("a file");
    metadata.modified().expect("a time")
}

pub(crate) fn set_modified(file: &Path, at: SystemTime) {
    let file = fs::File::options().write(true).open(file).expect("a file");
    file.set_modified(at).expect("a time that can be set");
}
