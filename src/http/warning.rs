//! `X-NuGet-Warning`: notes on an answer that succeeded. NuGet.Client and choco print each value as a warning of its own
//! (NuGet.Client, `ServerWarningLogHandler`).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::header_text::one_line;
use crate::limits::{MAX_WARNING_BYTES, MAX_WARNINGS};

/// The header's name.
pub const X_NUGET_WARNING: HeaderName = HeaderName::from_static("x-nuget-warning");

/// Adds a warning to an answer. One that is empty or already there is not added.
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "one_line leaves visible ASCII and blanks"
)]
pub fn warn(headers: &mut HeaderMap, text: &str) {
    let line = one_line(text, MAX_WARNING_BYTES);
    let mut present = headers.get_all(X_NUGET_WARNING).iter();
    if line.is_empty() || present.any(|other| other == line.as_str()) {
        return;
    }
    if headers.get_all(X_NUGET_WARNING).iter().count() < MAX_WARNINGS {
        let value = HeaderValue::try_from(line).expect("visible ASCII is a header value");
        headers.append(X_NUGET_WARNING, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(texts: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for text in texts {
            warn(&mut headers, text);
        }
        let values = headers.get_all(X_NUGET_WARNING).iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn warnings_are_lines_of_their_own() {
        for (texts, expected) in [
            (vec!["a", "b"], vec!["a", "b"]),
            (vec!["a", "a"], vec!["a"]),
            (vec!["", " \n"], vec![]),
            (vec!["stale\r\nSet-Cookie: x"], vec!["stale Set-Cookie: x"]),
            (vec!["Größe"], vec!["Gr??e"]),
        ] {
            assert_eq!(warnings(&texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn warnings_are_bounded() {
        assert_eq!(
            warnings(&["x".repeat(100_000).as_str()]).first().unwrap().len(),
            MAX_WARNING_BYTES
        );
        let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(warnings(&many).len(), MAX_WARNINGS);
    }
}
