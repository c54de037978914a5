//! Packages that are not there, with texts as long, as shared and as varied as a community feed's. The same seed makes the same.

use chrono::{DateTime, Utc};
use larder::catalog::{Entry, Origin, Property};
use larder::store::Sidecar;

const WORDS: &[&str] = &[
    "package",
    "install",
    "Windows",
    "server",
    "editor",
    "the",
    "a",
    "of",
    "for",
    "with",
    "Command",
    "line",
    "tool",
    "that",
    "lets",
    "you",
    "manage",
    "files",
    "network",
    "secure",
    "shell",
    "client",
    "library",
    "open",
    "source",
    "fast",
    "portable",
    "developer",
    "build",
    "deploy",
    "cloud",
    "runtime",
    "framework",
    "audio",
    "video",
    "player",
    "viewer",
    "image",
    "compression",
    "archive",
    "backup",
    "sync",
    "Browser",
    "plugin",
    "extension",
    "driver",
    "monitor",
    "desktop",
    "remote",
    "terminal",
    "git",
    "version",
    "control",
    "database",
    "query",
    "JSON",
    "XML",
    "parser",
    "compiler",
    "debugger",
    "profile",
    "test",
    "and",
    "or",
    "in",
    "on",
    "is",
    "are",
    "free",
    "software",
    "features",
    "support",
    "multiple",
    "platform",
    "language",
    "update",
    "automatic",
    "silent",
    "parameters",
    "note",
];

/// How many packages there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) ids: u64,
    pub(crate) versions: u64,
}

/// One package: an id and the spellings of its versions.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) versions: Vec<String>,
    seed: u64,
}

/// Numbers that look random (Steele, Lea and Flood: "Fast splittable pseudorandom number generators").
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Returns one of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = self.below(items.len() as u64);
        items.get(usize::try_from(at).unwrap_or(0))
    }

    /// Returns bytes that do not compress.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    pub(crate) fn word(&mut self) -> &'static str {
        self.pick(WORDS).copied().unwrap_or("word")
    }

    fn text(&mut self, bytes: u64) -> String {
        let mut text = String::new();
        while (text.len() as u64) < bytes {
            text.push_str(self.word());
            text.push_str(if self.below(12) == 0 { ".\n" } else { " " });
        }
        text
    }
}

/// Makes all packages. A few ids have hundreds of versions, most a dozen.
pub(crate) fn packages(size: Size) -> Vec<Package> {
    let mut random = Random::new(size.ids ^ size.versions);
    let mut counts = vec![1_u64; usize::try_from(size.ids).unwrap_or(0)];
    for _ in size.ids..size.versions {
        // The least of two draws: the density falls from the first id to the last, with a long tail of small ones.
        let at = random
            .below(size.ids)
            .min(random.below(size.ids))
            .min(random.below(size.ids));
        if let Some(count) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    counts
        .iter()
        .enumerate()
        .map(|(number, count)| package(number as u64, *count))
        .collect()
}

fn package(number: u64, count: u64) -> Package {
    let mut random = Random::new(number);
    let (one, two) = (random.word(), random.word());
    let id = match number % 3 {
        0 => format!("{one}.{two}.{number}"),
        1 => format!("{one}-{two}{number}").to_lowercase(),
        _ => format!("{one}{two}{number}.install"),
    };
    let version = |at: u64| {
        let (major, minor, patch) = (at / 24, at / 4 % 6, at % 4);
        match (at + number) % 20 {
            7 => format!("{major}.{minor}.{patch}-beta{}", at % 3),
            11 => format!("{major}.{minor}.{patch}-rc.{}", at % 3),
            13 | 14 => format!("{major}.{minor}.{patch}.20{}", at % 30),
            _ => format!("{major}.{minor}.{patch}"),
        }
    };
    Package {
        id,
        versions: (1..=count).map(version).collect(),
        seed: number,
    }
}

impl Package {
    /// Returns the sidecars of all versions, as if each were mirrored.
    pub(crate) fn sidecars(&self) -> Vec<Sidecar> {
        let mut random = Random::new(self.seed ^ 0xabcd);
        let mut texts = Texts::new(&mut random);
        let mut sidecars = Vec::with_capacity(self.versions.len());
        for version in &self.versions {
            // One version in ten has its description written anew, one in three its release notes.
            if random.below(10) == 0 {
                texts.describe(&mut random);
            }
            if random.below(3) == 0 {
                let length = 60 + random.below(600);
                texts.release_notes = random.text(length);
            }
            sidecars.push(self.sidecar(version, &texts, &mut random));
        }
        sidecars
    }

    fn sidecar(&self, version: &str, texts: &Texts, random: &mut Random) -> Sidecar {
        let hash = base64_of(&random.bytes(64));
        let size = 2_000 + random.below(4_000_000);
        let at = instant(1_400_000_000 + random.below(300_000_000));
        Sidecar {
            schema: larder::store::sidecar::SCHEMA,
            id: self.id.clone(),
            version: version.to_owned(),
            file: "0123456789abcdef.nupkg".to_owned(),
            sha512: hash.clone(),
            size,
            origin: Origin::Mirrored {
                content_url: Some(format!(
                    "https://packages.example.com/api/v2/package/{}/{version}",
                    self.id
                )),
            },
            listed: random.below(50) != 0,
            created: at,
            published: at,
            last_edited: None,
            last_updated: at,
            entry: Some(Entry {
                properties: self.properties(version, texts, &hash, size, random),
                ..Entry::default()
            }),
        }
    }

    fn properties(&self, version: &str, texts: &Texts, hash: &str, size: u64, random: &mut Random) -> Vec<Property> {
        let text = |name: &str, value: &str| Property::text(name, Some(value));
        let lower = self.id.to_lowercase();
        let home = format!("https://www.{lower}.example.com/");
        let repository = format!("https://source.example.com/{lower}/packages/");
        let count = |name: &str, value: u64| Property::typed(name, "Edm.Int32", value.to_string());
        let flag = |name: &str, value: bool| Property::typed(name, "Edm.Boolean", value.to_string());
        vec![
            text("Title", &texts.title),
            text("Description", &texts.description),
            text("Summary", &texts.summary),
            text("Tags", &texts.tags),
            text("Authors", &texts.authors),
            text("Copyright", &texts.copyright),
            text("Dependencies", "chocolatey-core.extension:1.3.3|dotnetfx:[4.6.1,)"),
            count("DownloadCount", 1_000_000 + self.seed),
            count("VersionDownloadCount", random.below(100_000)),
            text(
                "GalleryDetailsUrl",
                &format!("https://packages.example.com/packages/{lower}/{version}"),
            ),
            text(
                "ReportAbuseUrl",
                &format!("https://packages.example.com/abuse/{lower}/{version}"),
            ),
            text("IconUrl", &format!("{repository}icon.png")),
            text("LicenseUrl", &format!("{home}licence")),
            flag("RequireLicenseAcceptance", false),
            text("PackageHash", hash),
            text("PackageHashAlgorithm", "SHA512"),
            Property::typed("PackageSize", "Edm.Int64", size.to_string()),
            text("ProjectUrl", &home),
            text("ReleaseNotes", &texts.release_notes),
            text("ProjectSourceUrl", &repository),
            text("PackageSourceUrl", &format!("{repository}tree/main")),
            text("DocsUrl", &format!("{home}docs")),
            Property::text("MailingListUrl", None),
            text("BugTrackerUrl", &format!("{home}issues")),
            flag("IsApproved", true),
            text("PackageStatus", "Approved"),
            text("PackageSubmittedStatus", "Ready"),
            text("PackageTestResultStatus", "Passing"),
            flag("IsDownloadCacheAvailable", false),
        ]
    }
}

/// The texts that the versions of an id share.
struct Texts {
    title: String,
    description: String,
    summary: String,
    tags: String,
    authors: String,
    copyright: String,
    release_notes: String,
}

impl Texts {
    fn new(random: &mut Random) -> Self {
        let word = random.word();
        let mut texts = Self {
            title: format!("{word} {} (Install)", random.word()),
            description: String::new(),
            summary: random.text(70),
            tags: (0..6).map(|_| random.word()).collect::<Vec<_>>().join(" "),
            authors: format!("{word} authors, {}", random.word()),
            copyright: format!("2014 {word} authors"),
            release_notes: random.text(200),
        };
        texts.describe(random);
        texts
    }

    fn describe(&mut self, random: &mut Random) {
        let length = 500 + random.below(1500);
        self.description = random.text(length);
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn instant(seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds).unwrap_or_default();
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}
