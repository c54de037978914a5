//! The feeds that the cases are sent to, built from tables of packages: one package a line, pushed in their order on one day
//! after the other.
//!
//! `git 2.40.0; tags git vcs; title Git; needs openssl [3.0,4.0); lib net45; unlisted`. Those that are `mirrored` are not
//! pushed but announced by an upstream, with the `downloads` that it counts.

use std::fmt::Write as _;
use std::time::Duration;

use crate::support::app::{TestApp, find};
use crate::support::gallery::{find_target, upstream};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed};

/// A package as a table has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) version: String,
    title: Option<String>,
    tags: String,
    describes: Option<String>,
    summary: Option<String>,
    by: Option<String>,
    needs: Vec<(String, String)>,
    lib: Vec<String>,
    is_unlisted: bool,
    /// Unlisted by the upstream's `Listed` alone, with a real date.
    is_delisted: bool,
    is_mirrored: bool,
    downloads: u64,
}

/// A feed with its packages, and the upstream of those that are mirrored.
pub(super) struct Feed {
    pub(super) app: TestApp,
    pub(super) packages: Vec<Package>,
    upstream: ScriptedUpstream,
}

/// Reads a package's line; panics where it is wrong.
pub(super) fn package(line: &str) -> Package {
    let mut parts = line.split("; ").map(str::trim);
    let identity = parts.next().unwrap_or_default();
    let (id, version) = identity.split_once(' ').unwrap_or_else(|| panic!("no package: {line}"));
    let mut package = Package {
        id: id.to_owned(),
        version: version.to_owned(),
        ..Package::default()
    };
    for part in parts {
        let (word, rest) = part.split_once(' ').unwrap_or((part, ""));
        let rest = rest.to_owned();
        match word {
            "title" => package.title = Some(rest),
            "tags" => package.tags = rest,
            "describes" => package.describes = Some(rest),
            "summary" => package.summary = Some(rest),
            "by" => package.by = Some(rest),
            "needs" => {
                let (id, range) = rest.split_once(' ').unwrap_or_else(|| panic!("no range: {line}"));
                package.needs.push((id.to_owned(), range.to_owned()));
            }
            "lib" => package.lib = rest.split(' ').map(str::to_owned).collect(),
            "unlisted" => package.is_unlisted = true,
            "delisted" => package.is_delisted = true,
            "mirrored" => package.is_mirrored = true,
            "downloads" => package.downloads = rest.parse().unwrap_or_else(|_| panic!("no number: {line}")),
            _ => panic!("what is {word}? {line}"),
        }
    }
    package
}

/// Reads a feed's table. `zz.{1..120}` stands for as many packages with a number of three digits.
pub(super) fn packages(table: &str) -> Vec<Package> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(expand).map(|line| package(&line)).collect()
}

fn expand(line: &str) -> Vec<String> {
    let Some((before, range, after)) = line
        .split_once('{')
        .and_then(|(before, rest)| rest.split_once('}').map(|(range, after)| (before, range, after)))
    else {
        return vec![line.to_owned()];
    };
    let (first, last) = range.split_once("..").unwrap_or_else(|| panic!("no range: {line}"));
    let number = |text: &str| text.parse::<u32>().unwrap_or_else(|_| panic!("no number: {line}"));
    (number(first)..=number(last))
        .map(|number| format!("{before}{number:03}{after}"))
        .collect()
}

impl Package {
    /// Builds the nupkg, the same bytes each time.
    pub(super) fn packed(&self) -> Packed {
        let mut nupkg = Nupkg::new(&self.id, &self.version).tags(&self.tags);
        for (name, value) in [("title", &self.title), ("summary", &self.summary)] {
            if let Some(value) = value {
                nupkg = nupkg.element(name, value);
            }
        }
        if let Some(text) = &self.describes {
            nupkg = nupkg.description(text);
        }
        if let Some(authors) = &self.by {
            nupkg = nupkg.authors(authors);
        }
        for (id, range) in &self.needs {
            nupkg = nupkg.depends_on(id, range);
        }
        if !self.lib.is_empty() {
            nupkg = nupkg.without_script();
        }
        for framework in &self.lib {
            nupkg = nupkg.file(&format!("lib/{framework}/{}.dll", self.id), "no library");
        }
        nupkg.pack()
    }

    /// Returns the key under which it is deleted and listed again.
    fn target(&self) -> String {
        format!("/api/v2/package/{}/{}", self.id, self.version.replace('+', "%2B"))
    }

    /// Writes what the upstream says of it.
    fn announcement(&self, upstream: &ScriptedUpstream, packed: &Packed, day: usize) -> String {
        let mut properties = String::new();
        let mut text = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                write!(properties, "<d:{name}>{value}</d:{name}>").expect("a string takes all");
            }
        };
        text("Title", self.title.as_deref());
        text("Description", self.describes.as_deref());
        text("Tags", Some(&self.tags));
        text("Authors", self.by.as_deref());
        text("Dependencies", Some(""));
        text("Listed", self.is_delisted.then_some("false"));
        let published = if self.is_unlisted {
            "1900-01-01T00:00:00".to_owned()
        } else {
            format!("2020-01-{day:02}T00:00:00")
        };
        write!(
            properties,
            r#"<d:Published m:type="Edm.DateTime">{published}</d:Published><d:Created m:type="Edm.DateTime">2020-01-{day:02}T00:00:00</d:Created><d:DownloadCount m:type="Edm.Int32">{}</d:DownloadCount><d:IsLatestVersion m:type="Edm.Boolean">true</d:IsLatestVersion>"#,
            self.downloads
        )
        .expect("a string takes all");
        upstream.entry(packed, &properties)
    }
}

impl Feed {
    /// Starts a larder and fills it from a table.
    pub(super) async fn start(table: &str) -> Self {
        let packages = packages(table);
        let scripted = ScriptedUpstream::start().await;
        let configuration = format!(
            "{}[[feed]]\nname = \"main\"\ndefault = true\nupstreams = [\"gallery\"]\nreserved = [\"contoso.*\"]\n",
            upstream("gallery", &scripted)
        );
        let app = TestApp::start(&configuration).await;
        let feed = Self {
            app,
            packages,
            upstream: scripted,
        };
        feed.fill().await;
        feed
    }

    async fn fill(&self) {
        let upstream = &self.upstream;
        upstream.on(ANYTHING, Reply::feed(atom_feed(&[], None)));
        let mut mirrored: Vec<(String, Vec<String>)> = Vec::new();
        for (day, package) in self.packages.iter().enumerate() {
            let packed = package.packed();
            if package.is_mirrored {
                let entry = package.announcement(upstream, &packed, day % 28 + 1);
                upstream.serves(&packed, Reply::ok(packed.bytes.clone()));
                match mirrored.iter_mut().find(|(id, _)| *id == package.id) {
                    Some((_, entries)) => entries.push(entry),
                    None => mirrored.push((package.id.clone(), vec![entry])),
                }
                continue;
            }
            self.app.push(&packed).await.expect_status(201);
            if package.is_unlisted {
                self.app.manage("DELETE", &package.target()).await.expect_status(204);
            }
            self.app.clock.advance(Duration::from_secs(24 * 60 * 60));
        }
        for (id, entries) in &mirrored {
            upstream.on(&find_target(id), Reply::feed(atom_feed(entries, None)));
        }
        // Learnt last, so that it is fresh while the cases run.
        for (id, _) in &mirrored {
            self.app.feed(&find(id)).await;
        }
    }
}
