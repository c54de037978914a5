//! A larder that has the packages of a generated feed: some pushed to it, some announced by scripted upstreams.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::fold::lower;
use super::package::{Feed, Package, shown, time};
use crate::support::app::TestApp;
use crate::support::gallery::upstream_at;
use crate::support::nupkg::{Packed, pack};
use crate::support::upstream::{ANYTHING, Reply, ScriptedUpstream, atom_feed};

/// A larder and what it mirrors, which must live as long.
pub(super) struct Server {
    pub(super) app: TestApp,
    /// The feed with the dates and sizes that its hosted packages got.
    pub(super) feed: Feed,
    upstream: ScriptedUpstream,
}

impl Server {
    pub(super) async fn start(feed: &Feed) -> Self {
        let upstream = ScriptedUpstream::start().await;
        upstream.on(ANYTHING, Reply::feed(atom_feed(&[], None)));
        let mut configuration = format!("server.page_size = {}\n", feed.page_size);
        for name in ["one", "two"] {
            configuration += &upstream_at(name, &upstream.url(&format!("/{name}/api/v2/")));
        }
        configuration += "[[feed]]\nname = \"feed\"\ndefault = true\nupstreams = [\"one\", \"two\"]\n";
        let app = TestApp::start(&configuration).await;
        let mut server = Self {
            app,
            feed: feed.clone(),
            upstream,
        };
        server.mirror().await;
        server.host().await;
        server
    }

    /// Lets the larder learn what the upstreams have, before any of it is hidden by what is pushed.
    async fn mirror(&self) {
        let mut ids: Vec<String> = Vec::new();
        for (name, packages) in ["one", "two"].iter().zip(&self.feed.upstreams) {
            let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for package in packages {
                entries.entry(lower(&package.id)).or_default().push(entry(package));
            }
            for (id, entries) in entries {
                let encoded = percent_encoding::utf8_percent_encode(&id, percent_encoding::CONTROLS);
                let target = format!("/{name}/api/v2/FindPackagesById()?id=%27{encoded}%27&semVerLevel=2.0.0");
                self.upstream.on(&target, Reply::feed(atom_feed(&entries, None)));
                ids.push(encoded.to_string());
            }
        }
        for id in ids {
            let target = format!("/api/v2/FindPackagesById()/$count?id='{id}'");
            self.app.get(&target).await.expect_status(200);
        }
    }

    /// Pushes what is hosted, one a second, and hides what is not listed.
    async fn host(&mut self) {
        let mut flags = Flags::new();
        for mut package in std::mem::take(&mut self.feed.hosted) {
            self.app.clock.advance(Duration::from_millis(1500));
            let is_hidden = !std::mem::replace(&mut package.is_listed, true);
            let packed = package.pushed(self.app.clock.clock().now());
            self.app.push(&packed).await.expect_status(201);
            let target = format!("/api/v2/package/{}/{}", package.id, package.version().normalised());
            self.feed.hosted.push(package);
            flags = self.update(&flags);
            if is_hidden {
                self.app.clock.advance(Duration::from_millis(250));
                self.app.manage("DELETE", &target).await.expect_status(204);
                let now = self.app.clock.clock().now();
                let package = self.feed.hosted.last_mut().expect("the pushed one");
                package.is_listed = false;
                (package.last_updated, package.last_edited) = (now, Some(now));
                flags = self.update(&flags);
            }
        }
    }

    /// Updates what is hosted and has other latest flags than before. Returns those of now.
    fn update(&mut self, before: &Flags) -> Flags {
        let hosted = Feed {
            upstreams: Default::default(),
            ..self.feed.clone()
        };
        let mut flags = Flags::new();
        for shown in [shown(&hosted, false), shown(&hosted, true)].concat() {
            let of_level = [shown.is_latest, shown.is_absolute_latest];
            flags.entry(key(&shown.package)).or_default().push(of_level);
        }
        let now = self.app.clock.clock().now();
        for package in &mut self.feed.hosted {
            let is_new = !before.contains_key(&key(package));
            if !is_new && before[&key(package)] != flags[&key(package)] {
                package.last_updated = now;
            }
        }
        flags
    }
}

/// The latest flags of each version, for clients that do not read SemVer 2, where these see it, and for those that do.
type Flags = BTreeMap<(String, String), Vec<[bool; 2]>>;

fn key(package: &Package) -> (String, String) {
    (lower(&package.id), package.version().normalised())
}

impl Package {
    /// Makes a nupkg of this, and this what it will be when it has been pushed.
    fn pushed(&mut self, now: DateTime<Utc>) -> Packed {
        (self.created, self.published, self.last_updated) = (now, now, now);
        (self.last_edited, self.scanned) = (None, None);
        (self.downloads, self.version_downloads) = (0, 0);
        self.is_approved = true;
        // What a nuspec must have.
        self.description.get_or_insert_with(|| "A tool".to_owned());
        self.authors.get_or_insert_with(|| "Ann".to_owned());
        let needs_acceptance = self.needs_acceptance.get_or_insert(false).to_string();
        let tags = self.tags.as_deref().map(str::trim).map(str::to_owned);
        let elements = [
            ("id", Some(&self.id)),
            ("version", Some(&self.version)),
            ("title", self.title.as_ref()),
            ("authors", self.authors.as_ref()),
            ("requireLicenseAcceptance", Some(&needs_acceptance)),
            ("licenseUrl", Some(&"https://example.com/license".to_owned())),
            ("description", self.description.as_ref()),
            ("summary", self.summary.as_ref()),
            ("releaseNotes", self.release_notes.as_ref()),
            ("copyright", self.copyright.as_ref()),
            ("tags", tags.as_ref()),
        ]
        .map(|(name, text)| text.map_or(String::new(), |text| format!("<{name}>{}</{name}>", escape(text))))
        .concat();
        let dependencies = self.needs.as_ref().map_or(String::new(), |needs| {
            let needs = needs.split('+').next().expect("a version");
            format!("<dependencies><dependency id=\"needed\" version=\"{needs}\"/></dependencies>")
        });
        if let Some(needs) = &mut self.needs {
            needs.truncate(needs.find('+').unwrap_or(needs.len()));
        }
        let nuspec = format!("<package><metadata>{elements}{dependencies}</metadata></package>");
        let bytes = pack("hosted.nuspec", nuspec.as_bytes(), &[]);
        self.size = i64::try_from(bytes.len()).expect("a small package");
        Packed {
            id: self.id.clone(),
            version: self.version.clone(),
            bytes,
        }
    }
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// Writes a version as a gallery announces it.
fn entry(package: &Package) -> String {
    let text = |name: &str, text: &Option<String>| match text {
        Some(text) => format!("<d:{name} xml:space=\"preserve\">{}</d:{name}>", escape(text)),
        None => format!("<d:{name} m:null=\"true\"/>"),
    };
    let date = |name: &str, at: Option<&DateTime<Utc>>| {
        at.map_or(String::new(), |at| {
            format!("<d:{name} m:type=\"Edm.DateTime\">{}</d:{name}>", time(at))
        })
    };
    let other = |name: &str, value: &str, kind: &str| format!("<d:{name} m:type=\"Edm.{kind}\">{value}</d:{name}>");
    let dependencies = package.needs.as_ref().map(|needs| format!("needed:[{needs}, ):"));
    let properties = [
        text("Id", &Some(package.id.clone())),
        text("Title", &package.title),
        text("Description", &package.description),
        text("Summary", &package.summary),
        text("Tags", &package.tags),
        text("Authors", &package.authors),
        text("ReleaseNotes", &package.release_notes),
        text("Copyright", &package.copyright),
        text("Dependencies", &dependencies),
        date("Created", Some(&package.created)),
        date("Published", Some(&package.published)),
        date("LastUpdated", Some(&package.last_updated)),
        date("LastEdited", package.last_edited.as_ref()),
        date("PackageScanResultDate", package.scanned.as_ref()),
        other("DownloadCount", &package.downloads.to_string(), "Int32"),
        other("VersionDownloadCount", &package.version_downloads.to_string(), "Int32"),
        other("PackageSize", &package.size.to_string(), "Int64"),
        other("Listed", &package.is_listed.to_string(), "Boolean"),
        other("IsApproved", &package.is_approved.to_string(), "Boolean"),
        // What a gallery says of its own latest versions is not what this feed says.
        other("IsLatestVersion", "true", "Boolean"),
        other("IsAbsoluteLatestVersion", "true", "Boolean"),
        package.needs_acceptance.map_or(String::new(), |needs| {
            other("RequireLicenseAcceptance", &needs.to_string(), "Boolean")
        }),
    ]
    .concat();
    format!(
        "<entry><title type=\"text\">{}</title><content type=\"application/zip\" src=\"http://gallery.test/x.nupkg\"/><m:properties><d:Version>{}</d:Version>{properties}</m:properties></entry>",
        package.id, package.version
    )
}
