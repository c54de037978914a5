//! The header of one part of a multipart body: where it ends, and whether it is that of a file.

use memchr::memchr_iter;

/// Returns where the line feed of the first blank line is. The buffer begins with the line feed before the header; no blank
/// line begins before `from`. Where there is none, returns from where to look again.
pub(super) fn find_blank_line(buffer: &[u8], from: usize) -> Result<usize, usize> {
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

/// Returns whether a part with this header is a file: it has a name or a type that no form field has.
pub(super) fn is_file(header: &[u8]) -> bool {
    let text = String::from_utf8_lossy(header);
    // A line that begins with a blank goes on the one before it (RFC 5322 section 2.2.3).
    let unfolded = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    unfolded
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| {
            let name = name.trim();
            if name.eq_ignore_ascii_case("content-disposition") {
                ["filename", "filename*"]
                    .iter()
                    .any(|name| parameter(value, name).is_some_and(|name| !name.is_empty()))
            } else {
                name.eq_ignore_ascii_case("content-type") && !starts_with_ignoring_case(value.trim_start(), "text/")
            }
        })
}

/// Returns a parameter of a header value such as `form-data; name=package; filename="a.nupkg"`.
pub(super) fn parameter(value: &str, wanted: &str) -> Option<String> {
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

pub(super) fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
