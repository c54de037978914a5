//! The words of `$filter` and `$orderby`: literals, names, parentheses.
//!
//! Knows how OData v2 writes literals; refuses to know what names and operators mean.

use crate::catalog::Instant;
use crate::catalog::columns::parse_instant;
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
    Text(String),
    Integer(i64),
    Double(f64),
    DateTime(Instant),
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
    /// A number is none.
    #[error("'{0}' is not a number; texts, versions among them, stand in single quotes")]
    Number(String),
    /// An instant is none.
    #[error("'{0}' is not an instant: write datetime'2020-01-31T10:00:00'")]
    Instant(String),
    /// A literal of a type that no property has.
    #[error("no property has the type of {0} literals; write a text in single quotes")]
    Type(String),
    /// A character that starts nothing.
    #[error("'{0}' cannot stand here; texts stand in single quotes")]
    Character(char),
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
        let Some(first) = self.rest().chars().next() else {
            return Ok(None);
        };
        let word = match first {
            '(' | ')' | ',' | '-' => {
                self.at += 1;
                Ok(match first {
                    '(' => Word::Open,
                    ')' => Word::Close,
                    ',' => Word::Comma,
                    _ => Word::Minus,
                })
            }
            '\'' => self.text().map(Word::Text),
            c if c.is_ascii_digit() || c == '.' => self.number(),
            c if is_name_part(c) => self.name(),
            c => Err(LexicalError::Character(c)),
        };
        match word {
            Ok(word) => Ok(Some(Token { at, word })),
            Err(error) => Err((at, error)),
        }
    }

    /// Reads a quoted text; a doubled quote stands for one.
    fn text(&mut self) -> Result<String, LexicalError> {
        let mut text = String::new();
        loop {
            self.at += 1;
            text.push_str(self.take_while(|c| c != '\''));
            if text.len() > MAX_LITERAL_BYTES {
                return Err(LexicalError::LongText);
            }
            if self.rest().is_empty() {
                return Err(LexicalError::OpenText);
            }
            self.at += 1;
            if !self.rest().starts_with('\'') {
                return Ok(text);
            }
            text.push('\'');
        }
    }

    /// Reads `12`, `12L`, `1.5`, `1.5M`, `1e-3`, `2d`, `2f`.
    fn number(&mut self) -> Result<Word<'static>, LexicalError> {
        let start = self.at;
        loop {
            self.take_while(|c| c.is_ascii_alphanumeric() || c == '.');
            let so_far = self.text.get(start..self.at).unwrap_or("");
            let rest = self.rest();
            let has_sign = so_far.ends_with(['e', 'E']) && rest.starts_with(['+', '-']);
            let is_decimal = so_far
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E'));
            if !(has_sign && is_decimal) {
                break;
            }
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        let refuse = || LexicalError::Number(text.to_owned());
        let digits = text.trim_end_matches(['L', 'l', 'M', 'm', 'D', 'd', 'F', 'f']);
        let suffix = text.get(digits.len()..).unwrap_or("");
        let is_integer = digits.bytes().all(|b| b.is_ascii_digit());
        if suffix.len() > 1 {
            return Err(refuse());
        }
        match suffix {
            "L" | "l" => digits.parse().map(Word::Integer).map_err(|_| refuse()),
            "" if is_integer => match digits.parse() {
                Ok(number) => Ok(Word::Integer(number)),
                Err(_) => digits.parse().map(Word::Double).map_err(|_| refuse()),
            },
            _ => digits.parse().map(Word::Double).map_err(|_| refuse()),
        }
    }

    /// Reads a name, or the literal that it introduces: `datetime'2020-01-31T10:00:00'`, in any case.
    fn name(&mut self) -> Result<Word<'a>, LexicalError> {
        let name = self.take_while(|c| is_name_part(c) || c == '.' || c == '/');
        if !self.rest().starts_with('\'') {
            return Ok(match name {
                "NaN" => Word::Double(f64::NAN),
                "INF" => Word::Double(f64::INFINITY),
                name => Word::Name(name),
            });
        }
        let text = self.text()?;
        match name.to_ascii_lowercase().as_str() {
            "datetime" | "datetimeoffset" => parse_instant(&text)
                .map(Word::DateTime)
                .ok_or(LexicalError::Instant(text)),
            "time" | "guid" | "binary" | "x" => Err(LexicalError::Type(name.to_owned())),
            // A keyword without the blank before its operand: eq'x'.
            _ => {
                self.at -= 1 + text.len() + text.matches('\'').count() + 1;
                Ok(Word::Name(name))
            }
        }
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

    fn instant(text: &str) -> Word<'static> {
        Word::DateTime(parse_instant(text).unwrap())
    }

    #[test]
    fn reads_every_literal() {
        for (text, word) in [
            ("'it''s'", Word::Text("it's".to_owned())),
            ("''''", Word::Text("'".to_owned())),
            ("''", Word::Text(String::new())),
            ("'ü %'", Word::Text("ü %".to_owned())),
            ("12", Word::Integer(12)),
            ("12L", Word::Integer(12)),
            ("12l", Word::Integer(12)),
            ("9223372036854775808", Word::Double(9_223_372_036_854_775_808.0)),
            ("1.5", Word::Double(1.5)),
            ("1.5M", Word::Double(1.5)),
            ("12m", Word::Double(12.0)),
            ("2f", Word::Double(2.0)),
            ("2D", Word::Double(2.0)),
            ("1e3", Word::Double(1000.0)),
            ("1.5E-3", Word::Double(0.0015)),
            ("INF", Word::Double(f64::INFINITY)),
            ("datetime'2013-01-31T10:00:00'", instant("2013-01-31T10:00:00")),
            (
                "DateTime'2013-01-31T10:00:00.1234567'",
                instant("2013-01-31T10:00:00.1234567"),
            ),
            (
                "datetimeoffset'2013-01-31T10:00:00+02:00'",
                instant("2013-01-31T08:00:00"),
            ),
        ] {
            assert_eq!(words(text), Ok(vec![word]), "{text}");
        }
    }

    #[test]
    fn splits_at_any_white_space_and_at_none_where_none_is_needed() {
        let expected = vec![Word::Name("Id"), Word::Name("eq"), Word::Text("it's".to_owned())];
        for text in ["Id eq 'it''s'", " Id\teq\n'it''s' ", "Id eq'it''s'"] {
            assert_eq!(words(text), Ok(expected.clone()), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_literal() {
        for (text, error) in [
            ("'open", LexicalError::OpenText),
            ("'open''", LexicalError::OpenText),
            ("1.2.3", LexicalError::Number("1.2.3".to_owned())),
            ("12LL", LexicalError::Number("12LL".to_owned())),
            ("12x", LexicalError::Number("12x".to_owned())),
            (
                "99999999999999999999L",
                LexicalError::Number("99999999999999999999L".to_owned()),
            ),
            ("datetime'x'", LexicalError::Instant("x".to_owned())),
            ("guid'x'", LexicalError::Type("guid".to_owned())),
            ("\"x\"", LexicalError::Character('"')),
        ] {
            assert_eq!(words(text), Err(error), "{text}");
        }
        let long = format!("'{}'", "x".repeat(MAX_LITERAL_BYTES + 1));
        assert_eq!(words(&long), Err(LexicalError::LongText));
    }
}
