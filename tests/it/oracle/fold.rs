//! Lower and upper case of the letters that generated texts have, from a table of its own.

/// Letters outside of ASCII that occur, lower and upper case.
pub(super) const PAIRS: &[(char, char)] = &[
    ('ä', 'Ä'),
    ('ö', 'Ö'),
    ('ü', 'Ü'),
    ('é', 'É'),
    ('ñ', 'Ñ'),
    ('ж', 'Ж'),
    ('λ', 'Λ'),
];

pub(super) fn lower(text: &str) -> String {
    let fold = |c: char| match PAIRS.iter().find(|(_, upper)| *upper == c) {
        Some((lower, _)) => *lower,
        None if c.is_ascii_uppercase() => char::from(c as u8 + 32),
        None => c,
    };
    text.chars().map(fold).collect()
}

pub(super) fn upper(text: &str) -> String {
    let fold = |c: char| match PAIRS.iter().find(|(lower, _)| *lower == c) {
        Some((_, upper)) => *upper,
        None if c.is_ascii_lowercase() => char::from(c as u8 - 32),
        None => c,
    };
    text.chars().map(fold).collect()
}
