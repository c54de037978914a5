//! `allow` and `deny`: which ids an upstream is asked about.

use std::sync::Arc;

use crate::config::document::Section;
use crate::config::error::ConfigError;
use crate::config::pattern::IdPattern;

/// Which ids an upstream may be asked about, and supply. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdRules {
    rules: Arc<Rules>,
}

#[derive(Debug, PartialEq, Eq)]
struct Rules {
    allow: Vec<IdPattern>,
    deny: Vec<IdPattern>,
}

impl IdRules {
    /// Returns the rules by which ids match one of `allow` and none of `deny`.
    #[must_use]
    pub fn new(allow: Vec<IdPattern>, deny: Vec<IdPattern>) -> Self {
        Self {
            rules: Arc::new(Rules { allow, deny }),
        }
    }

    pub(super) fn read(section: &mut Section<'_>) -> Result<Self, ConfigError> {
        let allow = section.read_if("allow", vec![IdPattern::all()], |patterns| {
            let problem = "must not be empty: it would allow no id; take the upstream out of its feeds instead";
            patterns.is_empty().then(|| problem.to_owned())
        })?;
        Ok(Self::new(allow, section.read("deny", Vec::new())?))
    }

    /// Says whether the upstream may be asked about an id, whatever its case.
    #[must_use]
    pub fn admit(&self, id: &str) -> bool {
        let matches = |patterns: &[IdPattern]| patterns.iter().any(|pattern| pattern.matches(id));
        matches(&self.rules.allow) && !matches(&self.rules.deny)
    }

    /// Says whether the upstream may hear a word that somebody searches for: an id that it may be asked about, or the
    /// beginning of a pattern that allows some.
    #[must_use]
    pub fn may_hear(&self, word: &str) -> bool {
        let begins = |pattern: &IdPattern| pattern.begins_with(word);
        self.admit(word)
            || (self.rules.allow.iter().any(begins) && !self.rules.deny.iter().any(|pattern| pattern.matches(word)))
    }
}

impl Default for IdRules {
    /// Returns the rules that admit every id.
    fn default() -> Self {
        Self::new(vec![IdPattern::all()], Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_admitted_and_what_may_be_heard() {
        let patterns = |text: &str| -> Vec<IdPattern> { text.split_whitespace().map(|p| p.parse().unwrap()).collect() };
        for (allow, deny, word, admitted, heard) in [
            ("*", "", "git", true, true),
            ("*", "git", "GIT", false, false),
            ("*", "git", "git.install", true, true),
            ("*", "*-internal", "tool-internal", false, false),
            ("contoso.*", "", "Contoso.Agent", true, true),
            ("contoso.*", "", "git", false, false),
            ("contoso.*", "", "contoso", false, true),
            ("contoso.*", "", "cont", false, true),
            ("contoso.*", "contoso", "contoso", false, false),
            ("contoso.* git", "contoso.x*", "contoso.xy", false, false),
            ("contoso.* git", "contoso.x*", "git", true, true),
            ("*-tools", "", "git", false, false),
            ("*-tools", "", "git-tools", true, true),
            ("*tools*", "", "tool", false, false),
        ] {
            let rules = IdRules::new(patterns(allow), patterns(deny));
            assert_eq!(rules.admit(word), admitted, "{allow} not {deny}: {word}");
            assert_eq!(rules.may_hear(word), heard, "{allow} not {deny}: hears {word}");
        }
    }
}
