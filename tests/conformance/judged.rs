//! The suite's lists and entries as `NuGet.Protocol` reads them: what a case says must be in an answer, the library behind dotnet,
//! Visual Studio and choco 2 must find in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::clients::Clients;
use crate::support::judges::Judges;

use super::run::Grounds;
use super::table::{self, Body, Clause, Ground};

/// Where the shared feeds' cases ask.
const ROOT: &str = "/api/v2/";

/// A list or entry that a case asks for, and what of it is told.
struct Asked {
    target: String,
    expected: Expected,
}

enum Expected {
    /// These and no others.
    Exactly(Vec<String>),
    /// These first; more follow, on this page and those after it.
    First(Vec<String>),
    /// So many on all pages.
    Count(usize),
    /// Something that can be read.
    Readable,
}

/// Asks for every list and entry of some tables, feed by feed. Panics with all that are read otherwise than the tables say.
pub(super) async fn every_list_and_entry(clients: &Clients, tables: &[&str]) {
    let judges = Judges::new(clients);
    let mut grounds = Grounds::default();
    let mut wrong = Vec::new();
    let mut read = 0;
    for name in ["feed", "gallery", "server", "odd"] {
        let asked = asked(tables, name);
        if asked.is_empty() {
            continue;
        }
        let feed = grounds.get(name).await;
        let questions: Vec<String> = asked.iter().map(|asked| format!("read\t{}", asked.target)).collect();
        let url = feed.app.url(ROOT);
        let answers = tokio::task::block_in_place(|| judges.protocol(&url, &questions));
        read += answers.len();
        wrong.extend(asked.iter().zip(&answers).filter_map(|(asked, answer)| {
            let problem = asked.expected.problem(answer)?;
            Some(format!("{name}: {}\n  {problem}", asked.target))
        }));
    }
    assert!(read > 150, "only {read} answers were read");
    assert!(wrong.is_empty(), "{} of {read}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Collects what is asked of a feed with GET and answered with Atom. The library takes each address as it stands.
fn asked(tables: &[&str], name: &str) -> Vec<Asked> {
    let sections = tables.iter().flat_map(|table| table::parse(table));
    let cases = sections
        .flat_map(|section| section.cases)
        .filter(|case| matches!(case.ground, Ground::Shared(ground) if ground == name));
    let mut seen = BTreeSet::new();
    let mut asked = Vec::new();
    for step in cases.flat_map(|case| case.steps) {
        let is_plain =
            step.method == "GET" && step.status == 200 && step.headers.is_empty() && step.body == Body::Nothing;
        let Some(target) = step.target.strip_prefix(ROOT).filter(|_| is_plain) else {
            continue;
        };
        // The library reads no entry that was asked to leave its version out, and never asks for such.
        let selected = target
            .split_once("$select=")
            .map(|(_, rest)| rest.split('&').next().unwrap_or(rest));
        if selected.is_some_and(|selected| !selected.contains("Version")) {
            continue;
        }
        if let Some(expected) = expected(&step.clauses).filter(|_| seen.insert(target.to_owned())) {
            let target = target.to_owned();
            asked.push(Asked { target, expected });
        }
    }
    asked
}

/// Returns what a case says of an Atom answer; `None` where the answer is something else.
fn expected(clauses: &[Clause]) -> Option<Expected> {
    let is_other = |clause: &Clause| {
        matches!(
            clause,
            Clause::File(_)
                | Clause::Json(_)
                | Clause::Number(_)
                | Clause::Service
                | Clause::Metadata
                | Clause::Says(_)
        )
    };
    if clauses.iter().any(is_other) {
        return None;
    }
    let told = clauses.iter().find_map(|clause| match clause {
        Clause::Rows(rows) => Some(Expected::Exactly(rows.clone())),
        Clause::Entry(entry) => Some(Expected::Exactly(vec![entry.clone()])),
        Clause::Walk(count) => Some(Expected::Count(*count)),
        Clause::First(rows) => Some(Expected::First(rows.clone())),
        _ => None,
    });
    let is_list = |clause: &Clause| matches!(clause, Clause::Length(_) | Clause::Total(_) | Clause::Property(..));
    told.or_else(|| clauses.iter().any(is_list).then_some(Expected::Readable))
}

impl Expected {
    fn problem(&self, answer: &Value) -> Option<String> {
        let Some(found) = names(answer) else {
            return Some(answer.to_string());
        };
        let is_right = match self {
            Self::Exactly(rows) => found == *rows,
            Self::First(rows) => found.starts_with(rows),
            Self::Count(count) => found.len() == *count,
            Self::Readable => true,
        };
        (!is_right).then(|| format!("it reads {}", found.join(", ")))
    }
}

/// Returns `id version`, as they are spelled, of each package; `None` where the answer is no list of packages.
fn names(answer: &Value) -> Option<Vec<String>> {
    let name = |package: &Value| {
        let text = |key: &str| package.get(key)?.as_str().map(str::to_owned);
        Some(format!("{} {}", text("id")?, text("spelled")?))
    };
    answer.as_array()?.iter().map(name).collect()
}
