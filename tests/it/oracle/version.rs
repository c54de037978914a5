//! Versions, read and compared in the plainest way: lists of numbers, lists of labels.

use std::cmp::Ordering;

/// A version that was read.
#[derive(Debug, Clone)]
pub(super) struct Version {
    numbers: [u64; 4],
    labels: Vec<String>,
    has_metadata: bool,
}

impl Version {
    /// Reads a version; `None` where the text is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (rest, metadata) = match text.find('+') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let (core, labels) = match rest.find('-') {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let mut numbers = Vec::new();
        for part in core.split('.') {
            if part.is_empty() || !part.chars().all(|c| c.is_ascii_digit()) {
                return None;
            }
            numbers.push(part.parse::<u64>().ok().filter(|number| *number <= 2_147_483_647)?);
        }
        if numbers.len() > 4 {
            return None;
        }
        numbers.resize(4, 0);
        let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_padded = |part: &str| part.len() > 1 && part.starts_with('0') && is_number(part);
        let labels: Vec<String> = labels
            .map(|labels| labels.split('.').map(str::to_owned).collect())
            .unwrap_or_default();
        if labels.iter().any(|label| !is_word(label) || is_padded(label)) {
            return None;
        }
        if metadata.is_some_and(|metadata| !metadata.split('.').all(is_word)) {
            return None;
        }
        Some(Self {
            numbers: [numbers[0], numbers[1], numbers[2], numbers[3]],
            labels,
            has_metadata: metadata.is_some(),
        })
    }

    pub(super) fn is_prerelease(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Whether only clients that read SemVer 2 can read it.
    pub(super) fn is_semver2(&self) -> bool {
        self.has_metadata || self.labels.len() > 1
    }

    /// Three numbers, a fourth that is not zero, labels; no metadata.
    pub(super) fn normalised(&self) -> String {
        let [major, minor, patch, revision] = self.numbers;
        let revision = if revision == 0 {
            String::new()
        } else {
            format!(".{revision}")
        };
        let labels = if self.labels.is_empty() {
            String::new()
        } else {
            format!("-{}", self.labels.join("."))
        };
        format!("{major}.{minor}.{patch}{revision}{labels}")
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        for (one, two) in self.numbers.iter().zip(&other.numbers) {
            if one != two {
                return one.cmp(two);
            }
        }
        match (self.labels.is_empty(), other.labels.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        for (one, two) in self.labels.iter().zip(&other.labels) {
            let order = match (is_number(one), is_number(two)) {
                (true, true) => {
                    let value = |label: &str| label.parse::<u64>().expect("a short number");
                    value(one).cmp(&value(two))
                }
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => one.to_ascii_lowercase().cmp(&two.to_ascii_lowercase()),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        self.labels.len().cmp(&other.labels.len())
    }
}

fn is_number(label: &str) -> bool {
    label.chars().all(|c| c.is_ascii_digit())
}
