mod engine;
mod literals;
mod random;

use super::*;
use crate::catalog::expression::Verdict;
use crate::catalog::testing::{described, instant, record, row, text};
use crate::catalog::{Columns, Property, Record, Row};

/// One version with its flags.
struct Version {
    name: &'static str,
    record: Record,
    is_latest: bool,
    is_absolute_latest: bool,
}

/// Git with a prerelease above its latest release, a module with tags, and one unlisted, unapproved, bare package.
fn versions() -> Vec<Version> {
    let git = |version: &str| Row {
        title: Some(text("Git")),
        ..described("Git", version, "Fast distributed VCS", "vcs admin")
    };
    let pester = Row {
        published: instant("2019-01-01"),
        ..described("Pester", "5.5.0", "Tests for PowerShell", "PSModule json")
    };
    let bare = Row {
        listed: false,
        approved: false,
        ..row("powget", "1.0")
    };
    let all = [
        ("git-1", git("1.0"), false, false),
        ("git-2", git("2.10.0"), true, false),
        ("git-3", git("3.0-beta"), false, true),
        ("pester", pester, true, true),
        ("bare", bare, false, false),
    ];
    let with_properties = |row: Row| {
        let status = if row.approved { "Passing" } else { "Failing" };
        let properties = vec![
            Property::text("PackageTestResultStatus", Some(status)),
            Property::typed("IsDownloadCacheAvailable", "Edm.Boolean", row.approved.to_string()),
        ];
        record(row, properties)
    };
    all.into_iter()
        .map(|(name, row, is_latest, is_absolute_latest)| Version {
            name,
            record: with_properties(row),
            is_latest,
            is_absolute_latest,
        })
        .collect()
}

fn answer(filter: &str) -> String {
    let expression = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let mut names = Vec::new();
    for version in versions() {
        let columns = Columns {
            row: &version.record.row,
            is_latest: version.is_latest,
            is_absolute_latest: version.is_absolute_latest,
            record: None,
            work: None,
        };
        let (on_row, on_record) = (
            expression.verdict(&columns),
            expression.verdict(&columns.with_record(&version.record)),
        );
        assert_ne!(on_record, Verdict::Deferred, "{filter}");
        assert!(on_row == on_record || on_row == Verdict::Deferred, "{filter}");
        if on_record == Verdict::True {
            names.push(version.name);
        }
    }
    names.join(" ")
}

/// Every shape that clients are known to send, and who sends it.
const SENT: &[(&str, &str, &str)] = &[
    ("F1 all clients", "IsLatestVersion", "git-2 pester"),
    ("F2 all, with prereleases", "IsAbsoluteLatestVersion", "git-3 pester"),
    ("F3 PSResourceGet", "IsLatestVersion eq true", "git-2 pester"),
    ("F3 PSResourceGet", "IsAbsoluteLatestVersion eq true", "git-3 pester"),
    ("F4 choco", "(tolower(Id) eq 'git') and IsLatestVersion", "git-2"),
    (
        "F5 choco --pre",
        "(tolower(Id) eq 'git') and IsAbsoluteLatestVersion",
        "git-3",
    ),
    ("F6 choco, Paket, NuGet 2", "tolower(Id) eq 'git'", "git-1 git-2 git-3"),
    ("F7 Paket", "Id eq 'GIT'", "git-1 git-2 git-3"),
    (
        "F8 choco 2 --by-id-only",
        "(substringof('es',tolower(Id))) and IsLatestVersion",
        "pester",
    ),
    (
        "F9 choco 1 --by-id-only",
        "substringof('es',tolower(Id)) and IsLatestVersion",
        "pester",
    ),
    (
        "F10 choco --by-tag-only",
        "(substringof('vcs',Tags)) and IsLatestVersion",
        "git-2",
    ),
    (
        "F11 choco --id-starts-with",
        "(startswith(tolower(Id),'p')) and IsLatestVersion",
        "pester",
    ),
    (
        "F12 choco 2, id and tag",
        "((substringof('git',tolower(Id))) and substringof('vcs',Tags)) and IsLatestVersion",
        "git-2",
    ),
    (
        "F13 choco without Search",
        "((((Id ne null) and substringof('vcs',tolower(Id))) or ((Description ne null) and \
         substringof('vcs',tolower(Description)))) or ((Tags ne null) and substringof(' vcs ',tolower(Tags)))) and IsLatestVersion",
        "git-2",
    ),
    (
        "F14 choco without Search, two words",
        "((((((Id ne null) and substringof('nope',tolower(Id))) or ((Description ne null) and \
         substringof('nope',tolower(Description)))) or ((Tags ne null) and substringof(' nope ',tolower(Tags)))) or \
         ((Id ne null) and substringof('pow',tolower(Id)))) or ((Description ne null) and \
         substringof('powershell',tolower(Description)))) or ((Tags ne null) and substringof(' json ',tolower(Tags)))",
        "pester bare",
    ),
    (
        "F15 install.ps1, Puppet",
        "((Id eq 'git') and (not IsPrerelease)) and IsLatestVersion",
        "git-2",
    ),
    (
        "F16 PSResourceGet",
        "Id eq 'Pester' and IsLatestVersion eq true",
        "pester",
    ),
    ("F17 PSResourceGet 1.0", "IsLatestVersion and Id eq 'Pester'", "pester"),
    (
        "F18 PSResourceGet",
        "Id eq 'Git' and NormalizedVersion eq '1.0.0'",
        "git-1",
    ),
    ("F19 Paket", "(Id eq 'Git') and (NormalizedVersion eq '1.0.0')", "git-1"),
    (
        "F19 Paket",
        "(tolower(Id) eq 'git') and (NormalizedVersion eq '1.0')",
        "git-1",
    ),
    ("F20 Paket", "(Id eq 'Git') and (Version eq '1.0.0.0')", "git-1"),
    (
        "F20 Paket",
        "(tolower(Id) eq 'git') and (Version eq '3.0.0-BETA')",
        "git-3",
    ),
    ("F21 web tools", "Id eq 'Git' and Version eq '2.10'", "git-2"),
    (
        "F22 PSResourceGet",
        "NormalizedVersion ge '2' and NormalizedVersion lt '10' and IsPrerelease eq false and Id eq 'git'",
        "git-2",
    ),
    (
        "F22 PSResourceGet",
        "NormalizedVersion gt '1.0.0' and NormalizedVersion le '3.0.0' and Id eq 'git'",
        "git-2 git-3",
    ),
    (
        "F23 PSResourceGet",
        "IsLatestVersion and startswith(Id, 'Pes')",
        "pester",
    ),
    ("F23 PSResourceGet", "IsLatestVersion and endswith(Id, 'ter')", "pester"),
    (
        "F23 PSResourceGet",
        "IsLatestVersion and startswith(Id, 'pes') and endswith(Id, 'TER')",
        "pester",
    ),
    (
        "F23 PSResourceGet",
        "IsLatestVersion and substringof('ste', Id)",
        "pester",
    ),
    (
        "F24 PSResourceGet",
        "IsLatestVersion and substringof('PSModule', Tags) eq true",
        "pester",
    ),
    (
        "F24 PSResourceGet",
        "IsLatestVersion and substringof('PSScript', Tags) eq false",
        "git-2 pester",
    ),
    (
        "F25 rocolatey",
        "IsLatestVersion and ((tolower(Id) eq 'git') or (tolower(Id) eq 'pester') or (tolower(Id) eq 'vlc'))",
        "git-2 pester",
    ),
    (
        "F26 NuGet 2 update check",
        "(((tolower(Id) eq 'git') or (tolower(Id) eq 'a')) or (tolower(Id) eq 'powget'))",
        "git-1 git-2 git-3 bare",
    ),
    (
        "F27 Paket search",
        "IsLatestVersion and IsAbsoluteLatestVersion and substringof('es',tolower(Id))",
        "pester",
    ),
    (
        "F28 choco 1 --approved-only",
        "IsLatestVersion and IsApproved",
        "git-2 pester",
    ),
    (
        "F28 choco 1 --download-cache-only",
        "IsDownloadCacheAvailable",
        "git-1 git-2 git-3 pester",
    ),
    (
        "F28 choco 1 --not-broken",
        "((IsDownloadCacheAvailable and true) or (PackageTestResultStatus ne 'Failing'))",
        "git-1 git-2 git-3 pester",
    ),
    (
        "F28 choco 1",
        "not IsApproved and (IsDownloadCacheAvailable or false) eq false",
        "bare",
    ),
    (
        "F29 a mirroring tool",
        "(tolower(Id) eq 'git') and version eq '1.0'",
        "git-1",
    ),
    (
        "F30 catch-up",
        "Published gt datetime'2019-06-01T00:00:00'",
        "git-1 git-2 git-3",
    ),
    (
        "F30 catch-up",
        "Created gt datetime'2019-06-01T00:00:00' and Published lt DateTime'1901-01-01T00:00:00'",
        "bare",
    ),
    ("F30 catch-up", "LastEdited gt datetime'2000-01-01T00:00:00'", ""),
];

#[test]
fn every_filter_that_clients_send_is_answered_exactly() {
    for (sender, filter, expected) in SENT {
        assert_eq!(answer(filter), *expected, "{sender}: {filter}");
    }
}

#[test]
fn every_filter_that_clients_send_survives_other_spacing_and_case() {
    for (sender, filter, expected) in SENT {
        let spaced = filter.replace(' ', "\t \n");
        assert!(parse(&spaced).is_ok(), "{sender}: {spaced}");
        let wrapped = format!(" (( {} )) ", filter.replace(',', " , "));
        assert_eq!(answer(&wrapped), *expected, "{sender}: {wrapped}");
    }
}

#[test]
fn precedence_is_odatas() {
    for (text, same) in [
        (
            "Listed or IsPrerelease and IsApproved",
            "Listed or (IsPrerelease and IsApproved)",
        ),
        ("not Listed eq true", "(not Listed) eq true"),
        ("not Listed and IsApproved", "(not Listed) and IsApproved"),
        ("1 add 2 mul 3 eq 7", "(1 add (2 mul 3)) eq 7"),
        ("7 sub 2 sub 1 eq 4", "((7 sub 2) sub 1) eq 4"),
        ("1 lt 2 eq true", "(1 lt 2) eq true"),
        ("-1 add 2 eq 1", "((-1) add 2) eq 1"),
        ("DownloadCount gt - 5", "DownloadCount gt (-5)"),
        ("Id neq 'a'", "Id ne 'a'"),
        (
            "DownloadCount gte 1 and DownloadCount lte 2",
            "DownloadCount ge 1 and DownloadCount le 2",
        ),
        (
            "Listed and (IsApproved and IsPrerelease)",
            "(Listed and IsApproved) and IsPrerelease",
        ),
        ("NOT(Listed)", "not Listed"),
    ] {
        assert_eq!(parse(text), parse(same), "{text}");
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn refusals_say_where_and_what() {
    for (text, message) in [
        ("", "character 1: a property, a literal or a function is missing here"),
        (
            "Id eq",
            "character 6: a property, a literal or a function is missing here",
        ),
        (
            "eq 'x'",
            "character 1: a property, a literal or a function is missing here",
        ),
        ("Id eq 'x' Listed", "character 11: an operator is missing here"),
        ("Id eq 'x' not Listed", "character 11: an operator is missing here"),
        ("(Listed", "character 1: the parenthesis that opens here is not closed"),
        ("Listed)", "character 7: this parenthesis closes nothing"),
        ("()", "character 2: a property, a literal or a function is missing here"),
        (
            "Listed, Listed",
            "character 7: a comma separates the arguments of a function, and nothing else",
        ),
        ("Grüße eq 'x'", "character 1: packages have no property 'Grüße'"),
        (
            "Title eq 'ü' and Nope",
            "character 18: packages have no property 'Nope'",
        ),
        (
            "Id",
            "character 1: '$filter' needs a condition, not Id (Edm.String): compare it with something, in parentheses",
        ),
        (
            "not Id eq 'x'",
            "character 1: 'not' needs a condition, not Id (Edm.String): compare it with something, in parentheses",
        ),
        (
            "Listed and substringof('x')",
            "character 12: substringof takes 2 arguments, not 1",
        ),
        (
            "trim(Id,) eq ''",
            "character 9: a property, a literal or a function is missing here",
        ),
        (
            "Id eq 'o'reilly'",
            "character 16: the text that starts here has no closing quote; a quote inside of a text is doubled",
        ),
        (
            "Id eq \"x\"",
            "character 7: '\"' cannot stand here; texts stand in single quotes",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn refusals_of_names_and_types_say_which() {
    for (text, message) in [
        ("foo(Id)", "character 1: there is no function 'foo'"),
        (
            "startwith(Id,'x')",
            "character 1: there is no function 'startwith'; did you mean 'startswith'?",
        ),
        (
            "contains(Id,'x')",
            "character 1: there is no function 'contains'; did you mean 'substringof(part,text)'?",
        ),
        (
            "Versoin eq '1.0'",
            "character 1: packages have no property 'Versoin'; did you mean 'Version'?",
        ),
        (
            "Category/CategoryName eq 'x'",
            "character 1: packages have no property 'Category/CategoryName'",
        ),
        (
            "isof(Id,'Edm.String')",
            "character 1: the function 'isof' is not supported",
        ),
        (
            "DownloadCount gt 'x'",
            "character 15: 'gt' cannot compare DownloadCount (Edm.Int32) with 'x' (Edm.String): both sides need the same type",
        ),
        (
            "PackageSize eq Published",
            "character 13: 'eq' cannot compare PackageSize (Edm.Int64) with Published (Edm.DateTime): both sides need the same type",
        ),
        (
            "tolower(Id) mod 1.5M eq 1f",
            "character 13: 'mod' needs two numbers, not tolower(Id) (Edm.String) and Edm.Decimal",
        ),
        (
            "substring(Id,1.5) eq ''",
            "character 1: argument 2 of substring must be Edm.Int32, not Edm.Double",
        ),
        (
            "substring(Id) eq ''",
            "character 1: substring takes 2 to 3 arguments, not 1",
        ),
        (
            "guid'00000000-0000-0000-0000-000000000000' lt Listed",
            "character 44: 'lt' cannot compare Edm.Guid with Listed (Edm.Boolean): both sides need the same type",
        ),
        (
            "year(DownloadCount) eq 1",
            "character 1: argument 1 of year must be Edm.DateTime, not DownloadCount (Edm.Int32)",
        ),
        (
            "-Published lt Published",
            "character 1: '-' needs a number, not Published (Edm.DateTime)",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn long_chains_are_flat_and_deep_nests_are_refused() {
    let terms = |count: usize| {
        let terms: Vec<_> = (0..count).map(|n| format!("(tolower(Id) eq 'package{n}')")).collect();
        terms.join(" or ")
    };
    let Ok(Expression::Any(operands)) = parse(&terms(600)) else {
        panic!("a long chain is read as one list");
    };
    assert_eq!(operands.len(), 600);
    assert_eq!(parse(&terms(5000)).unwrap_err().problem, FilterProblem::TooLong);

    let nested = format!("{}Listed{}", "(Listed or ".repeat(90), ")".repeat(90));
    assert!(matches!(parse(&nested), Ok(Expression::Any(operands)) if operands.len() == 91));
    for deep in [
        "(".repeat(2000),
        "not ".repeat(2000) + "Listed",
        "- ".repeat(2000) + "1 eq 1",
        "tolower(".repeat(2000),
        format!("{}Listed{}", "not (".repeat(101), ")".repeat(101)),
        format!("1{} eq 1", " add 1".repeat(500)),
    ] {
        assert_eq!(parse(&deep).unwrap_err().problem, FilterProblem::TooDeep, "{deep:.20}");
    }
}

#[test]
fn what_takes_long_is_known_before() {
    for (filter, most) in [
        ("IsLatestVersion", 10),
        ("NormalizedVersion ge '1.0' and IsPrerelease eq false", 100),
        ("tolower(Title) eq 'git'", 100),
        ("substringof('git',Description)", 2_000),
    ] {
        let steps = parse(filter).unwrap().expected_steps();
        assert!(steps <= most, "{filter}: {steps}");
    }
    assert!(parse("substringof('git',Description)").unwrap().expected_steps() > 1_000);
    assert_eq!(
        parse("Listed or concat(Id,Id) eq 'x'").unwrap().expected_steps(),
        u64::MAX
    );
}

#[test]
fn hostile_nests_fit_a_small_stack() {
    let body = || {
        let level = "Listed or Listed and 1 eq 1 add 1 mul (";
        let nested = format!("{}1{}", level.repeat(99), ")".repeat(99));
        assert!(parse(&nested).is_err());
        let alternating = format!("{}Listed{}", "Listed and (Listed or (".repeat(49), "))".repeat(49));
        assert!(parse(&alternating).is_ok());
    };
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    small.spawn(body).unwrap().join().unwrap();
}
