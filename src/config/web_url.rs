//! The URLs that settings may hold: http or https, of a directory. What is refused is not repeated in the message, since
//! it may hold a password.

use url::Url;

/// Reads the URL of a directory; the slash at its end is added where it is missing, so that paths can be joined to it.
pub(super) fn directory(text: &str) -> Result<Url, String> {
    let mut url = web(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a ? or # part".to_owned());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Reads a URL with a host over http or https.
pub(super) fn web(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text).map_err(|error| format!("must be a URL, such as \"https://example.com/api/v2/\": {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("must start with http:// or https://, not {}:", url.scheme()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, expected) in [
            ("https://example.com", Some("https://example.com/")),
            ("http://127.0.0.1:8080/api/v2", Some("http://127.0.0.1:8080/api/v2/")),
            ("https://example.com/api/v2/", Some("https://example.com/api/v2/")),
            ("https://u:p@example.com/", Some("https://u:p@example.com/")),
            ("example.com", None),
            ("/api/v2", None),
            ("ftp://example.com/", None),
            ("file:///srv/packages", None),
            ("https://", None),
            ("https://example.com/?a=b", None),
            ("https://example.com/#a", None),
            ("", None),
        ] {
            assert_eq!(directory(text).ok().as_ref().map(Url::as_str), expected, "{text}");
        }
    }

    #[test]
    fn refusals_do_not_repeat_the_text() {
        for text in [
            "ftp://u:s3cret@h/",
            "https://u:s3cret@",
            "https://u:s3cret@h/?x",
            "u:s3cret@h",
        ] {
            assert!(!directory(text).unwrap_err().contains("s3cret"), "{text}");
        }
    }
}
