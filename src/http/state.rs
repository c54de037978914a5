//! What every request handler shares.

use std::hash::RandomState;
use std::sync::Arc;

use super::rendered::Rendered;
use crate::auth::{Administrator, Denied, KeyDigest};
use crate::catalog::{Instant, Origin, SourceName};
use crate::clock::Clock;
use crate::config::{DeletePolicy, FeedConfig, ServerConfig};
use crate::mirror::Mirror;
use crate::odata::links::Links;
use crate::odata::protocol::Protocol;

/// The application. Clones are handles to the same.
#[derive(Clone)]
pub struct App {
    shared: Arc<AppParts>,
}

/// What the application is made of.
pub struct AppParts {
    /// What answers.
    pub mirror: Mirror,
    /// Who may change things.
    pub administrator: Administrator,
    /// The digest of the key by which `larder import` comes in from the same machine.
    pub import_key: KeyDigest,
    /// How clients reach this server.
    pub server: ServerConfig,
    /// The feeds.
    pub feeds: Vec<FeedConfig>,
    /// The names of the upstreams, in the configuration's order.
    pub upstreams: Vec<SourceName>,
    /// When this was made.
    pub started: Instant,
    /// The longest path and query, in bytes.
    pub max_url_bytes: usize,
    /// What entity tags are made with: those of another process, which counts editions anew, differ.
    pub tags: RandomState,
    /// Entries as they were written before.
    pub rendered: Rendered,
    /// The time.
    pub clock: Clock,
}

impl std::ops::Deref for App {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.shared
    }
}

impl App {
    /// Makes the application.
    #[must_use]
    pub fn new(parts: AppParts) -> Self {
        Self {
            shared: Arc::new(parts),
        }
    }

    /// Returns a feed by its name, or the default feed.
    #[must_use]
    pub fn feed(&self, name: Option<&SourceName>) -> Option<&FeedConfig> {
        self.feeds.iter().find(|feed| match name {
            Some(name) => feed.name == *name,
            None => feed.is_default,
        })
    }

    /// Says whether a key may change packages, and where packages that come with it are from.
    ///
    /// # Errors
    /// Where there is no key, or one that is not known.
    pub fn authorize(&self, key: Option<&str>) -> Result<Origin, Denied> {
        if key.is_some_and(|key| self.import_key.matches(&KeyDigest::of(key))) {
            return Ok(Origin::Imported);
        }
        let principal = self.administrator.authenticate(key)?;
        Ok(Origin::Pushed {
            by: principal.name().to_owned(),
        })
    }
}

/// A feed as one request sees it.
pub struct FeedRequest<'a> {
    /// The feed.
    pub feed: &'a SourceName,
    /// The version of the protocol that is spoken where the request came in.
    pub protocol: Protocol,
    /// What deleting means in it.
    pub delete: DeletePolicy,
    /// The feed's root as the client reaches it, without a trailing slash.
    pub root: String,
    /// What comes after the feed's root in the path, still percent-encoded, with its slash.
    pub rest: &'a str,
    /// The query string, still percent-encoded.
    pub query: &'a str,
}

impl FeedRequest<'_> {
    /// Returns where the feed lies for the client.
    #[must_use]
    pub fn links(&self) -> Links<'_> {
        Links {
            root: &self.root,
            protocol: self.protocol,
        }
    }

    /// Returns a request for something else below the same root.
    #[must_use]
    pub fn at<'b>(&'b self, rest: &'b str, query: &'b str) -> FeedRequest<'b> {
        FeedRequest {
            root: self.root.clone(),
            rest,
            query,
            ..*self
        }
    }
}
