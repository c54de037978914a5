//! Nuspecs and Atom.

use larder::limits::NuspecLimits;
use larder::nuget::dependencies;
use larder::nuget::nuspec::Nuspec;
use larder::odata::atom_read::{FeedLimits, read_feed};

/// A nuspec.
pub(crate) fn nuspec(data: &[u8]) {
    let limits = NuspecLimits {
        bytes: 64 << 10,
        ..NuspecLimits::default()
    };
    let Ok(nuspec) = Nuspec::decode(data, &limits) else {
        return;
    };
    assert!(data.len() <= limits.bytes);
    assert_eq!(nuspec.id.as_str().parse().as_ref(), Ok(&nuspec.id));
    assert_eq!(nuspec.version.as_str().parse().as_ref(), Ok(&nuspec.version));
    let written = dependencies::format(&nuspec.dependency_groups);
    assert_eq!(dependencies::format(&dependencies::parse(&written)), written);
}

/// A feed or an entry of an upstream.
pub(crate) fn atom_read(data: &[u8]) {
    let limits = FeedLimits {
        entries: 5,
        text_bytes: 4 << 10,
        ..FeedLimits::default()
    };
    let document = "https://packages.example.com/api/v2/Packages()".parse().expect("a URL");
    let Ok(page) = read_feed(data, &document, limits) else {
        return;
    };
    assert!(page.entries.len() + page.skipped.len() <= limits.entries);
    if let Some(next) = &page.next {
        assert!(next.parse::<url::Url>().is_ok(), "{next} is no absolute URL");
    }
    for announced in &page.entries {
        for property in &announced.entry.properties {
            let length = property.value.as_ref().map_or(0, String::len);
            assert!(length <= limits.text_bytes, "{} has {length} bytes", property.name);
        }
    }
}
