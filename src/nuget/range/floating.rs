//! Floating lower bounds, `1.*` and `1.0.0-rc.*` (NuGet.Client, `FloatRange`).

/// Returns the lowest version that a floating version stands for, as a text that is to be read as a version; `None` where
/// its stars stand in the wrong places.
///
/// A star ends a number or a label; a second one may end the last number before the labels, as in `1.*-rc*`.
pub(super) fn floor(text: &str) -> Option<String> {
    if text == "*" {
        return Some("0.0".to_owned());
    }
    if text.contains('+') {
        return None;
    }
    let start = text.strip_suffix('*')?;
    let Some((numbers, labels)) = start.split_once('-') else {
        return Some(format!("{start}0"));
    };
    let numbers = match numbers.strip_suffix('*') {
        Some(numbers) => format!("{numbers}0"),
        None => numbers.to_owned(),
    };
    // The lowest label is a zero; one that is begun stands for itself.
    let lowest = if labels.is_empty() || labels.ends_with('.') {
        "0"
    } else {
        ""
    };
    Some(format!("{numbers}-{labels}{lowest}"))
}
