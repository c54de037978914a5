//! The header of one part of a multipart body: where it ends, its fields, and their parameters.

use memchr::memchr_iter;

/// Returns where the line feed of the first blank line is. The buffer begins with the line feed before the header; no blank
/// line begins before `from`. Where there is none, returns from where to look again.
///
/// # Errors
/// The place from where to look again.
pub fn find_blank_line(buffer: &[u8], from: usize) -> Result<usize, usize> {
    for at in memchr_iter(b'\n', buffer.get(from..).unwrap_or_default()).map(|at| from + at) {
        match buffer.get(at + 1..).unwrap_or_default() {
            [b'\n', ..] => return Ok(at + 1),
            [b'\r', b'\n', ..] => return Ok(at + 2),
            [] | [b'\r'] => return Err(at),
            _ => {}
        }
    }
    Err(buffer.len())
}

/// Returns the fields of a header, each as its name and its value without the blanks around them. A line that begins with a
/// blank goes on the one before it (RFC 5322 section 2.2.3); a line without a colon is passed over.
#[must_use]
pub fn fields(header: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(header);
    let unfolded = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let fields = unfolded.lines().filter_map(|line| line.split_once(':'));
    fields
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// Returns a parameter of a header value such as `form-data; name=package; filename="a.nupkg"`.
#[must_use]
pub fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        // A parameter without a value may stand before this one.
        let name = name.rsplit(';').next().unwrap_or(name).trim();
        let (text, after) = parameter_value(after.trim_start());
        if name.eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = after;
    }
}

/// Reads a token or a quoted string, and returns what follows the next semicolon.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, rest) = text.split_once(';').unwrap_or((text, ""));
        return (token.trim_end().to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => value.extend(chars.next()),
            _ => value.push(char),
        }
    }
    (value, chars.as_str().split_once(';').map_or("", |(_, rest)| rest))
}

/// Returns whether a text begins with a prefix, ignoring the case of ASCII letters.
#[must_use]
pub fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters() {
        for (value, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("multipart/form-data;boundary=abc ; charset=x", Some("abc")),
            ("multipart/form-data; boundary=\"a;b=c\"; x", Some("a;b=c")),
            (
                "multipart/form-data; x=\"boundary=no\"; BOUNDARY=\"a\\\"b\"",
                Some("a\"b"),
            ),
            ("multipart/form-data; flag; boundary=abc", Some("abc")),
            ("multipart/form-data; boundary = abc", Some("abc")),
            ("multipart/form-data; boundary=", Some("")),
            ("multipart/form-data; boundary=\"open", Some("open")),
            ("multipart/form-data; boundary=\"open\\", Some("open")),
            ("multipart/form-data; boundary", None),
            ("multipart/form-data", None),
            ("boundary=abc", None),
            ("", None),
        ] {
            assert_eq!(parameter(value, "boundary").as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn fields_are_read_as_leniently_as_they_are_written() {
        for (header, expected) in [
            ("", &[][..]),
            ("\nA: b\r\n", &[("A", "b")]),
            ("\nA: b\nC:d\n", &[("A", "b"), ("C", "d")]),
            (
                "\nA: b;\r\n c=d\r\n\te\r\nF : g : h",
                &[("A", "b; c=d e"), ("F", "g : h")],
            ),
            ("\nnot a field\nA:\n", &[("A", "")]),
            ("\nA: b\nA: c", &[("A", "b"), ("A", "c")]),
        ] {
            let found = fields(header.as_bytes());
            let found: Vec<_> = found
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(found, expected, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in any::<Vec<u8>>(), value in any::<String>()) {
            let _ = parameter(&value, "boundary");
            for (name, value) in fields(&header) {
                prop_assert!(!name.contains(['\n', ':']) && !value.contains('\n'));
            }
            if let Ok(at) = find_blank_line(&header, 0) {
                prop_assert_eq!(header[at], b'\n');
            }
        }
    }
}
