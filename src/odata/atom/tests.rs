use super::*;
use crate::catalog::manifest::COMPUTED;
use crate::catalog::testing::{described, instant, record, row, text};
use crate::catalog::{Property, Record};
use crate::odata::atom_read::{FeedLimits, read_feed};
use crate::odata::xml::lines;

const LINKS: Links<'_> = Links {
    root: "http://127.0.0.1:8624/api/v2",
    protocol: Protocol::V2,
};

fn git() -> Record {
    let row = Row {
        title: text("Git <for> Windows").into(),
        summary: text("Fast & \"small\"").into(),
        authors: text("One, Two").into(),
        last_edited: Some(instant("2020-06-07T08:09:10.1200")),
        download_count: 3_000_000_000,
        ..described("Git.Install", "2.40", "one\r\ntwo\u{b}\u{1b}", "vcs admin")
    };
    record(
        row,
        vec![
            Property::text("Title", Some("Git <for> Windows")),
            Property::text("Description", Some("one\r\ntwo\u{b}\u{1b}")),
            Property::text("Tags", Some("vcs admin")),
            Property::text("Copyright", None),
            Property::text("Dependencies", Some("chocolatey-core.extension:1.3.3:")),
            Property::typed("PackageSize", "Edm.Int64", "6007".to_owned()),
            Property {
                name: "RequireLicenseAcceptance".to_owned(),
                edm_type: Some("Edm.Boolean".to_owned()),
                value: None,
            },
            Property {
                name: "PackageReviewedDate".to_owned(),
                edm_type: Some("Edm.DateTime".to_owned()),
                value: None,
            },
            Property::typed("SomethingNew", "Edm.Guid", "x".to_owned()),
            Property::text("no name", Some("x")),
        ],
    )
}

fn unlisted() -> Record {
    let row = Row {
        listed: false,
        ..row("Ünicode", "1.0-beta.1+meta")
    };
    record(row, Vec::new())
}

fn entry_of(parts: &EntryParts) -> Entry<'_> {
    Entry {
        parts,
        is_latest: true,
        is_absolute_latest: false,
    }
}

fn written(record: &Record, select: Option<&[&'static str]>) -> String {
    entry(LINKS, &entry_of(&render(record, Protocol::V2, select)))
}

fn feed_of(feed: &Feed<'_>, records: &[Record]) -> String {
    let parts: Vec<EntryParts> = records
        .iter()
        .map(|record| render(record, Protocol::V2, None))
        .collect();
    super::feed(feed, &parts.iter().map(entry_of).collect::<Vec<_>>())
}

fn search(next: Option<&str>) -> Feed<'_> {
    Feed {
        links: LINKS,
        collection: &Collection::Search,
        updated: instant("2024-01-02T03:04:05"),
        count: Some(7),
        next,
    }
}

#[test]
fn a_feed() {
    let next = "http://127.0.0.1:8624/api/v2/Search()?searchTerm='a'&$skip=2";
    let feed = feed_of(&search(Some(next)), &[git(), unlisted()]);
    insta::assert_snapshot!(lines(&feed));
}

#[test]
fn an_empty_feed() {
    let feed = feed_of(
        &Feed {
            count: None,
            ..search(None)
        },
        &[],
    );
    insta::assert_snapshot!(lines(&feed));
}

#[test]
fn an_entry() {
    insta::assert_snapshot!(lines(&written(&git(), None)));
}

#[test]
fn an_entry_of_version_one() {
    let links = Links {
        root: "http://127.0.0.1:8624/api/v1",
        protocol: Protocol::V1,
    };
    let shown = |record: &Record| entry(links, &entry_of(&render(record, Protocol::V1, None)));
    insta::assert_snapshot!(lines(&shown(&git())));
    let untitled = record(row("Untitled", "1.0"), Vec::new());
    let document = shown(&untitled);
    for part in [
        "<title type=\"text\">Untitled</title>",
        "<d:Title>Untitled</d:Title>",
        "<d:Language m:null=\"true\"></d:Language>",
    ] {
        assert!(document.contains(part), "{part}");
    }
    // Neither known nor allowed to be null.
    assert!(!document.contains("RequireLicenseAcceptance"));
}

#[test]
fn a_selection_leaves_the_rest_of_the_entry() {
    let document = written(&git(), Some(&["Version", "IsLatestVersion"]));
    let (before, properties) = document.split_once("<m:properties>").unwrap();
    assert!(before.contains("<author><name>One, Two</name></author>"));
    assert_eq!(
        properties,
        "<d:Version>2.40</d:Version><d:IsLatestVersion m:type=\"Edm.Boolean\">true</d:IsLatestVersion></m:properties></entry>"
    );
}

#[test]
fn what_clients_look_for_literally_is_there() {
    let document = written(&git(), None);
    for part in [
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><entry ",
        "<d:Version>2.40</d:Version><d:NormalizedVersion>2.40.0</d:NormalizedVersion>",
        "<content type=\"application/zip\" src=\"http://127.0.0.1:8624/api/v2/package/Git.Install/2.40.0\"/>",
        "<d:Tags xml:space=\"preserve\"> vcs admin </d:Tags>",
        "<d:DownloadCount m:type=\"Edm.Int32\">2147483647</d:DownloadCount>",
        "<d:Copyright m:null=\"true\"></d:Copyright>",
        "<d:SomethingNew m:type=\"Edm.Guid\">x</d:SomethingNew>",
    ] {
        assert!(document.contains(part), "{part}");
    }
    for part in ["RequireLicenseAcceptance", "no name", "<!--", "\u{b}"] {
        assert!(!document.contains(part), "{part}");
    }
    let document = written(&unlisted(), None);
    for part in [
        "<d:Published m:type=\"Edm.DateTime\">1900-01-01T00:00:00</d:Published>",
        "<d:Listed m:type=\"Edm.Boolean\">false</d:Listed>",
        "<d:Tags xml:space=\"preserve\"></d:Tags><d:Dependencies></d:Dependencies>",
        "/package/%C3%9Cnicode/1.0.0-beta.1\"/>",
        "<id>http://127.0.0.1:8624/api/v2/Packages(Id='Ünicode',Version='1.0.0-beta.1')</id>",
    ] {
        assert!(document.contains(part), "{part}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let next = "http://127.0.0.1:8624/api/v2/Search()?searchTerm='a%26b'&$skip=2";
    let written = feed_of(&search(Some(next)), &[git(), unlisted()]);
    let at = "http://127.0.0.1:8624/api/v2/Search()".parse().unwrap();
    let page = read_feed(written.as_bytes(), &at, FeedLimits::default()).unwrap();
    assert_eq!(
        (page.count, page.next.as_deref(), page.entries.len()),
        (Some(7), Some(next), 2)
    );
    let first = page.entries.first().unwrap();
    assert_eq!((first.id.as_str(), first.version.as_str()), ("Git.Install", "2.40"));
    assert_eq!(first.entry.summary.as_deref(), Some("Fast & \"small\""));
    for (name, value) in [
        ("Title", Some("Git <for> Windows")),
        ("Description", Some("one\r\ntwo")),
        ("Tags", Some(" vcs admin ")),
        ("Copyright", None),
        ("PackageSize", Some("6007")),
    ] {
        assert_eq!(first.entry.property(name), value, "{name}");
    }
}

#[test]
fn the_writer_tells_just_what_records_leave_out() {
    let row = Row {
        last_edited: Some(instant("2020-06-07")),
        ..row("git", "1.0")
    };
    let document = written(&record(row, Vec::new()), None);
    let (_, properties) = document.split_once("<m:properties>").unwrap();
    let mut written: Vec<&str> = properties
        .split("</d:")
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .collect();
    let mut expected = [COMPUTED, &["Tags", "Dependencies"]].concat();
    written.sort_unstable();
    expected.sort_unstable();
    assert_eq!(written, expected);
}

#[test]
fn values_are_written_as_their_type_or_left_out() {
    let properties = |value: &str, name: &str| Property {
        name: name.to_owned(),
        edm_type: Some("Edm.Odd".to_owned()),
        value: Some(value.to_owned()),
    };
    for (name, value, expected) in [
        ("PackageSize", "99999999999999999999", None),
        ("PackageSize", " 17 ", Some(r#" m:type="Edm.Int64">17<"#)),
        ("RequireLicenseAcceptance", "maybe", None),
        // Clients of the WCF generation read `true` alone.
        ("IsApproved", "True", Some(r#" m:type="Edm.Boolean">true<"#)),
        ("IsApproved", "0", Some(r#" m:type="Edm.Boolean">false<"#)),
        ("PackageStatus", " any ", Some("> any <")),
        ("PackageReviewedDate", "soon", None),
        (
            "PackageReviewedDate",
            "2022-03-04T05:06:07.120+01:00",
            Some(r#" m:type="Edm.DateTime">2022-03-04T04:06:07.12<"#),
        ),
        ("Unknown", "any", Some(r#" m:type="Edm.Odd">any<"#)),
    ] {
        let document = written(&record(row("git", "1.0"), vec![properties(value, name)]), None);
        let start = format!("<d:{name}");
        let shown = document.split_once(&start).map(|(_, rest)| rest);
        match expected {
            Some(expected) => assert!(
                shown.is_some_and(|shown| shown.starts_with(expected)),
                "{name}: {shown:?}"
            ),
            None => assert_eq!(shown, None, "{name}"),
        }
    }
}
