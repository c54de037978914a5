//! Addresses, options and filters.

use std::sync::LazyLock;

use larder::catalog::expression::{Verdict, Work};
use larder::catalog::{
    Columns, Content, Contribution, Entry, Expression, Group, Origin, Property, Record, Shadow, SourceName,
};
use larder::limits::{MAX_ORDER_KEYS, MAX_PATH_BYTES, MAX_QUERY_BYTES};
use larder::nuget::SemVerLevel;
use larder::odata::address::{self, Address, AddressError, Collection, Key};
use larder::odata::filter::{self, FilterProblem};
use larder::odata::options::{self, OptionsError};
use larder::odata::plan;
use larder::odata::skiptoken::{self, Start};
use larder::store::Sidecar;
use larder::store::sidecar::Assembly;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A raw path below a protocol root.
pub(crate) fn address(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else { return };
    let read = address::parse(path);
    if path.len() > MAX_PATH_BYTES {
        assert_eq!(read, Err(AddressError::TooLong));
        return;
    }
    if path.len() < MAX_PATH_BYTES {
        assert_eq!(
            address::parse(&format!("/{path}")),
            read,
            "a leading slash says nothing"
        );
    }
    let encoded = |text: &str| utf8_percent_encode(&text.replace('\'', "''"), NON_ALPHANUMERIC).to_string();
    let keyed = |key: &Key| {
        let (id, version) = (encoded(key.id.as_str()), encoded(key.version.as_str()));
        format!("Packages(Id='{id}',Version='{version}')")
    };
    let written = match &read {
        Ok(Address::Package(key)) => keyed(key),
        Ok(Address::PackageDownload(key)) => format!("{}/Download", keyed(key)),
        Ok(Address::List(Collection::FindPackagesById(Some(id)))) => format!("FindPackagesById(id='{}')", encoded(id)),
        _ => return,
    };
    if written.len() <= MAX_PATH_BYTES {
        assert_eq!(address::parse(&written), read, "{written}");
    }
}

/// A raw query string.
pub(crate) fn options(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let read = options::parse(query);
    if query.len() > MAX_QUERY_BYTES {
        assert_eq!(read.err(), Some(OptionsError::TooLong));
        return;
    }
    let Ok(read) = read else { return };
    assert!(read.order.len() <= MAX_ORDER_KEYS);
    let link = read.next_link("http://example.com/Packages()", "'it''s','1.0'", 40);
    let next = link
        .strip_prefix("http://example.com/Packages()?")
        .expect("the path stays");
    match options::parse(next) {
        Ok(next) => {
            assert_eq!(next.skip_token.as_deref(), Some("'it''s','1.0'"));
            assert_eq!(next.skip, 0, "what was to be skipped is");
            assert_eq!(next.top, read.top.map(|top| top.saturating_sub(40)));
            let rest = |options: &options::Options| {
                let conditions = format!("{:?}{:?}{:?}", options.filter, options.order, options.select);
                let search = (options.search_terms.clone(), options.id.clone(), options.level);
                (conditions, search, options.wants_count, options.include_prerelease)
            };
            assert_eq!(rest(&next), rest(&read), "a next link loses no parameter");
        }
        // There is no room for one parameter more.
        Err(OptionsError::TooLong | OptionsError::TooMany) => {}
        Err(error) => panic!("{next}: {error}"),
    }
}

/// An `$orderby`, and on a second line a `$skiptoken`.
pub(crate) fn skiptoken(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (order, token) = text.split_once('\n').unwrap_or(("", text));
    let order = utf8_percent_encode(order, NON_ALPHANUMERIC);
    let Ok(options) = options::parse(&format!("$orderby={order}&searchTerm=git")) else {
        return;
    };
    let Ok(plan) = plan::list(&Collection::Search, &options, 100) else {
        return;
    };
    let order = plan.query.total_order();
    if let Ok(Start::Behind(place)) = skiptoken::read(token, &order) {
        let written = skiptoken::write(&place);
        let again = skiptoken::read(&written, &order);
        assert_eq!(again, Ok(Start::Behind(place)), "{written}");
    }
}

/// A filter.
pub(crate) fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(plain) = filter::parse(text) else { return };
    let (Some(not), Some(both), Some(either)) = (
        composed(&format!("not ({text})")),
        composed(&format!("({text}) and ({text})")),
        composed(&format!("({text}) or ({text})")),
    ) else {
        return;
    };
    for record in RECORDS.iter() {
        let group = Group::merge(
            &[Contribution {
                source: &record.source,
                rows: std::slice::from_ref(&record.row),
            }],
            &[],
            Shadow::Id,
        );
        let group = group.expect("a group of one");
        let member = group.members().first().expect("a group of one");
        let row = Columns::of(member, SemVerLevel::Two);
        let whole = row.with_record(record);
        let verdict = |filter: &Expression| {
            let work = Work::default();
            let verdict = filter.verdict(&whole.with_work(&work));
            (!work.is_spent()).then_some(verdict)
        };
        let Some(said) = verdict(&plain) else { return };
        assert_ne!(
            said,
            Verdict::Deferred,
            "with its record a version has no unknown column"
        );
        assert_eq!(verdict(&both).unwrap_or(said), said);
        assert_eq!(verdict(&either).unwrap_or(said), said);
        assert!(said == Verdict::False || verdict(&not).is_none_or(|not| not == Verdict::False));
        let work = Work::default();
        let of_row = plain.verdict(&row.with_work(&work));
        assert!(
            of_row == said || of_row == Verdict::Deferred || work.is_spent(),
            "the row said {of_row:?}"
        );
    }
}

/// Parses what is made of a text that can be parsed; `None` where the whole is too long or too deep.
fn composed(text: &str) -> Option<Expression> {
    match filter::parse(text) {
        Ok(expression) => Some(expression),
        Err(error) if matches!(error.problem, FilterProblem::TooLong | FilterProblem::TooDeep) => None,
        Err(error) => panic!("{text}: {error}"),
    }
}

/// Versions with much and with little to say.
static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let texts = [
        ("Title", "Git (Install)"),
        ("Description", "Ein Werkzeug f\u{fc}r Quelltext"),
        ("Summary", "Version control"),
        ("Tags", " git vcs "),
        ("Authors", "The Git Community"),
        ("ReleaseNotes", "it's new"),
        ("Dependencies", "chocolatey-core:[1.3.3, 2.0.0):"),
    ];
    let mut full: Vec<Property> = texts
        .iter()
        .map(|(name, text)| Property::text(name, Some(text)))
        .collect();
    full.push(Property::typed("DownloadCount", "Edm.Int32", "1000".to_owned()));
    full.push(Property::typed(
        "RequireLicenseAcceptance",
        "Edm.Boolean",
        "true".to_owned(),
    ));
    vec![
        record("Git.Install", "2.40.0-rc.1", full),
        record("a", "1.0", Vec::new()),
    ]
});

fn record(id: &str, version: &str, properties: Vec<Property>) -> Record {
    let content = Content {
        sha512: "AAAA".to_owned(),
        size: 4096,
    };
    let (id, version) = (id.parse().expect("an id"), version.parse().expect("a version"));
    let now = "2026-03-01T12:00:00Z".parse().expect("an instant");
    let origin = Origin::Mirrored { content_url: None };
    let mut sidecar = Sidecar::new(&id, &version, &content, origin, now);
    sidecar.entry = Some(Entry {
        properties,
        ..Entry::default()
    });
    let source: SourceName = "choco".parse().expect("a name");
    let assembly = Assembly {
        source: &source,
        inspected: None,
        committed: now,
    };
    sidecar.record(&assembly).expect("a record")
}
