//! The configuration: mirror.toml read into types, or refused in words that say where and what to do. Strings stop here.
//! It knows what each key may be and which go together; it opens nothing that a setting names, and reads no
//! environment. Of the other modules it knows only the name of a source.

mod document;
mod error;
mod feed;
mod limits;
mod pattern;
mod secret;
mod server;
mod storage;
mod timing;
mod units;
mod upstream;
mod value;
mod web_url;

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

use self::document::{Document, Section};
use self::feed::{Siblings, includes};
use crate::catalog::SourceName;
use crate::limits::MAX_CONFIG_BYTES;

pub use self::document::{Origin, Setting};
pub use self::error::{ConfigError, Place};
pub use self::feed::includes::IncludedFeed;
pub use self::feed::{DeletePolicy, FeedConfig};
pub use self::limits::Limits;
pub use self::pattern::{IdPattern, PatternError};
pub use self::secret::Secret;
pub use self::server::ServerConfig;
pub use self::storage::StorageConfig;
pub use self::timing::{Freshness, Timeouts};
pub use self::units::ByteSize;
pub use self::upstream::{
    Access, CacheConfig, Credentials, HeaderName, IdRules, ProxyConfig, SearchMode, SyncConfig, SyncMetadata,
    UpstreamConfig, UpstreamKind, UpstreamLimits, UrlTemplate, UserAgent,
};

/// The file that larder comes with: every key, its meaning and its default.
pub const SHIPPED: &str = include_str!("../mirror.toml");

/// The name of the file where none is given.
pub const DEFAULT_FILE: &str = "mirror.toml";

const SECTIONS: [&str; 5] = ["server", "storage", "limits", "freshness", "timeouts"];
const LISTS: [&str; 2] = ["upstream", "feed"];

/// All settings. Made by reading a file, so names are unique, feeds know their upstreams, and one feed is the default.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where larder listens and what it calls itself.
    pub server: ServerConfig,
    /// Where the data lie.
    pub storage: StorageConfig,
    /// How much of anything is accepted.
    pub limits: Limits,
    /// How long answers of upstreams count as fresh.
    pub freshness: Freshness,
    /// How long an upstream is waited for.
    pub timeouts: Timeouts,
    upstreams: Vec<UpstreamConfig>,
    feeds: Vec<FeedConfig>,
    settings: Vec<Setting>,
}

impl Config {
    /// Reads a file; a relative path in it is taken from the file's directory.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = read_text(file)?;
        Self::read(&text, file, file.parent().unwrap_or(Path::new("")))
    }

    /// Reads the text of a file called mirror.toml; a relative path in it is taken from `base_dir`.
    pub fn parse(text: &str, base_dir: &Path) -> Result<Self, ConfigError> {
        Self::read(text, Path::new(DEFAULT_FILE), base_dir)
    }

    /// Returns a configuration for tests: a free port of this machine, data below `base_dir`, one feed, no upstream.
    pub fn for_testing(base_dir: &Path) -> Result<Self, ConfigError> {
        Self::parse(
            "server.listen = \"127.0.0.1:0\"\nstorage.index_cache = \"8MiB\"\n",
            base_dir,
        )
    }

    /// Returns the upstreams in the order of the file.
    #[must_use]
    pub fn upstreams(&self) -> &[UpstreamConfig] {
        &self.upstreams
    }

    /// Returns the feeds in the order of the file; there is at least one.
    #[must_use]
    pub fn feeds(&self) -> &[FeedConfig] {
        &self.feeds
    }

    /// Returns the upstream of that name.
    #[must_use]
    pub fn upstream(&self, name: &SourceName) -> Option<&UpstreamConfig> {
        self.upstreams.iter().find(|upstream| upstream.name == *name)
    }

    /// Returns the feed of that name.
    #[must_use]
    pub fn feed(&self, name: &SourceName) -> Option<&FeedConfig> {
        self.feeds.iter().find(|feed| feed.name == *name)
    }

    /// Returns the feed that is served at the short addresses too.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "reading refuses a configuration without a default feed"
    )]
    pub fn default_feed(&self) -> &FeedConfig {
        self.feeds
            .iter()
            .find(|feed| feed.is_default)
            .expect("one feed is the default")
    }

    /// Returns a feed and all whose packages show in it, in the order in which they are looked at.
    #[must_use]
    pub fn members<'a>(&'a self, feed: &'a FeedConfig) -> Vec<IncludedFeed<'a>> {
        includes::members(&self.feeds, feed)
    }

    /// Returns every key with the value in force and where it came from, secrets hidden.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    fn read(text: &str, file: &Path, base_dir: &Path) -> Result<Self, ConfigError> {
        let document = Document::parse(file, text, &SECTIONS, &LISTS)?;
        let mut settings = Vec::new();

        let mut section = document.section("server", server::KEYS)?;
        let server = ServerConfig::read(&mut section)?;
        settings.append(&mut section.into_settings());

        let mut section = document.section("storage", storage::KEYS)?;
        let storage = StorageConfig::read(&mut section, base_dir)?;
        settings.append(&mut section.into_settings());

        let mut section = document.section("limits", limits::KEYS)?;
        let limits = Limits::read(&mut section)?;
        settings.append(&mut section.into_settings());

        let mut section = document.section("freshness", timing::FRESHNESS_KEYS)?;
        let freshness = Freshness::read(&mut section, &Freshness::default())?;
        settings.append(&mut section.into_settings());

        let mut section = document.section("timeouts", timing::TIMEOUT_KEYS)?;
        let timeouts = Timeouts::read(&mut section, &Timeouts::default())?;
        settings.append(&mut section.into_settings());

        let mut names = Names::default();
        let upstreams = read_upstreams(
            &document,
            &server,
            (base_dir, &freshness, &timeouts),
            &mut names,
            &mut settings,
        )?;
        let feeds = read_feeds(&document, &upstreams, &mut names, &mut settings)?;
        Ok(Self {
            server,
            storage,
            limits,
            freshness,
            timeouts,
            upstreams,
            feeds,
            settings,
        })
    }
}

fn read_text(file: &Path) -> Result<String, ConfigError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ConfigError::Absent { file: file.to_owned() },
        _ => ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        },
    };
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    let mut text = String::new();
    let length = opened
        .take(MAX_CONFIG_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if u64::try_from(length).is_ok_and(|length| length <= MAX_CONFIG_BYTES) {
        Ok(text)
    } else {
        Err(ConfigError::TooLarge {
            file: file.to_owned(),
            limit_bytes: MAX_CONFIG_BYTES,
        })
    }
}

fn read_upstreams(
    document: &Document<'_>,
    server: &ServerConfig,
    (base_dir, freshness, timeouts): (&Path, &Freshness, &Timeouts),
    names: &mut Names,
    settings: &mut Vec<Setting>,
) -> Result<Vec<UpstreamConfig>, ConfigError> {
    let mut upstreams = Vec::new();
    for mut section in document.list("upstream", upstream::KEYS)? {
        let upstream = UpstreamConfig::read(&mut section, base_dir, freshness, timeouts)?;
        names.add(&upstream.name, "an upstream", &section)?;
        if let Some(key) = upstream.kind.address().and_then(|url| server.place_of(&url)) {
            let problem = format!(
                "is where this larder itself is ({key}), which would ask itself; what one feed has here, another one shows by include"
            );
            return Err(section.refuse("url", problem));
        }
        upstreams.push(upstream);
        settings.append(&mut section.into_settings());
    }
    Ok(upstreams)
}

fn read_feeds(
    document: &Document<'_>,
    upstreams: &[UpstreamConfig],
    names: &mut Names,
    settings: &mut Vec<Setting>,
) -> Result<Vec<FeedConfig>, ConfigError> {
    let sections = document.list("feed", feed::KEYS)?;
    let siblings = if sections.len() == 1 {
        Siblings::None
    } else {
        Siblings::Some
    };
    let mut feeds: Vec<FeedConfig> = Vec::new();
    let mut places = BTreeMap::new();
    for mut section in sections {
        let feed = FeedConfig::read(&mut section, siblings)?;
        names.add(&feed.name, "a feed", &section)?;
        refuse_unknown_upstream(&feed, upstreams, &section)?;
        if let Some(first) = feeds.iter().find(|first| first.is_default && feed.is_default) {
            let problem = format!(
                "is true, but feed {} is the default already; only one can be",
                first.name
            );
            return Err(section.refuse("default", problem));
        }
        places.insert(feed.name.clone(), section.place_of("include"));
        feeds.push(feed);
        settings.append(&mut section.into_settings());
    }
    if let Some((name, problem)) = includes::flaw(&feeds) {
        let place = places.remove(name).flatten().unwrap_or_else(|| document.start());
        let key = format!("feed.{name}.include");
        return Err(ConfigError::Value { place, key, problem });
    }
    if feeds.is_empty() {
        let mut section = document.implied("feed");
        let all = upstreams.iter().map(|upstream| upstream.name.clone()).collect();
        let feed = FeedConfig::implied(&mut section, all)?;
        names.add(&feed.name, "the feed that is there when the file has none", &section)?;
        feeds.push(feed);
        settings.append(&mut section.into_settings());
    }
    if !feeds.iter().any(|feed| feed.is_default) {
        let problem = "must be true for one feed, the one that is served at /api/v2 too".to_owned();
        return Err(ConfigError::Value {
            place: document.start(),
            key: "feed.default".to_owned(),
            problem,
        });
    }
    Ok(feeds)
}

fn refuse_unknown_upstream(
    feed: &FeedConfig,
    upstreams: &[UpstreamConfig],
    section: &Section<'_>,
) -> Result<(), ConfigError> {
    let known = |name: &SourceName| upstreams.iter().any(|upstream| upstream.name == *name);
    let Some(unknown) = feed.upstreams.iter().find(|name| !known(name)) else {
        return Ok(());
    };
    let nearest = upstreams
        .iter()
        .map(|upstream| &upstream.name)
        .min_by_key(|name| strsim::damerau_levenshtein(name.as_str(), unknown.as_str()));
    let advice = match nearest {
        Some(name) => format!("the nearest there is is {name}"),
        None => "there is none; add an [[upstream]] section".to_owned(),
    };
    Err(section.refuse(
        "upstreams",
        format!("names the upstream {unknown}, which is not configured; {advice}"),
    ))
}

/// Feeds and upstreams share their names' space: each is a directory of packages.
#[derive(Default)]
struct Names(BTreeMap<SourceName, String>);

impl Names {
    fn add(&mut self, name: &SourceName, what: &str, section: &Section<'_>) -> Result<(), ConfigError> {
        let place = section
            .place_of("name")
            .map(|place| format!(" ({place})"))
            .unwrap_or_default();
        match self.0.insert(name.clone(), format!("{what}{place}")) {
            None => Ok(()),
            Some(first) => {
                let problem =
                    format!("is {name}, the name of {first} too; upstreams and feeds need names of their own");
                Err(section.refuse("name", problem))
            }
        }
    }
}

#[cfg(test)]
mod tests;
