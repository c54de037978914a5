//! Text made fit for the head of an HTTP/1 answer, where line breaks would end it and other characters than ASCII have no
//! agreed meaning (RFC 9110 section 5.5). Knows no header by name.

/// Returns the text on one line of visible ASCII and single blanks, at most `max_bytes` long. What cannot be shown becomes
/// a question mark; a text that is cut ends in three dots.
///
/// ```
/// use larder::http::header_text::one_line;
/// assert_eq!(one_line("no such\r\n  thing: ä", 512), "no such thing: ?");
/// assert_eq!(one_line("abcdefgh", 6), "abc...");
/// ```
#[must_use]
pub fn one_line(text: &str, max_bytes: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max_bytes + 1));
    let mut wants_blank = false;
    for char in text.chars() {
        if char.is_whitespace() || char.is_control() {
            wants_blank = !line.is_empty();
            continue;
        }
        if wants_blank {
            line.push(' ');
            wants_blank = false;
        }
        line.push(if char.is_ascii_graphic() { char } else { '?' });
        if line.len() > max_bytes {
            line.truncate(max_bytes.saturating_sub(3));
            line.extend(std::iter::repeat_n('.', max_bytes.min(3)));
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines() {
        for (text, expected) in [
            ("", ""),
            (" \t\r\n", ""),
            ("  a  b  ", "a b"),
            ("a\0b\x7fc\u{85}d\u{a0}e", "a b c d e"),
            ("Größe", "Gr??e"),
            ("0123456789", "0123456789"),
            ("0123456789a", "0123456..."),
            ("012345678 a", "0123456..."),
            ("0123456789  ", "0123456789"),
        ] {
            assert_eq!(one_line(text, 10), expected, "{text:?}");
        }
        for (max, expected) in [(0, ""), (1, "."), (2, ".."), (3, "..."), (4, "0...")] {
            assert_eq!(one_line("0123456789", max), expected, "{max}");
        }
    }

    proptest! {
        #[test]
        fn always_one_bounded_line(text in any::<String>(), max in 0_usize..40) {
            let line = one_line(&text, max);
            prop_assert!(line.len() <= max);
            prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
            prop_assert_eq!(one_line(&line, max), line);
        }
    }
}
