use proptest::prelude::*;

use super::draft::parse_instant;
use super::*;
use crate::catalog::{Entry, Property};

const NAMESPACES: &str = r#"xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata""#;

fn read(text: &str) -> Result<FeedPage, FeedError> {
    let url = "https://gallery.test/api/v2/FindPackagesById()?id='x'".parse().unwrap();
    read_feed(text.as_bytes(), &url, FeedLimits::default())
}

fn feed(body: &str) -> String {
    format!(r#"<?xml version="1.0"?><feed xml:base="https://gallery.test/api/v2" {NAMESPACES}>{body}</feed>"#)
}

/// An entry as WCF services write it: no `d:Id`, properties beside the content.
fn entry(properties: &str) -> String {
    format!(
        "<entry><id>http://g/Packages(Id='Git',Version='2.0')</id><title>Git</title>\
         <content type='application/zip' src='package/Git/2.0'/><m:properties>{properties}</m:properties></entry>"
    )
}

fn one(text: &str) -> Announced {
    let page = read(text).unwrap();
    assert_eq!((page.entries.len(), &page.skipped[..]), (1, &[][..]));
    page.entries.into_iter().next().unwrap()
}

#[test]
fn reads_an_entry_whole() {
    let text = feed(
        "<m:count> 7 </m:count><entry><id>http://g/Packages(Id='Git',Version='2.0')</id><title type='text'>Git</title>\
         <summary>a &amp; b</summary><updated>2024-01-02T03:04:05.123Z</updated><author><name>Ann</name></author>\
         <author><name>Bob</name></author><content type='application/zip' src='https://cdn.test/git?a=1&amp;b=2'/>\
         <m:properties><d:Version>02.0</d:Version><d:Title>The &lt;Git&gt;<![CDATA[ & co]]>&#x21;</d:Title>\
         <d:Copyright m:null=\"true\"></d:Copyright><d:Tags xml:space='preserve'> git vcs </d:Tags>\
         <d:DownloadCount m:type='Edm.Int32'>5</d:DownloadCount><d:LastEdited m:type='Edm.DateTime' m:null='true' />\
         <d:Empty></d:Empty><d:Dependencies>b:null|c:1.0:null</d:Dependencies></m:properties></entry>\
         <link rel='self' href='nowhere'/><link rel='next' href='https://gallery.test/n?id=&apos;x&apos;&amp;$skip=1'/>",
    );
    let page = read(&text).unwrap();
    assert_eq!(page.count, Some(7));
    assert_eq!(page.next.as_deref(), Some("https://gallery.test/n?id='x'&$skip=1"));
    let announced = &page.entries[0];
    assert_eq!((announced.id.as_str(), announced.version.as_str()), ("Git", "02.0"));
    let expected = Entry {
        properties: vec![
            Property::text("Version", Some("02.0")),
            Property::text("Title", Some("The <Git> & co!")),
            Property::text("Copyright", None),
            Property::text("Tags", Some(" git vcs ")),
            Property::typed("DownloadCount", "Edm.Int32", "5".to_owned()),
            Property {
                name: "LastEdited".to_owned(),
                edm_type: Some("Edm.DateTime".to_owned()),
                value: None,
            },
            Property::text("Empty", Some("")),
            Property::text("Dependencies", Some("b:null|c:1.0:null")),
        ],
        summary: Some("a & b".to_owned()),
        authors: Some("Ann, Bob".to_owned()),
        updated: Some("2024-01-02T03:04:05.123Z".parse().unwrap()),
        content_url: Some("https://cdn.test/git?a=1&b=2".to_owned()),
    };
    assert_eq!(announced.entry, expected);
}

#[test]
fn reads_a_single_entry_and_properties_inside_of_content() {
    let text = format!(
        "<a:entry xmlns:a='http://www.w3.org/2005/Atom' {NAMESPACES}><a:content><m:properties><d:Id>X.y</d:Id>\
         <d:Version>1</d:Version></m:properties></a:content></a:entry>"
    );
    assert_eq!(one(&text).id.as_str(), "X.y");
}

#[test]
fn finds_id_and_version_where_they_are() {
    let key = "<id>http://g/Packages(Id='Key',Version='2.0')</id>";
    for (inside, expected) in [
        (
            "<title>T</title><m:properties><d:Id>P</d:Id><d:Version>1.0</d:Version></m:properties>",
            "P 1.0",
        ),
        (
            "<title>T</title><m:properties><d:Version>1.0</d:Version></m:properties>",
            "T 1.0",
        ),
        (&format!("{key}<title>A title</title>"), "Key 2.0"),
        (
            &format!("{key}<m:properties><d:NormalizedVersion>3.0</d:NormalizedVersion></m:properties>"),
            "Key 3.0",
        ),
        (
            "<id>urn:x</id><title>T</title><m:properties><d:Version>1</d:Version></m:properties>",
            "T 1",
        ),
    ] {
        let found = one(&feed(&format!("<entry>{inside}</entry>")));
        assert_eq!(format!("{} {}", found.id, found.version), expected, "{inside}");
    }
}

#[test]
fn skips_and_reports_what_names_no_package() {
    let bad = "<entry><id>urn:1</id><title>a/b</title><m:properties><d:Version>1</d:Version></m:properties></entry>\
               <entry><title>x</title></entry><entry/>\
               <entry><title>x</title><m:properties><d:Version>one</d:Version></m:properties></entry>";
    let page = read(&feed(&format!("{bad}{}", entry("<d:Version>1</d:Version>")))).unwrap();
    assert_eq!(page.entries.len(), 1);
    let skipped: Vec<_> = page.skipped.iter().map(|s| (s.entry.as_str(), &s.reason)).collect();
    assert!(matches!(
        skipped[..],
        [
            ("urn:1", SkipReason::Id(_)),
            ("x", SkipReason::NoVersion),
            ("", SkipReason::NoId),
            ("x", SkipReason::Version(_))
        ]
    ));
}

#[test]
fn resolves_links() {
    for (base, link, expected) in [
        (
            "xml:base='https://g.test/api/v2'",
            "package/x/1",
            "https://g.test/api/v2/package/x/1",
        ),
        ("xml:base='/feed/'", "/package/x/1", "https://gallery.test/package/x/1"),
        ("", "package/x/1", "https://gallery.test/api/v2/package/x/1"),
        (
            "xml:base='http://['",
            "package/x/1",
            "https://gallery.test/api/v2/package/x/1",
        ),
        ("", "https://cdn.test/a+b%20c", "https://cdn.test/a+b%20c"),
    ] {
        let text = format!(
            "<feed {base} {NAMESPACES}><entry><title>x</title><content src='{link}'/><m:properties>\
             <d:Version>1</d:Version></m:properties></entry><link href='{link}' rel='next'/></feed>"
        );
        let page = read(&text).unwrap();
        assert_eq!(page.next.as_deref(), Some(expected));
        assert_eq!(page.entries[0].entry.content_url.as_deref(), Some(expected));
    }
}

#[test]
fn atom_parts_give_way_to_properties() {
    let text = feed(
        "<entry><title>x</title><summary>s</summary><updated>2024-01-02T03:04:05</updated><author><name>a</name></author>\
         <m:properties><d:Version>1</d:Version><d:Summary>S</d:Summary><d:Authors>A</d:Authors>\
         <d:LastUpdated>2024-01-01T00:00:00</d:LastUpdated></m:properties></entry>",
    );
    let entry = one(&text).entry;
    assert_eq!((entry.summary, entry.authors, entry.updated), (None, None, None));
}

#[test]
fn instants_have_a_zone_or_are_utc() {
    for (text, expected) in [
        ("2024-01-02T03:04:05Z", Some("2024-01-02T03:04:05Z")),
        ("2024-01-02T03:04:05.1234567", Some("2024-01-02T03:04:05.1234567Z")),
        ("2024-01-02T03:04:05+02:00", Some("2024-01-02T01:04:05Z")),
        ("yesterday", None),
        ("", None),
    ] {
        assert_eq!(parse_instant(text), expected.map(|t| t.parse().unwrap()), "{text}");
    }
}

#[test]
fn drops_control_characters() {
    let found = one(&feed(&entry(
        "<d:Version>1</d:Version><d:Title>a\u{1}b&#x1F;c\td</d:Title>",
    )));
    assert_eq!(found.entry.property("Title"), Some("abc\td"));
}

#[test]
fn a_property_named_error_is_one() {
    let found = one(&feed(&entry("<d:Version>1</d:Version><d:error>none</d:error>")));
    assert_eq!(found.entry.property("error"), Some("none"));
}

#[test]
fn an_error_makes_the_page_worthless() {
    let error = "<m:error><m:code/><m:message xml:lang='en-US'>Object reference\n not set</m:message></m:error>";
    for text in [
        format!("\u{feff}<error {NAMESPACES}><code/><message>Object reference not set</message></error>"),
        feed(&format!("{}{error}", entry("<d:Version>1</d:Version>"))),
        feed(&entry(&format!("<d:Version>1</d:Version>{error}"))),
        feed(&entry(&format!("<d:Version>1</d:Version><d:Title>half{error}"))),
        format!(
            "<feed {NAMESPACES}>{}<link rel='next'>{error}",
            entry("<d:Version>1</d:Version>")
        ),
        format!("<feed {NAMESPACES}><m:error><m:message>Object reference not set</m:message>"),
    ] {
        let error = read(&text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the upstream reports an error: Object reference not set",
            "{text}"
        );
    }
}

#[test]
fn refuses_other_documents() {
    for (text, message) in [
        ("", "the answer is empty where a feed was expected"),
        (" \n", "the answer is empty where a feed was expected"),
        ("{\"d\":[]}", "the answer is JSON where a feed was expected"),
        (
            "Service Unavailable",
            "the answer is plain text where a feed was expected",
        ),
        (
            "<!DOCTYPE html><html><p>log in",
            "the answer is a 'html' document where a feed was expected",
        ),
        (
            "<html><head/></html>",
            "the answer is a 'html' document where a feed was expected",
        ),
        (
            "<rss version='2.0'/>",
            "the answer is a 'rss' document where a feed was expected",
        ),
        (
            "<!DOCTYPE feed [<!ENTITY x 'y'>]><feed/>",
            "the feed declares a document type, which is refused",
        ),
        ("<feed/><feed/>", "the feed goes on after its end, at byte 14"),
        ("<feed><entry>", "the feed is cut off: it ends inside of 'entry'"),
        (
            "<?xml version='1.0'?>",
            "the feed is cut off: it ends inside of 'the prolog, at byte 21'",
        ),
        ("<feed></entry>", "the feed is not well-formed XML at byte 6"),
        (
            "<feed><entry><title>&nbsp;</title></entry></feed>",
            "the feed is not well-formed XML at byte 26",
        ),
        (
            "<feed><link rel='next'/></feed>",
            "the feed has a next page but does not say where it lies",
        ),
        (
            "<feed><link rel='next' href=''/></feed>",
            "the feed has a next page but does not say where it lies",
        ),
        (
            "<feed><link rel=next href=x/></feed>",
            "the feed is not well-formed XML at byte 29",
        ),
        (
            "<feed><link rel='next' href='a?b&$c'/></feed>",
            "the feed is not well-formed XML at byte 38",
        ),
        ("<feed><entry", "the feed is not well-formed XML at byte 6"),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), message, "{text}");
    }
    let url: Url = "http://g.test".parse().unwrap();
    let utf16 = read_feed(b"\xff\xfe<\0", &url, FeedLimits::default()).unwrap_err();
    assert!(matches!(utf16, FeedError::Encoding { position: 0 }));
}

#[test]
fn a_cut_feed_is_never_a_feed() {
    let text = feed(&format!(
        "{}<link rel='next' href='x'/>",
        entry("<d:Version>1</d:Version><d:Title>T&amp;</d:Title>")
    ));
    assert!(read(&text).is_ok());
    for at in 0..text.len() {
        assert!(read(&text[..at]).is_err(), "{}", &text[..at]);
    }
}

#[test]
fn stops_at_its_limits() {
    let limits = FeedLimits::default();
    for (text, what) in [
        (format!("<feed>{}", "<a>".repeat(100_000)), "levels of nested elements"),
        (feed(&"<entry/>".repeat(limits.entries + 1)), "entries"),
        (feed(&"<a/>".repeat(limits.elements)), "elements"),
        (
            feed(&format!("<link a='{}'/>", "x".repeat(limits.tag_bytes))),
            "bytes in one tag",
        ),
        (
            feed(&entry(&format!("<d:X>{}</d:X>", "x".repeat(limits.text_bytes + 1)))),
            "bytes of text in one element",
        ),
        (
            feed(&entry(&format!("<d:X>{}</d:X>", "&lt;".repeat(limits.text_bytes + 1)))),
            "bytes of text in one element",
        ),
    ] {
        let error = read(&text).unwrap_err();
        assert!(
            matches!(error, FeedError::TooLarge { what: found, .. } if found == what),
            "{what}: {error}"
        );
    }
    let exactly = feed(&entry(&format!(
        "<d:Version>1</d:Version><d:X>{}</d:X>",
        "x".repeat(limits.text_bytes)
    )));
    assert!(read(&exactly).is_ok());
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

proptest! {
    #[test]
    fn never_panics(text in "[<>/&;'\"= a-z!?\\[\\]#-]{0,200}") {
        let _ = read(&text);
        let _ = read(&feed(&text));
        let _ = read(&feed(&entry(&text)));
    }

    #[test]
    fn never_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_feed(&bytes, &"http://g.test/".parse().unwrap(), FeedLimits::default());
    }

    #[test]
    fn properties_round_trip(values in proptest::collection::vec(proptest::option::of("[ -~\u{e4}\u{1f600}]{0,40}"), 0..8)) {
        let mut text = "<d:Version>1</d:Version>".to_owned();
        for (at, value) in values.iter().enumerate() {
            let property = match value {
                Some(value) => format!("<d:P{at}>{}</d:P{at}>", escape(value)),
                None => format!("<d:P{at} m:null='true'/>"),
            };
            text.push_str(&property);
        }
        let found = one(&feed(&entry(&text))).entry.properties;
        let found: Vec<_> = found.into_iter().skip(1).map(|property| property.value).collect();
        prop_assert_eq!(found, values);
    }
}
