//! Writes `docs/conformance.md`: what came of every case, for people.

use std::fmt::Write as _;
use std::path::Path;

use super::client::Client;
use super::run::Judged;

/// Set to 1, it has the page written anew instead of compared.
const WRITE: &str = "LARDER_WRITE_DOCS";

type Sections = [(String, Vec<Judged>)];

/// What came of each table.
pub(super) struct Found<'a> {
    pub(super) requests: &'a Sections,
    pub(super) endpoints: &'a Sections,
    pub(super) options: &'a Sections,
    pub(super) behaviours: &'a Sections,
    pub(super) bugs: &'a Sections,
    pub(super) versions: &'a Sections,
}

/// Fails where the page is not what the suite found, unless it is to be written.
#[track_caller]
pub(super) fn assert_current(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    if std::env::var_os(WRITE).is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder that can be made");
        std::fs::write(&path, page).expect("a file that can be written");
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let changed = page.lines().zip(written.lines()).find(|(now, then)| now != then);
    assert!(
        written == page,
        "docs/conformance.md is out of date, first at {changed:?}: run the test with {WRITE}=1 and look at the difference"
    );
}

/// Writes the whole page.
pub(super) fn write(found: &Found<'_>) -> String {
    let mut page = String::new();
    introduction(&mut page, found);
    requests(&mut page, found.requests);
    let text = "Clients, scripts and the tests of other servers spell addresses in many ways. Each case takes several requests.";
    listed(&mut page, "Addresses", text, found.endpoints);
    options(&mut page, found.options);
    let text =
        "The tests of other servers are the nearest thing to a specification. What they assert, server by server.";
    listed(&mut page, "Behaviours that other servers test", text, found.behaviours);
    let text = "What other servers shipped and clients stumbled over, with the report.";
    listed(&mut page, "Bugs of other servers", text, found.bugs);
    let text = "Versions are read, compared and normalised as NuGet.Client does it (NuGetVersionFactory, VersionComparer, \
        VersionRangeFactory), levels and latest flags told as NuGetGallery does it (SemVerLevelKey, \
        CorePackageService.UpdateIsLatestAsync). Each case has a feed of its own; most take several requests.";
    listed(&mut page, "Versions and levels", text, found.versions);
    page
}

fn introduction(page: &mut String, found: &Found<'_>) {
    page.push_str(
        "<!-- Written by the tests: LARDER_WRITE_DOCS=1 cargo test --test it conformance. Do not edit. -->\n\n\
        # Conformance\n\n\
        NuGet's v1 and v2 protocols have no specification. What they are is what clients send, what the galleries' code answers, \
        and what other servers had to mend. All that is written down as tables of cases in `tests/conformance/tables`, one line a \
        case: the request as it goes over the wire, and what must hold in the answer. Every case is sent to a running larder; \
        this page is written by the tests from what came back, and a test fails when it no longer says so.\n\n\
        Besides what a case asks for, every answer is held to general rules: XML that is well-formed, in the namespaces and with \
        the literal prefixes that clients look for, without comments; entries with an id, a version and an absolute download \
        address on the host that was asked; no null where the type admits none; dates without a zone; the right \
        `Content-Type`, `Content-Length` and `DataServiceVersion`; errors as OData errors with a reason phrase; `HEAD` answered \
        with the headers of `GET`.\n\n",
    );
    page.push_str("| table | cases | pass | differ on purpose | not served | do not apply | fail |\n|---|---|---|---|---|---|---|\n");
    for (name, sections) in [
        ("requests of real clients", found.requests),
        ("addresses", found.endpoints),
        ("combinations of options", found.options),
        ("behaviours that other servers test", found.behaviours),
        ("bugs of other servers", found.bugs),
        ("versions and levels", found.versions),
    ] {
        let cases: Vec<&Judged> = sections.iter().flat_map(|(_, cases)| cases).collect();
        let count = |wanted| cases.iter().filter(|judged| verdict(judged) == wanted).count();
        let counts = VERDICTS.map(|wanted| count(wanted).to_string()).join(" | ");
        let all = cases.len();
        writeln!(page, "| {name} | {all} | {counts} |").expect("a string takes all");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Differs,
    NotServed,
    NotApplicable,
    Fails,
}

const VERDICTS: [Verdict; 5] = [
    Verdict::Pass,
    Verdict::Differs,
    Verdict::NotServed,
    Verdict::NotApplicable,
    Verdict::Fails,
];

fn verdict(judged: &Judged) -> Verdict {
    if judged.failure().is_some() {
        Verdict::Fails
    } else if judged.case.not_applicable.is_some() {
        Verdict::NotApplicable
    } else if judged.case.not_served.is_some() {
        Verdict::NotServed
    } else if judged.case.differs.is_some() {
        Verdict::Differs
    } else {
        Verdict::Pass
    }
}

/// Returns what a cell says of one client; an explanation stands in a column of its own.
fn outcome(judged: &Judged, client: Client) -> &'static str {
    let mut outcomes = judged.outcomes.iter();
    match outcomes.find(|(sent_as, _)| *sent_as == client) {
        Some((_, Err(_))) => "**fails**",
        Some((_, Ok(()))) if judged.case.not_applicable.is_some() => "does not apply",
        Some((_, Ok(()))) if judged.case.not_served.is_some() => "not served",
        Some((_, Ok(()))) if judged.case.differs.is_some() => "differs",
        Some((_, Ok(()))) => "pass",
        None => "",
    }
}

fn why(judged: &Judged) -> &str {
    let case = &judged.case;
    let reasons = [&case.not_applicable, &case.not_served, &case.differs];
    let reason = reasons.into_iter().flatten().next().map(String::as_str);
    reason.unwrap_or_default()
}

fn requests(page: &mut String, sections: &Sections) {
    page.push_str(
        "\n## Requests of real clients\n\n\
        Each request is sent three times: as Chocolatey CLI 2 sends it (HTTP/1.1, its headers), as WCF Data Services does in NuGet 2 \
        and Chocolatey CLI 1 (HTTP/1.0, its headers, a connection a request), and bare, with nothing but `Host`.\n",
    );
    for (heading, cases) in sections {
        let is_explained = cases.iter().any(|judged| !why(judged).is_empty());
        let (head, rule) = if is_explained { (" why |", "---|") } else { ("", "") };
        write!(
            page,
            "\n### {heading}\n\n| | what is asked | request | choco 2 | WCF 1.0 | bare |{head}\n|---|---|---|---|---|---|{rule}\n"
        )
        .expect("a string takes all");
        for judged in cases {
            let case = &judged.case;
            let asked: Vec<String> = case
                .steps
                .iter()
                .map(|step| format!("`{} {}`", step.method, step.target))
                .collect();
            let [choco, wcf, bare] = [Client::Choco2, Client::Wcf, Client::Bare].map(|client| outcome(judged, client));
            let (number, title, asked) = (&case.number, &case.title, asked.join("<br>"));
            let reason = if is_explained {
                format!(" {} |", why(judged))
            } else {
                String::new()
            };
            writeln!(
                page,
                "| {number} | {title} | {asked} | {choco} | {wcf} | {bare} |{reason}"
            )
            .expect("a string takes all");
        }
    }
}

fn options(page: &mut String, sections: &Sections) {
    page.push_str(
        "\n## Combinations of options\n\n\
        NuGetGallery lists which system options may be sent together (`src/NuGetGallery/OData/QueryAllowed/Data`). Every \
        combination is answered with 200 and the rows that it asks for. larder takes the others too.\n",
    );
    for (heading, cases) in sections {
        write!(page, "\n### {heading}\n\n| options | outcome |\n|---|---|\n").expect("a string takes all");
        for judged in cases {
            let outcome = outcome(judged, Client::Bare);
            writeln!(page, "| {} | {outcome} |", judged.case.title).expect("a string takes all");
        }
    }
}

/// Writes a table of numbered cases, with the outcome and the reason where it is another one than passing.
fn listed(page: &mut String, title: &str, text: &str, sections: &Sections) {
    write!(page, "\n## {title}\n\n{text}\n").expect("a string takes all");
    for (heading, cases) in sections {
        write!(
            page,
            "\n### {heading}\n\n| | what must hold | outcome |\n|---|---|---|\n"
        )
        .expect("a string takes all");
        for judged in cases {
            let case = &judged.case;
            let mut outcome = outcome(judged, Client::Bare).to_owned();
            if !why(judged).is_empty() {
                write!(outcome, ": {}", why(judged)).expect("a string takes all");
            }
            for test in &case.elsewhere {
                write!(outcome, "<br>see `{test}`").expect("a string takes all");
            }
            writeln!(page, "| {} | {} | {outcome} |", case.number, case.title).expect("a string takes all");
        }
    }
}
