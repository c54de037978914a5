//! Names of entries, as clients turn them into paths: percent-decoded (OPC part names), with either slash.

use percent_encoding::percent_decode_str;

/// What is wrong with an entry's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Nothing is left of it.
    #[error("it is empty")]
    Empty,
    /// It has a control character.
    #[error("it has a control character")]
    Control,
    /// It starts at a root.
    #[error("it is an absolute path")]
    Absolute,
    /// It starts with a drive.
    #[error("it names a drive")]
    Drive,
    /// It goes up.
    #[error("it leaves the package's folder")]
    Parent,
}

/// Returns the path that an entry extracts to, in lower case, with single slashes; a folder keeps the one at its end.
pub(super) fn extracted(name: &str) -> Result<String, NameFault> {
    // Clients differ on whether they decode, so both readings must be harmless.
    check(name)?;
    let decoded = percent_decode_str(name).decode_utf8_lossy();
    check(&decoded)?;
    let mut path = String::with_capacity(decoded.len());
    let segments = decoded
        .split(['/', '\\'])
        .filter(|segment| !matches!(*segment, "" | "."));
    for segment in segments {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&segment.to_lowercase());
    }
    if path.is_empty() {
        return Err(NameFault::Empty);
    }
    if decoded.ends_with(['/', '\\']) {
        path.push('/');
    }
    Ok(path)
}

fn check(name: &str) -> Result<(), NameFault> {
    if name.chars().any(char::is_control) {
        return Err(NameFault::Control);
    }
    if name.starts_with(['/', '\\']) {
        return Err(NameFault::Absolute);
    }
    if matches!(name.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic()) {
        return Err(NameFault::Drive);
    }
    if name.split(['/', '\\']).any(is_parent) {
        return Err(NameFault::Parent);
    }
    Ok(())
}

/// Windows drops dots and blanks at a segment's end, so `.. ` and `...` are taken for `..` too.
fn is_parent(segment: &str) -> bool {
    segment.starts_with("..") && segment.chars().all(|c| matches!(c, '.' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn harmless_names_become_paths() {
        for (name, path) in [
            ("A.nuspec", "a.nuspec"),
            ("tools/Install%20it.ps1", "tools/install it.ps1"),
            ("lib\\net45\\A.dll", "lib/net45/a.dll"),
            ("./a//b/.", "a/b"),
            ("content/", "content/"),
            ("a..b/..c/d..", "a..b/..c/d.."),
            ("[Content_Types].xml", "[content_types].xml"),
            ("lib/portable-net45%2Bwin8/_._", "lib/portable-net45+win8/_._"),
            ("x%", "x%"),
            ("ab:c", "ab:c"),
        ] {
            assert_eq!(extracted(name).as_deref(), Ok(path), "{name}");
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        for (name, fault) in [
            ("", NameFault::Empty),
            (".", NameFault::Empty),
            ("./", NameFault::Empty),
            ("a\0b", NameFault::Control),
            ("a%00b", NameFault::Control),
            ("a\nb", NameFault::Control),
            ("/etc/passwd", NameFault::Absolute),
            ("\\\\server\\share", NameFault::Absolute),
            ("%2Fetc", NameFault::Absolute),
            ("%5Cx", NameFault::Absolute),
            ("C:\\x", NameFault::Drive),
            ("c%3Ax", NameFault::Drive),
            ("..", NameFault::Parent),
            ("../x", NameFault::Parent),
            ("a/../../x", NameFault::Parent),
            ("a\\..\\x", NameFault::Parent),
            ("a/%2e%2E/x", NameFault::Parent),
            ("a%2F..%5Cx", NameFault::Parent),
            ("a/.. /x", NameFault::Parent),
            ("a/.../x", NameFault::Parent),
        ] {
            assert_eq!(extracted(name), Err(fault), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn paths_stay_inside(name in "[a./\\\\%2e5cfC: \\PC]{0,20}") {
            if let Ok(path) = extracted(&name) {
                prop_assert!(!path.starts_with('/') && !path.contains("//") && !path.contains('\\'));
                prop_assert!(path.split('/').all(|segment| segment != ".." && segment != "."));
            }
        }
    }
}
