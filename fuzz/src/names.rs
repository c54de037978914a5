//! Versions, ranges, frameworks and dependencies.

use std::cmp::Ordering;

use larder::limits::{MAX_RANGE_BYTES, MAX_VERSION_BYTES};
use larder::nuget::dependencies;
use larder::nuget::framework::{Declared, Framework, Target, short_name};
use larder::nuget::{NuGetVersion, VersionRange};

/// Versions, one a line.
pub(crate) fn version(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let versions: Vec<NuGetVersion> = text.lines().take(4).filter_map(|line| line.parse().ok()).collect();
    for version in &versions {
        assert!(version.as_str().len() <= MAX_VERSION_BYTES);
        let normalized: NuGetVersion = version.normalized().parse().expect("a normalised version is a version");
        assert_eq!(&normalized, version);
        assert_eq!(normalized.normalized(), version.normalized());
        assert_eq!(normalized.is_prerelease(), version.is_prerelease());
        let spelled: NuGetVersion = version.as_str().parse().expect("a spelling can be read again");
        assert_eq!((&spelled, spelled.as_str()), (version, version.as_str()));
    }
    for left in &versions {
        for right in &versions {
            let order = left.cmp(right);
            assert_eq!(order, right.cmp(left).reverse(), "{left} {right}");
            assert_eq!(order == Ordering::Equal, left == right, "{left} {right}");
            assert_eq!(order == Ordering::Equal, left.key() == right.key(), "{left} {right}");
            for third in &versions {
                if order.is_le() && right <= third {
                    assert!(left <= third, "{left} {right} {third}");
                }
            }
        }
    }
}

/// A range, and on further lines versions.
pub(crate) fn range(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let Some(Ok(range)) = lines.next().map(str::parse::<VersionRange>) else {
        return;
    };
    assert!(range.as_str().len() <= MAX_RANGE_BYTES);
    let spelled: VersionRange = range.as_str().parse().expect("a spelling can be read again");
    assert_eq!(spelled, range);
    let normalized = range.normalized();
    if normalized.len() > MAX_RANGE_BYTES {
        return;
    }
    let read: VersionRange = normalized.parse().expect("a normalised range is a range");
    assert_eq!((read.minimum(), read.maximum()), (range.minimum(), range.maximum()));
    assert_eq!(read.normalized(), normalized);
    for version in lines.take(4).filter_map(|line| line.parse::<NuGetVersion>().ok()) {
        let satisfies = range.satisfies(&version);
        assert_eq!(read.satisfies(&version), satisfies);
        let is_below = range.minimum().is_some_and(|minimum| version < minimum.version);
        let is_above = range.maximum().is_some_and(|maximum| version > maximum.version);
        assert!(!(satisfies && (is_below || is_above)), "{range} {version}");
    }
}

/// A framework.
pub(crate) fn framework(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let short = short_name(text);
    assert_eq!(short_name(&short), short, "a short name is its own short name: {text}");
    if let Some(framework) = Framework::parse(text) {
        assert!(
            Target::new(framework.clone()).accepts(&framework),
            "{text} can use what is made for it"
        );
    }
    if let Some(declared) = Declared::parse(text) {
        let again = Declared::parse(declared.as_str());
        assert_eq!(again.as_ref().map(Declared::as_str), Some(declared.as_str()));
    }
}

/// The text of a `Dependencies` property.
pub(crate) fn dependencies(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let written = dependencies::format(&dependencies::parse(text));
    let again = dependencies::format(&dependencies::parse(&written));
    assert_eq!(again, written, "{text}");
}
