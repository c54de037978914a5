//! Patterns over package ids: `contoso.tools`, `contoso.*`, `*-internal`, `*contoso*`. It knows which ids match, not what
//! becomes of them.

use std::fmt;
use std::str::FromStr;

use toml::de::DeValue;

use super::value::{Value, quoted, text};

/// A package id, or its start, its end or a part of it, in which case does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPattern {
    text: String,
    /// In lower case.
    fixed: String,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Whole,
    Start,
    End,
    Part,
}

impl IdPattern {
    /// Returns the pattern `*`, which every id matches.
    #[must_use]
    pub fn all() -> Self {
        Self {
            text: "*".to_owned(),
            fixed: String::new(),
            shape: Shape::Start,
        }
    }

    /// Says whether the id matches, whatever its case.
    ///
    /// Letters beyond ASCII are folded too: for a reserved id, a match too many is the safe mistake.
    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        if self.fixed.is_empty() {
            return true;
        }
        let id = id.to_lowercase();
        match self.shape {
            Shape::Whole => id == self.fixed,
            Shape::Start => id.starts_with(&self.fixed),
            Shape::End => id.ends_with(&self.fixed),
            Shape::Part => id.contains(&self.fixed),
        }
    }

    /// Says whether an id that begins with a text, whatever its case, can match.
    #[must_use]
    pub fn can_match_with(&self, prefix: &str) -> bool {
        let prefix = prefix.to_lowercase();
        match self.shape {
            Shape::Whole => self.fixed.starts_with(&prefix),
            Shape::Start => self.fixed.starts_with(&prefix) || prefix.starts_with(&self.fixed),
            Shape::End | Shape::Part => true,
        }
    }

    /// Says whether what stands in the pattern itself begins with a text, whatever its case: `contoso.*` with `cont`.
    #[must_use]
    pub fn begins_with(&self, text: &str) -> bool {
        matches!(self.shape, Shape::Whole | Shape::Start) && self.fixed.starts_with(&text.to_lowercase())
    }
}

impl fmt::Display for IdPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Text that is no pattern of package ids.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a package id, or a part of one with * at its start or end, such as \"contoso.*\", not {text:?}")]
pub struct PatternError {
    text: String,
}

impl FromStr for IdPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (rest, open_end) = text.strip_suffix('*').map_or((text, false), |rest| (rest, true));
        let (fixed, open_start) = rest.strip_prefix('*').map_or((rest, false), |rest| (rest, true));
        let shape = match (open_start, open_end) {
            (false, false) => Shape::Whole,
            (false, true) => Shape::Start,
            (true, false) => Shape::End,
            (true, true) => Shape::Part,
        };
        let characters_fit = fixed.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        // A lone * is every id: a feed that asks no upstream about anything it hosts nothing of.
        if !characters_fit || (fixed.is_empty() && text != "*") {
            return Err(PatternError { text: text.to_owned() });
        }
        Ok(Self {
            text: text.to_owned(),
            fixed: fixed.to_lowercase(),
            shape,
        })
    }
}

impl Value for IdPattern {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        text(value)?.parse().map_err(|error: PatternError| error.to_string())
    }

    fn show(&self) -> String {
        quoted(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_beginning_of_a_matching_id_is_known() {
        for (pattern, prefix, expected) in [
            ("contoso.tools", "Conto", true),
            ("contoso.tools", "contoso.tools", true),
            ("contoso.tools", "contoso.tools.x", false),
            ("Contoso.*", "c", true),
            ("contoso.*", "CONTOSO.tools", true),
            ("contoso.*", "git", false),
            ("*-internal", "git", true),
            ("*contoso*", "git", true),
            ("*", "git", true),
        ] {
            let parsed: IdPattern = pattern.parse().unwrap();
            assert_eq!(parsed.can_match_with(prefix), expected, "{pattern} {prefix}");
        }
    }

    #[test]
    fn what_matches() {
        for (pattern, id, expected) in [
            ("contoso.tools", "Contoso.Tools", true),
            ("contoso.tools", "contoso.tools2", false),
            ("Contoso.*", "contoso.", true),
            ("contoso.*", "CONTOSO.Agent", true),
            ("contoso.*", "contoso", false),
            ("contoso.*", "my.contoso.agent", false),
            ("*-internal", "git-INTERNAL", true),
            ("*-internal", "git-internal.install", false),
            ("*contoso*", "my.Contoso.agent", true),
            ("*contoso*", "fabrikam", false),
            ("*", "anything", true),
            ("contosö.*", "CONTOSÖ.agent", true),
        ] {
            assert_eq!(
                pattern.parse::<IdPattern>().unwrap().matches(id),
                expected,
                "{pattern} {id}"
            );
        }
    }

    #[test]
    fn a_star_is_every_id() {
        assert_eq!("*".parse(), Ok(IdPattern::all()));
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["", "**", "a*b", "a**", "a b", "a/b", "a?", "[ab]", "a\0"] {
            assert!(text.parse::<IdPattern>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_id_matches_what_is_made_of_it(id in "[A-Za-z0-9][A-Za-z0-9._-]{0,30}", tail in "[a-z.]{0,5}") {
            for (pattern, seen) in [
                (id.clone(), id.clone()),
                (format!("{id}*"), format!("{id}{tail}")),
                (format!("*{id}"), format!("{tail}{id}")),
                (format!("*{id}*"), format!("{tail}{id}{tail}")),
            ] {
                let pattern: IdPattern = pattern.parse().unwrap();
                prop_assert!(pattern.matches(&seen.to_ascii_uppercase()));
                prop_assert_eq!(pattern.to_string().parse::<IdPattern>(), Ok(pattern));
            }
        }

        #[test]
        fn garbage_does_not_panic(text in any::<String>(), id in any::<String>()) {
            if let Ok(pattern) = text.parse::<IdPattern>() {
                let _ = pattern.matches(&id);
            }
        }
    }
}
