//! Sends a case and judges the answers.

use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;

use percent_encoding::percent_decode_str;

use crate::support::app::TestApp;
use crate::support::raw_http::Answer;

use super::client::{CLIENTS, Client};
use super::document::Element;
use super::feed::{self, Feed, Package};
use super::rules::{self, Read, ensure};
use super::table::{Body, Case, Clause, Ground, Section, Step};

mod reading;

use reading::{atom, equal, identities, metadata, results, service};

/// What came of a case with one client: nothing wrong, or what.
pub(super) type Outcome = Result<(), String>;

/// A case and what came of it, client by client.
pub(super) struct Judged {
    pub(super) case: Case,
    pub(super) outcomes: Vec<(Client, Outcome)>,
}

impl Judged {
    /// Returns what went wrong, with whom: once where it went wrong alike.
    pub(super) fn failure(&self) -> Option<String> {
        let mut kinds: Vec<(&str, Vec<Client>)> = Vec::new();
        for (client, outcome) in &self.outcomes {
            let Err(error) = outcome else { continue };
            match kinds.iter_mut().find(|(known, _)| known == error) {
                Some((_, clients)) => clients.push(*client),
                None => kinds.push((error, vec![*client])),
            }
        }
        let told = kinds
            .iter()
            .map(|(error, clients)| format!("  as {clients:?}: {error}\n"));
        let told: String = told.collect();
        (!told.is_empty()).then(|| format!("{} {}\n{told}", self.case.number, self.case.title))
    }
}

/// Which clients a table's cases are sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    Everyone,
    Bare,
}

/// The feeds that cases share.
#[derive(Default)]
pub(super) struct Grounds(HashMap<&'static str, Feed>);

const TABLES: &[(&str, &str)] = &[
    ("feed", include_str!("tables/feed.txt")),
    ("gallery", include_str!("tables/gallery.txt")),
    ("server", include_str!("tables/server.txt")),
    ("odd", include_str!("tables/odd.txt")),
];

impl Grounds {
    pub(super) async fn get(&mut self, name: &'static str) -> &Feed {
        if !self.0.contains_key(name) {
            let (_, table) = TABLES.iter().find(|(known, _)| *known == name).expect("a known feed");
            self.0.insert(name, Feed::start(table).await);
        }
        &self.0[name]
    }
}

/// Runs all cases of a table.
pub(super) async fn run(sections: Vec<Section>, clients: As) -> Vec<(String, Vec<Judged>)> {
    let clients: &[Client] = match clients {
        As::Everyone => &CLIENTS,
        As::Bare => &[Client::Bare],
    };
    let mut grounds = Grounds::default();
    let mut judged = Vec::new();
    for section in sections {
        let mut cases = Vec::new();
        for case in section.cases {
            let mut outcomes = Vec::new();
            for client in clients {
                outcomes.push((*client, run_case(&case, *client, &mut grounds).await));
            }
            cases.push(Judged { case, outcomes });
        }
        judged.push((section.heading, cases));
    }
    judged
}

async fn run_case(case: &Case, client: Client, grounds: &mut Grounds) -> Outcome {
    if case.steps.is_empty() {
        return Ok(());
    }
    match &case.ground {
        Ground::Shared(name) => {
            let feed = grounds.get(name).await;
            steps(case, client, &feed.app, &feed.packages)
        }
        Ground::Own(configuration) => {
            let app = TestApp::start(configuration).await;
            let pushed: Vec<Package> = case.steps.iter().filter_map(pushed).collect();
            steps(case, client, &app, &pushed)
        }
    }
}

fn pushed(step: &Step) -> Option<Package> {
    match &step.body {
        Body::Package(described) => Some(feed::package(described)),
        Body::Nothing | Body::Text(_) | Body::Batch(_) => None,
    }
}

fn steps(case: &Case, client: Client, app: &TestApp, packages: &[Package]) -> Outcome {
    let authority = app.authority();
    for step in &case.steps {
        let sent = Sent {
            step,
            client,
            authority: &authority,
            packages,
        };
        sent.judge().map_err(|error| format!("{}\n      {error}", step.line))?;
        app.clock.advance(std::time::Duration::from_secs(60));
    }
    Ok(())
}

/// A step under way.
struct Sent<'a> {
    step: &'a Step,
    client: Client,
    authority: &'a str,
    packages: &'a [Package],
}

impl Sent<'_> {
    fn judge(&self) -> Outcome {
        let answer = self.ask(self.step)?;
        if answer.status != self.step.status {
            let text: String = answer.text().chars().take(300).collect();
            return Err(format!("answered {} {}: {text}", answer.status, answer.reason));
        }
        let read = rules::check(self.step, &answer, &self.base())?;
        for clause in &self.step.clauses {
            self.clause(clause, &answer, &read)
                .map_err(|error| format!("{clause:?}: {error}"))?;
        }
        if self.step.method == "GET" && self.client == Client::Bare {
            self.head_is_like(&answer)?;
        }
        Ok(())
    }

    /// Sends a request and reads the answer, freed from its coding.
    fn ask(&self, step: &Step) -> Result<Answer, String> {
        let mut answer = self.client.send(self.authority, step)?;
        rules::length(step, &answer)?;
        if let Some(coding) = answer.header("Content-Encoding") {
            ensure(coding == "gzip" && self.client != Client::Bare, coding)?;
            let vary = answer.header("Vary").unwrap_or_default().to_ascii_lowercase();
            ensure(vary.contains("accept-encoding"), &format!("Vary: {vary}"))?;
            let mut plain = Vec::new();
            let read = flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_end(&mut plain);
            read.map_err(|error| error.to_string())?;
            answer.body = plain;
        }
        Ok(answer)
    }

    /// Returns the server's URL as the client asked it.
    fn base(&self) -> String {
        let header = |name: &str| {
            let mut headers = self.step.headers.iter();
            headers
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let scheme = header("X-Forwarded-Proto").unwrap_or("http");
        let host = header("X-Forwarded-Host").or(header("Host")).unwrap_or(self.authority);
        format!("{scheme}://{host}")
    }

    fn root(&self) -> String {
        format!("{}/api/v2", self.base())
    }

    /// HEAD is answered with what GET is answered with, less the body.
    fn head_is_like(&self, answer: &Answer) -> Outcome {
        let step = Step {
            method: "HEAD".to_owned(),
            ..self.step.clone()
        };
        let head = self.client.send(self.authority, &step)?;
        let of = |answer: &Answer| -> BTreeSet<(String, String)> {
            let headers = answer.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
            // These tell of the moment, and that the first of both has made the second one a hit.
            let momentary = ["date", "age", "cache-status"];
            headers
                .filter(|(name, _)| !momentary.contains(&name.as_str()))
                .collect()
        };
        ensure(
            head.status == answer.status && of(&head) == of(answer),
            &format!("HEAD is answered {} {:?}, GET {:?}", head.status, of(&head), of(answer)),
        )
    }

    fn clause(&self, clause: &Clause, answer: &Answer, read: &Read) -> Outcome {
        match clause {
            Clause::Rows(expected) => {
                let feed = atom(read)?;
                equal(&identities(feed), expected)?;
                let next = feed.next().filter(|_| !self.expects_next());
                ensure(next.is_none(), &format!("a next link: {next:?}"))
            }
            Clause::Results(expected) => equal(&results(read)?, expected),
            Clause::First(expected) => {
                let mut found = identities(atom(read)?);
                found.truncate(expected.len());
                equal(&found, expected)
            }
            Clause::Length(expected) => equal(&identities(atom(read)?).len(), expected),
            Clause::Total(expected) => equal(&atom(read)?.text_of("m:count"), &Some(expected.to_string().as_str())),
            Clause::Number(expected) => {
                equal(&answer.text(), &expected.to_string())?;
                let content_type = answer.header("Content-Type").unwrap_or_default();
                ensure(content_type.starts_with("text/plain"), content_type)
            }
            Clause::Walk(expected) => self.walk(atom(read)?, *expected),
            Clause::Next(expected) => {
                let next = atom(read)?.next().ok_or("no next link")?;
                let decoded = percent_decode_str(next).decode_utf8_lossy();
                ensure(
                    decoded.contains(expected.as_str()),
                    &format!("the next link is {decoded}"),
                )
            }
            Clause::Entry(expected) => {
                let entry = atom(read)?;
                ensure(entry.name == "entry", "no document of one entry")?;
                equal(&entry.identity(), expected)
            }
            Clause::File(expected) => self.file(expected, answer),
            Clause::Property(name, expected) => {
                let entries = atom(read)?.entries();
                let entry = entries.first().ok_or("no entry")?;
                equal(&entry.property(name), &Some(self.filled(expected).as_str()))
            }
            Clause::LacksProperty(name) => {
                let entries = atom(read)?.entries();
                let has = entries.iter().any(|entry| entry.property(name).is_some());
                ensure(!has, "it is there")
            }
            Clause::Says(text) => ensure(answer.text().contains(&self.filled(text)), &answer.text()),
            Clause::Lacks(text) => ensure(!answer.text().contains(&self.filled(text)), &answer.text()),
            Clause::Reason(text) => ensure(answer.reason.contains(text.as_str()), &answer.reason),
            Clause::Header(name, expected) => {
                let found = answer.header(name).unwrap_or_default();
                ensure(found.contains(&self.filled(expected)), found)
            }
            Clause::Json(expected) => match read {
                Read::Json(found) => equal(found, expected),
                _ => Err("no JSON".to_owned()),
            },
            Clause::Service => service(read),
            Clause::Metadata => metadata(read),
        }
    }

    fn expects_next(&self) -> bool {
        let mut clauses = self.step.clauses.iter();
        clauses.any(|clause| matches!(clause, Clause::Next(_) | Clause::Walk(_)))
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{root}", &self.root()).replace("{base}", &self.base())
    }

    /// Follows the next links to the end.
    fn walk(&self, first: &Element, expected: usize) -> Outcome {
        let mut found = identities(first);
        let mut next = first.next().map(str::to_owned);
        let mut followed = BTreeSet::new();
        while let Some(url) = next {
            ensure(
                followed.insert(url.clone()),
                &format!("the next link leads in a circle: {url}"),
            )?;
            let target = url.strip_prefix(&self.base()).ok_or_else(|| url.clone())?.to_owned();
            let step = Step {
                method: "GET".to_owned(),
                target,
                ..self.step.clone()
            };
            let answer = self.ask(&step)?;
            equal(&answer.status, &200)?;
            let read = rules::check(&step, &answer, &self.base())?;
            let page = atom(&read)?;
            found.extend(identities(page));
            next = page.next().map(str::to_owned);
        }
        let distinct: BTreeSet<_> = found.iter().collect();
        ensure(distinct.len() == found.len(), "rows stand on two pages")?;
        equal(&found.len(), &expected)
    }

    fn file(&self, expected: &str, answer: &Answer) -> Outcome {
        let mut packages = self.packages.iter();
        let package = packages
            .find(|package| format!("{} {}", package.id, package.version) == expected)
            .unwrap_or_else(|| panic!("no such package: {expected}"));
        let content_type = answer.header("Content-Type").unwrap_or_default();
        ensure(
            matches!(content_type, "application/zip" | "application/octet-stream"),
            content_type,
        )?;
        ensure(answer.header("Content-Length").is_some(), "no length")?;
        ensure(answer.body == package.packed().bytes, "other bytes")
    }
}
