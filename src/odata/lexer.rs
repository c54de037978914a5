//! The words of `$filter` and `$orderby`: literals, names, parentheses.
//!
//! Knows how OData v2 delimits words; refuses to know what names and operators mean.

use std::borrow::Cow;

use super::literal;
use crate::catalog::expression::Literal;
use crate::limits::MAX_LITERAL_BYTES;

/// A word and where it starts, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) at: usize,
    pub(super) word: Word<'a>,
}

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word<'a> {
    Open,
    Close,
    Comma,
    Minus,
    /// A name, an operator or a constant spelled with letters.
    Name(&'a str),
    Literal(Literal),
}

/// What is wrong with a literal or a character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LexicalError {
    /// A quote is not closed.
    #[error("the text that starts here has no closing quote; a quote inside of a text is doubled")]
    OpenText,
    /// A text is too long.
    #[error("the text that starts here is longer than {MAX_LITERAL_BYTES} bytes")]
    LongText,
    /// A number is none, or has no room in the type that its suffix names.
    #[error("'{0}' is not a number; texts, versions among them, stand in single quotes")]
    Number(String),
    /// A literal with a prefix is none of its type.
    #[error("{prefix}'{text}' is not read: write {example}")]
    Prefixed {
        /// The prefix, as it was spelled.
        prefix: String,
        /// What stood in quotes.
        text: String,
        /// One that is read.
        example: &'static str,
    },
    /// A character that starts nothing.
    #[error("'{0}' cannot stand here; texts stand in single quotes")]
    Character(char),
}

/// Returns the start of what somebody sent, short enough for a message.
pub(super) fn excerpt(text: &str) -> String {
    /// The characters that are shown.
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or("")),
        None => text.to_owned(),
    }
}

/// Reads the words of a text, one at a time.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Takes as many characters as `is_part` admits.
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or("")
    }

    /// Returns the next word, `None` at the end, or where and why there is none.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, (usize, LexicalError)> {
        self.take_while(char::is_whitespace);
        let at = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let word = match first {
            '(' | ')' | ',' => {
                self.at += 1;
                Ok(match first {
                    '(' => Word::Open,
                    ')' => Word::Close,
                    _ => Word::Comma,
                })
            }
            '-' => self.minus(),
            '\'' => self.quoted().map(|text| Word::Literal(Literal::text(&text))),
            c if c.is_ascii_digit() || c == '.' => self.number(),
            c if is_name_part(c) => self.name(),
            c => Err(LexicalError::Character(c)),
        };
        match word {
            Ok(word) => Ok(Some(Token { at, word })),
            Err(error) => Err((at, error)),
        }
    }

    /// Reads a minus, and the number with it that directly follows: -9223372036854775808L has no positive counterpart.
    fn minus(&mut self) -> Result<Word<'a>, LexicalError> {
        let after = self.rest().get(1..).unwrap_or("");
        if after.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.number();
        }
        self.at += 1;
        let name = after.split(|c| !is_name_part(c)).next().unwrap_or("");
        let Some(literal) = infinity(name) else {
            return Ok(Word::Minus);
        };
        self.at += name.len();
        Ok(Word::Literal(match literal {
            Literal::Double(number) => Literal::Double(-number),
            Literal::Single(number) => Literal::Single(-number),
            other => other,
        }))
    }

    /// Reads a quoted text; a doubled quote stands for one.
    fn quoted(&mut self) -> Result<Cow<'a, str>, LexicalError> {
        let mut text = Cow::Borrowed("");
        loop {
            self.at += 1;
            let rest = self.rest();
            let Some(end) = memchr::memchr(b'\'', rest.as_bytes()) else {
                return Err(LexicalError::OpenText);
            };
            self.at += end + 1;
            let part = rest.get(..end).unwrap_or("");
            if text.is_empty() {
                text = Cow::Borrowed(part);
            } else {
                text.to_mut().push_str(part);
            }
            if text.len() > MAX_LITERAL_BYTES {
                return Err(LexicalError::LongText);
            }
            if !self.rest().starts_with('\'') {
                return Ok(text);
            }
            text.to_mut().push('\'');
        }
    }

    /// Reads `12`, `12L`, `1.5`, `1.5M`, `1e-3`, `2d`, `2f`, with the sign that they have.
    fn number(&mut self) -> Result<Word<'a>, LexicalError> {
        let start = self.at;
        self.at += 1;
        loop {
            self.take_while(|c| c.is_ascii_alphanumeric() || c == '.');
            let so_far = self.text.get(start..self.at).unwrap_or("");
            let has_sign = so_far.ends_with(['e', 'E']) && self.rest().starts_with(['+', '-']);
            let is_mantissa = so_far.strip_prefix('-').unwrap_or(so_far).bytes();
            if !(has_sign
                && is_mantissa
                    .into_iter()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E')))
            {
                break;
            }
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        let literal = literal::number(text).ok_or_else(|| LexicalError::Number(excerpt(text)))?;
        Ok(Word::Literal(literal))
    }

    /// Reads a name, or the literal that it introduces: `datetime'2020-01-31T10:00:00'`, in any case.
    fn name(&mut self) -> Result<Word<'a>, LexicalError> {
        let name = self.take_while(|c| is_name_part(c) || c == '.' || c == '/');
        if !self.rest().starts_with('\'') {
            return Ok(infinity(name).map_or(Word::Name(name), Word::Literal));
        }
        let Some(prefix) = Prefix::named(name) else {
            // A keyword without the blank before its operand: eq'x'.
            return Ok(Word::Name(name));
        };
        let text = self.quoted()?;
        let literal = prefix.read(&text).ok_or_else(|| LexicalError::Prefixed {
            prefix: name.to_owned(),
            text: excerpt(&text),
            example: prefix.example(),
        })?;
        Ok(Word::Literal(literal))
    }
}

/// What stands before the quotes of a literal that is no text.
#[derive(Debug, Clone, Copy)]
enum Prefix {
    DateTime,
    DateTimeOffset,
    Time,
    Guid,
    Binary,
}

impl Prefix {
    fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        Some(match name.len() {
            8 if is("datetime") => Self::DateTime,
            14 if is("datetimeoffset") => Self::DateTimeOffset,
            4 if is("time") => Self::Time,
            4 if is("guid") => Self::Guid,
            6 if is("binary") => Self::Binary,
            1 if is("x") => Self::Binary,
            _ => return None,
        })
    }

    fn read(self, text: &str) -> Option<Literal> {
        match self {
            // With a zone it is the same instant in UTC.
            Self::DateTime => literal::instant(text).map(|instant| Literal::DateTime(instant.to_utc())),
            Self::DateTimeOffset => literal::instant(text).map(Literal::DateTimeOffset),
            Self::Time => literal::duration(text).map(Literal::Time),
            Self::Guid => literal::guid(text).map(Literal::Guid),
            Self::Binary => literal::bytes(text).map(|bytes| Literal::Binary(bytes.into())),
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::DateTime => "datetime'2020-01-31T10:00:00'",
            Self::DateTimeOffset => "datetimeoffset'2020-01-31T10:00:00Z'",
            Self::Time => "time'PT1H30M'",
            Self::Guid => "guid'0efdaecf-a9f0-42f3-a384-1295917af95e'",
            Self::Binary => "binary'23ABFF'",
        }
    }
}

/// Returns the number that has no digits; with a suffix it is a single.
fn infinity(name: &str) -> Option<Literal> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        3 if is("INF") => Some(Literal::Double(f64::INFINITY)),
        3 if is("NaN") => Some(Literal::Double(f64::NAN)),
        4 if is("INFf") => Some(Literal::Single(f32::INFINITY)),
        4 if is("NaNf") => Some(Literal::Single(f32::NAN)),
        _ => None,
    }
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<Word<'_>>, LexicalError> {
        let mut lexer = Lexer::new(text);
        let mut words = Vec::new();
        while let Some(token) = lexer.next().map_err(|(_, error)| error)? {
            words.push(token.word);
        }
        Ok(words)
    }

    fn instant(text: &str) -> Literal {
        Literal::DateTime(crate::catalog::columns::parse_instant(text).unwrap())
    }

    #[test]
    fn reads_every_literal() {
        let zoned = literal::instant("2013-01-31T10:00:00+02:00").unwrap();
        for (text, literal) in [
            ("'it''s'", Literal::text("it's")),
            ("''''", Literal::text("'")),
            ("''", Literal::text("")),
            ("'''a'''", Literal::text("'a'")),
            ("'ü %'", Literal::text("ü %")),
            ("12", Literal::Int32(12)),
            ("-12", Literal::Int32(-12)),
            ("12L", Literal::Int64(12)),
            ("-9223372036854775808L", Literal::Int64(i64::MIN)),
            ("1.5", Literal::Double(1.5)),
            ("1.5M", Literal::Decimal("1.5".parse().unwrap())),
            ("2f", Literal::Single(2.0)),
            ("-1.5E-3", Literal::Double(-0.0015)),
            ("1e+3", Literal::Double(1000.0)),
            ("INF", Literal::Double(f64::INFINITY)),
            ("-INF", Literal::Double(f64::NEG_INFINITY)),
            ("-INFf", Literal::Single(f32::NEG_INFINITY)),
            ("datetime'2013-01-31T10:00:00'", instant("2013-01-31T10:00:00")),
            ("datetime'2013-01-31T10:00'", instant("2013-01-31T10:00:00")),
            (
                "DateTime'2013-01-31T10:00:00.1234567'",
                instant("2013-01-31T10:00:00.1234567"),
            ),
            ("datetime'2013-01-31T10:00:00+02:00'", instant("2013-01-31T08:00:00")),
            (
                "datetimeoffset'2013-01-31T10:00:00 02:00'",
                Literal::DateTimeOffset(zoned),
            ),
            (
                "TIME'PT1S'",
                Literal::Time(crate::catalog::expression::Duration(10_000_000)),
            ),
            ("Guid'00000000-0000-0000-0000-000000000001'", {
                let mut guid = [0; 16];
                guid[15] = 1;
                Literal::Guid(guid)
            }),
            ("binary'23abFF'", Literal::Binary([0x23, 0xAB, 0xFF].into())),
            ("X'23'", Literal::Binary([0x23].into())),
            ("x''", Literal::Binary([].into())),
        ] {
            assert_eq!(words(text), Ok(vec![Word::Literal(literal)]), "{text}");
        }
        let nan = words("NaN").unwrap();
        assert!(matches!(nan.as_slice(), [Word::Literal(Literal::Double(number))] if number.is_nan()));
    }

    #[test]
    fn splits_at_any_white_space_and_at_none_where_none_is_needed() {
        let expected = vec![Word::Name("Id"), Word::Name("eq"), Word::Literal(Literal::text("it's"))];
        for text in [
            "Id eq 'it''s'",
            " Id\teq\n'it''s' ",
            "Id eq'it''s'",
            "Id\u{a0}eq\r'it''s'",
        ] {
            assert_eq!(words(text), Ok(expected.clone()), "{text:?}");
        }
        assert_eq!(
            words("- 5 -Id"),
            Ok(vec![
                Word::Minus,
                Word::Literal(Literal::Int32(5)),
                Word::Minus,
                Word::Name("Id")
            ])
        );
    }

    #[test]
    fn refuses_what_is_no_literal() {
        let prefixed = |prefix: &str, text: &str, example| LexicalError::Prefixed {
            prefix: prefix.to_owned(),
            text: text.to_owned(),
            example,
        };
        for (text, error) in [
            ("'open", LexicalError::OpenText),
            ("'open''", LexicalError::OpenText),
            ("'", LexicalError::OpenText),
            ("1.2.3", LexicalError::Number("1.2.3".to_owned())),
            ("12LL", LexicalError::Number("12LL".to_owned())),
            (
                "99999999999999999999L",
                LexicalError::Number("99999999999999999999L".to_owned()),
            ),
            (
                "datetime'x'",
                prefixed("datetime", "x", "datetime'2020-01-31T10:00:00'"),
            ),
            ("Time'1'", prefixed("Time", "1", "time'PT1H30M'")),
            (
                "guid'x'",
                prefixed("guid", "x", "guid'0efdaecf-a9f0-42f3-a384-1295917af95e'"),
            ),
            ("X'0'", prefixed("X", "0", "binary'23ABFF'")),
            ("\"x\"", LexicalError::Character('"')),
        ] {
            assert_eq!(words(text), Err(error), "{text}");
        }
        let long = format!("'{}'", "x".repeat(MAX_LITERAL_BYTES + 1));
        assert_eq!(words(&long), Err(LexicalError::LongText));
        let number = "1".repeat(50) + "x";
        assert_eq!(words(&number), Err(LexicalError::Number("1".repeat(40) + "...")));
    }
}
