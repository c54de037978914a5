//! What `object_store` leaves when it is cut short: files beside their place, whose names end in `#` and a number
//! (`object_store::local`, `staged_upload_path`).

use std::io;
use std::path::Path;

/// Removes staged files below a folder; returns how many. Blocks.
pub(super) fn sweep(folder: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += sweep(&entry.path())?;
            continue;
        }
        let name = entry.file_name();
        let is_staged = name
            .to_str()
            .and_then(|name| name.rsplit_once('#'))
            .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
        if is_staged {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}
