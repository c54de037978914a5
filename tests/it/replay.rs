//! Replays what real clients sent, byte for byte, and checks that each gets what it needs to go on.
//!
//! The logs are ../shared/corpus/requests; its README says what the feed held. Left out, because larder does not serve
//! them yet: the v3 reads. Of the `-auth` logs only the requests that carry credentials are sent, since a challenge needs
//! read protection; the `-on-503` and `-on-429` logs are answered like any other, since larder's root never fails.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::support::corpus;
use crate::support::feed::Feed;
use crate::support::larder::LarderProcess;
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::raw_http::{Answer, Connection};

/// The key in the logs.
const LOGGED_KEY: &str = "key-123";

const FEED: &str = r#"
[[feed]]
name = "replay"
default = true
"#;

#[derive(Deserialize)]
struct Logged {
    method: String,
    target: String,
    http: String,
    headers: Headers,
    body_head: String,
    answered: u16,
}

/// Headers in the order they were sent in; a map would sort them.
struct Headers(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Headers, M::Error> {
                let mut headers = Vec::new();
                while let Some(header) = map.next_entry()? {
                    headers.push(header);
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Logged {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .0
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Writes the request as it was logged; a body's length is the only thing that differs.
    fn bytes(&self, authority: &str, body: Option<&[u8]>) -> Vec<u8> {
        let mut bytes = format!("{} {} {}\r\n", self.method, self.target, self.http).into_bytes();
        for (name, value) in &self.headers.0 {
            let value = match (name.as_str(), body) {
                ("Host", _) => authority.to_owned(),
                ("Content-Length", Some(body)) => body.len().to_string(),
                _ => value.clone(),
            };
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(b"\r\n");
        let Some(body) = body else { return bytes };
        if self.header("Transfer-Encoding").is_none() {
            bytes.extend(body);
            return bytes;
        }
        for chunk in body.chunks(1000) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    }

    /// NuGet 2 and choco 1 write `Environment.NewLine` before the last boundary and nothing after it: on Unix a bare LF
    /// (`NuGet2`, `MultipartWebRequest.CreateMultipartRequest`; seen on the wire from nuget 2.8.7).
    fn is_nuget_2(&self) -> bool {
        let agent = self.header("User-Agent").unwrap_or_default();
        agent.starts_with("NuGet Command Line/2.") || agent.starts_with("Chocolatey Command Line/2.")
    }

    /// Writes the multipart body around another package: the log keeps only the body's beginning.
    fn push_body(&self, package: &Packed) -> Vec<u8> {
        let content_type = self.header("Content-Type").expect("a content type");
        let (_, boundary) = content_type.split_once("boundary=").expect("a boundary");
        let boundary = boundary.trim_matches('"');
        let head = match self.body_head.split_once("\r\n\r\n") {
            Some((head, _)) => head.to_owned(),
            // Cut off inside the last parameter of nuget 3 and later.
            None => format!("{}utf-8''package.nupkg", self.body_head),
        };
        let mut body = format!("{head}\r\n\r\n").into_bytes();
        body.extend(&package.bytes);
        let end = if self.is_nuget_2() {
            format!("\n--{boundary}--")
        } else {
            format!("\r\n--{boundary}--\r\n")
        };
        body.extend(end.into_bytes());
        body
    }
}

fn content() -> Vec<Packed> {
    let made = |id: &str, version: &str| Nupkg::new(id, version).description("A package").tags("synthetic");
    let mut packages = Vec::new();
    for version in ["1.0.0", "1.5.0", "2.0.0", "2.1.0-beta1"] {
        packages.push(made("alpha", version).depends_on("beta", "[1.0,2.0)").pack());
    }
    for version in BETA {
        packages.push(made("beta", version).pack());
    }
    packages.push(made("Gamma.Tool", "1.0.0.0").pack());
    packages.push(made("pre.only", "0.1.0-alpha").pack());
    packages.push(made("newpkg", "1.0.0").pack());
    packages
}

const BETA: [&str; 6] = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "2.0.0", "2.5.0"];

#[test]
fn logged_requests_of_real_clients_are_answered_as_they_need() {
    let Some(folder) = corpus::folder("requests") else {
        return;
    };
    let content = content();
    let larder = LarderProcess::start_with_key(FEED, LOGGED_KEY);
    let packages = tempfile::tempdir().expect("a temporary folder");
    for package in &content {
        package.write_to(packages.path());
    }
    larder.import(&[packages.path()]).expect_success();
    let mut replay = Replay {
        larder,
        content,
        pushed: 0,
        failures: Vec::new(),
        sent: 0,
    };
    // Unlisted before all else: the lists of the logs do not have it, and every later DELETE finds it unlisted.
    replay.unlist_newpkg();
    for log in corpus::files(&folder, "jsonl") {
        replay.log(&log);
    }
    assert!(replay.sent > 400, "only {} requests were sent", replay.sent);
    assert!(
        replay.failures.is_empty(),
        "{} of {}:\n{}",
        replay.failures.len(),
        replay.sent,
        replay.failures.join("\n")
    );
}

struct Replay {
    larder: LarderProcess,
    content: Vec<Packed>,
    pushed: usize,
    sent: usize,
    /// All of them, not the first one only: one fault often shows in many logs.
    failures: Vec<String>,
}

impl Replay {
    fn unlist_newpkg(&self) {
        let authority = self.larder.authority();
        let mut connection = Connection::open(authority);
        let head = format!(
            "DELETE /api/v2/newpkg/1.0.0 HTTP/1.1\r\nHost: {authority}\r\nX-NuGet-ApiKey: {LOGGED_KEY}\r\n\r\n"
        );
        connection.send(head.as_bytes());
        let answer = connection.answer("DELETE");
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }

    fn log(&mut self, path: &Path) {
        let log = std::fs::read_to_string(path).expect("a log");
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut scenario = name.clone();
        for line in log.lines() {
            let value: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            if let Some(started) = value.get("scenario").and_then(serde_json::Value::as_str) {
                scenario = format!("{name}, {started}");
                continue;
            }
            let logged: Logged = serde_json::from_str(line).expect("a logged request");
            if logged.answered == 401 || (logged.method == "GET" && logged.target.starts_with("/v3/")) {
                continue;
            }
            self.sent += 1;
            if let Err(reason) = self.request(&logged) {
                self.failures
                    .push(format!("{scenario}: {} {}: {reason}", logged.method, logged.target));
            }
        }
    }

    fn request(&mut self, logged: &Logged) -> Result<(), String> {
        let package = (logged.method == "PUT").then(|| {
            self.pushed += 1;
            // An id no log asks for; a version of its own, since each log pushes the same package.
            Nupkg::new("pushed.by.replay", &format!("1.0.{}", self.pushed)).pack()
        });
        let body = package.as_ref().map(|package| logged.push_body(package));
        let authority = self.larder.authority().to_owned();
        let mut connection = Connection::open(&authority);
        connection.send(&logged.bytes(&authority, body.as_deref()));
        let answer = connection.answer(&logged.method);
        if logged.http == "HTTP/1.0" {
            ensure(answer.header("Transfer-Encoding").is_none(), || {
                "chunks for HTTP/1.0".to_owned()
            })?;
            ensure(connection.is_closed(), || {
                "HTTP/1.0 without keep-alive is left open".to_owned()
            })?;
        }
        match logged.method.as_str() {
            "PUT" if logged.answered == 403 => ensure(matches!(answer.status, 401 | 403), || {
                format!("a push without a key is answered {}", told(&answer))
            }),
            "PUT" => {
                ensure(answer.status == 201, || told(&answer))?;
                let pushed = package.expect("a PUT has a package");
                self.is_stored(&pushed)
            }
            "DELETE" => ensure((200..300).contains(&answer.status), || told(&answer)),
            _ => self.get(logged, &answer),
        }
    }

    /// The pushed bytes are the stored bytes, and the package is put aside again: the lists of the logs lack it.
    fn is_stored(&self, pushed: &Packed) -> Result<(), String> {
        let authority = self.larder.authority();
        let target = format!("/api/v2/package/{}/{}", pushed.id, pushed.version);
        let stored = crate::support::raw_http::get(authority, &target);
        ensure(stored.body == pushed.bytes, || {
            format!("{target} is not what was pushed: {}", stored.status)
        })?;
        let mut connection = Connection::open(authority);
        connection.send(
            format!("DELETE {target} HTTP/1.1\r\nHost: {authority}\r\nX-NuGet-ApiKey: {LOGGED_KEY}\r\n\r\n").as_bytes(),
        );
        let unlisted = connection.answer("DELETE");
        ensure((200..300).contains(&unlisted.status), || {
            format!("unlisting {target}: {}", told(&unlisted))
        })
    }

    fn get(&self, logged: &Logged, answer: &Answer) -> Result<(), String> {
        let target = percent_decode_str(&logged.target).decode_utf8_lossy().into_owned();
        if target == "/" {
            // nuget 2.8 asks the push source's root and goes on whatever it says.
            return ensure(answer.status < 500, || told(answer));
        }
        ensure(answer.status == 200, || told(answer))?;
        let length = answer.header("Content-Length").map(str::to_owned);
        if let Some(path) = target.strip_prefix("/api/v2/package/") {
            let package = self
                .content
                .iter()
                .find(|package| path.eq_ignore_ascii_case(&format!("{}/{}", package.id, package.version)));
            let package = package.ok_or_else(|| "the test does not know this package".to_owned())?;
            ensure(length == Some(package.bytes.len().to_string()), || {
                format!("Content-Length {length:?}")
            })?;
            return ensure(answer.body == package.bytes, || "other bytes".to_owned());
        }
        let length_or_chunks = length.is_some() || answer.header("Transfer-Encoding").is_some();
        ensure(length_or_chunks || logged.http == "HTTP/1.0", || {
            "neither a length nor chunks".to_owned()
        })?;
        // WCF refuses a DataServiceVersion above its MaxDataServiceVersion.
        let version = answer.header("DataServiceVersion").unwrap_or_default();
        ensure(version.starts_with("1.0") || version.starts_with("2.0"), || {
            format!("DataServiceVersion {version:?}")
        })?;
        let text = match answer.header("Content-Encoding") {
            None => answer.text(),
            Some("gzip") => self.without_coding(logged)?,
            Some(other) => return Err(format!("an answer in {other}")),
        };
        match target.as_str() {
            "/api/v2/" => ensure(text.contains("<?xml") && text.contains("href=\"Packages\""), || {
                format!("no service document: {text}")
            }),
            "/api/v2/$metadata" => ensure(
                [
                    "\"Packages\"",
                    "\"Search\"",
                    "\"FindPackagesById\"",
                    "\"GetUpdates\"",
                    "\"IsAbsoluteLatestVersion\"",
                ]
                .iter()
                .all(|word| text.contains(word)),
                || format!("clients find less in $metadata than they can use: {text}"),
            ),
            _ => self.entries(&target, &text),
        }
    }

    /// Asks again without compression: this test cannot inflate, and a client sees the same bytes in the end.
    fn without_coding(&self, logged: &Logged) -> Result<String, String> {
        let authority = self.larder.authority();
        let mut connection = Connection::open(authority);
        connection.send(format!("GET {} HTTP/1.1\r\nHost: {authority}\r\n\r\n", logged.target).as_bytes());
        let answer = connection.answer("GET");
        ensure(answer.header("Content-Encoding").is_none(), || {
            "a coding nobody asked for".to_owned()
        })?;
        Ok(answer.text())
    }

    fn entries(&self, target: &str, text: &str) -> Result<(), String> {
        let feed = Feed::parse(text);
        let names = feed.names();
        match expected(target) {
            Expected::Exactly(expected) => ensure(names == expected, || format!("{names:?} instead of {expected:?}"))?,
            Expected::InAnyOrder(expected) => {
                let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
                    (names.iter().cloned().collect(), expected.into_iter().collect());
                ensure(found == expected && names.len() == expected.len(), || {
                    format!("{names:?} instead of {expected:?}")
                })?;
            }
            Expected::Count(count) => ensure(names.len() == count, || format!("{names:?} instead of {count} entries"))?,
        }
        ensure(feed.next.is_none(), || {
            format!("a next link in a short answer: {:?}", feed.next)
        })?;
        let base = format!("{}/", self.larder.base_url());
        for entry in &feed.entries {
            ensure(entry.download_url.starts_with(&base), || {
                format!("content/@src {:?} is not absolute", entry.download_url)
            })?;
        }
        Ok(())
    }
}

enum Expected {
    Exactly(Vec<String>),
    InAnyOrder(Vec<String>),
    Count(usize),
}

/// What the feed of the logs has to say to a (decoded) target.
fn expected(target: &str) -> Expected {
    let has = |needle: &str| target.contains(needle);
    let exactly = |names: &[&str]| Expected::Exactly(names.iter().map(|&name| name.to_owned()).collect());
    let versions = |id: &str, versions: &[&str]| {
        versions
            .iter()
            .map(|version| format!("{id} {version}"))
            .collect::<Vec<_>>()
    };
    let alpha = ["1.0.0", "1.5.0", "2.0.0", "2.1.0-beta1"];

    if let Some(key) = target.strip_prefix("/api/v2/Packages(Id='") {
        let (id, version) = key
            .trim_end_matches("')")
            .split_once("',Version='")
            .expect("a key of two parts");
        // Versions are the same where their numbers are: clients ask for 1.0 and for 1.0.0 of what is named 1.0.0.0.
        return if id == "gamma.tool" {
            exactly(&["Gamma.Tool 1.0.0.0"])
        } else {
            exactly(&[&format!("{id} {version}")])
        };
    }
    if has("FindPackagesById()") {
        return match () {
            () if has("'nope'") => exactly(&[]),
            () if has("IsAbsoluteLatestVersion") => exactly(&["pre.only 0.1.0-alpha"]),
            () if has("IsLatestVersion") => exactly(&["alpha 2.0.0"]),
            () if has("$skip=3") => Expected::Count(if has("'alpha'") { 1 } else { 3 }),
            () if has("'alpha'") => Expected::InAnyOrder(versions("alpha", &alpha)),
            () if has("'beta'") => Expected::InAnyOrder(versions("beta", &BETA)),
            () if has("'pre.only'") => exactly(&["pre.only 0.1.0-alpha"]),
            () => exactly(&["Gamma.Tool 1.0.0.0"]),
        };
    }
    if has("IsDownloadCacheAvailable and IsLatestVersion") {
        // Only Chocolatey's own gallery has such a cache. What is hosted here counts as approved.
        return exactly(&[]);
    }
    if has("'nope'") || has("$skip=4") {
        return exactly(&[]);
    }
    let latest = ["alpha 2.0.0", "beta 2.5.0", "Gamma.Tool 1.0.0.0"];
    let stable = || -> Vec<String> {
        let mut all = versions("alpha", &["2.0.0", "1.5.0", "1.0.0"]);
        let mut beta = BETA;
        beta.reverse();
        all.extend(versions("beta", &beta));
        all.push("Gamma.Tool 1.0.0.0".to_owned());
        all
    };
    match () {
        () if has("'pre.only'") => exactly(&["pre.only 0.1.0-alpha"]),
        () if has("'gamma.tool'") => exactly(&["Gamma.Tool 1.0.0.0"]),
        () if has("'synthetic'") => exactly(&latest),
        () if has("IsAbsoluteLatestVersion") && has("'alpha'") => exactly(&["alpha 2.1.0-beta1"]),
        () if has("IsAbsoluteLatestVersion") => exactly(&[
            "alpha 2.1.0-beta1",
            "beta 2.5.0",
            "Gamma.Tool 1.0.0.0",
            "pre.only 0.1.0-alpha",
        ]),
        () if has("IsLatestVersion") && (has("'alpha'") || has("'al'")) => exactly(&["alpha 2.0.0"]),
        () if has("IsLatestVersion") && has("'beta'") => exactly(&["beta 2.5.0"]),
        () if has("IsLatestVersion") => exactly(&latest),
        () if has("Packages()") => Expected::InAnyOrder(versions("alpha", &alpha)),
        () if has("searchTerm='alpha'") => exactly(&["alpha 2.0.0", "alpha 1.5.0", "alpha 1.0.0"]),
        () => {
            let skip = ["$skip=3", "$skip=6", "$skip=9"]
                .iter()
                .position(|skip| has(skip))
                .map_or(0, |at| (at + 1) * 3);
            Expected::Exactly(stable().split_off(skip))
        }
    }
}

fn told(answer: &Answer) -> String {
    format!("answered {} {}: {}", answer.status, answer.reason, answer.text())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
