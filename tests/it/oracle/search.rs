//! How relevant a package is to some words: 0 is the most relevant.

use super::fold::lower;
use super::package::Package;

const ELSEWHERE: usize = 6;

/// Returns the worst of the words' ranks, or a better one of the words together; `None` where a word is nowhere.
pub(super) fn rank(words: &[String], package: &Package) -> Option<usize> {
    let mut distinct: Vec<String> = Vec::new();
    for word in words.iter().map(|word| lower(word)) {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    let mut worst = 0;
    for word in &distinct {
        worst = worst.max(rank_of_word(word, package)?);
    }
    let together: String = distinct.iter().map(|word| joined(word)).collect();
    let id = joined(&lower(&package.id));
    Some(match distinct.len() {
        0 => ELSEWHERE,
        1 => worst,
        _ if id == together => 0,
        _ if id.starts_with(&together) => worst.min(1),
        _ => worst,
    })
}

/// A text without what stands between words.
fn joined(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '.' | '-' | '_' | ' ')).collect()
}

fn rank_of_word(word: &str, package: &Package) -> Option<usize> {
    let id = lower(&package.id);
    let has = |text: &Option<String>| text.as_ref().is_some_and(|text| lower(text).contains(word));
    if id == word {
        Some(0)
    } else if id.starts_with(word) {
        Some(1)
    } else if id.match_indices(word).any(|(at, _)| begins_word(&package.id, at)) {
        Some(2)
    } else if id.contains(word) {
        Some(3)
    } else if has(&package.title) {
        Some(4)
    } else if has(&package.tags) {
        Some(5)
    } else if has(&package.description) || has(&package.summary) || has(&package.authors) {
        Some(ELSEWHERE)
    } else {
        None
    }
}

/// After a separator, at a hump, and where a letter follows a digit.
fn begins_word(id: &str, at: usize) -> bool {
    let before = id[..at].chars().next_back().expect("the start is looked at before");
    let after = id[at..].chars().next().expect("something was found");
    matches!(before, '.' | '-' | '_')
        || (after.is_uppercase() && !before.is_uppercase())
        || (after.is_alphabetic() && before.is_numeric())
}
