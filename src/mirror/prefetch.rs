//! Fetching packages before anybody asks for them, with all that they need.
//!
//! Of each dependency one version is fetched, whatever frameworks it is for; two packages that need versions of one id that exclude each
//! other bring both. It asks with low priority, and waits for its turn as long as that takes. What was fetched is kept, whatever ends
//! this.

mod choose;

use std::collections::{HashSet, VecDeque};

use futures::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use self::choose::{Candidate, Wish, choose};
pub use self::choose::{DependencyVersion, Want, WantError};
use super::locate::Located;
use super::{Mirror, MirrorError, policy};
use crate::catalog::{Record, SourceName};
use crate::nuget::dependencies;
use crate::nuget::{NuGetVersion, PackageId};
use crate::upstream::Priority;

/// The most packages that one prefetch comes to.
const MOST_PACKAGES: usize = 100_000;

/// What is to be fetched.
#[derive(Debug, Clone)]
pub struct Prefetch {
    /// The feed whose packages are meant.
    pub feed: SourceName,
    /// The packages.
    pub wants: Vec<Want>,
    /// Which versions of dependencies are taken.
    pub dependencies: DependencyVersion,
    /// How many packages are worked on at a time; at least one is.
    pub concurrency: usize,
}

/// How a prefetch goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefetchProgress {
    /// Packages that are known to be needed so far.
    pub needed: u64,
    /// Those that were fetched.
    pub fetched: u64,
    /// Those that were here already.
    pub present: u64,
    /// Those that could not be had.
    pub missed: Vec<Missed>,
    /// Whether it has come to its end.
    pub ended: bool,
}

/// A package that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Its id, and which versions would have done.
    pub what: String,
    /// The package that needs it, where one does.
    pub needed_by: Option<String>,
    /// Why.
    pub reason: String,
}

/// One thing to do.
#[derive(Debug, Clone)]
struct Need {
    want: Want,
    by: Option<String>,
}

/// What came of it.
struct Had {
    record: Record,
    is_new: bool,
}

impl Mirror {
    /// Begins to prefetch. It goes on when nobody follows it any more, until its end or larder's.
    ///
    /// # Errors
    /// [`MirrorError::NoSuchFeed`].
    pub fn prefetch(&self, prefetch: Prefetch) -> Result<watch::Receiver<PrefetchProgress>, MirrorError> {
        self.view(&prefetch.feed)?;
        let (sender, progress) = watch::channel(PrefetchProgress::default());
        let mirror = self.clone();
        self.inner.background.spawn(async move {
            mirror.run_prefetch(&prefetch, &sender).await;
            sender.send_modify(|progress| progress.ended = true);
        });
        Ok(progress)
    }

    async fn run_prefetch(&self, prefetch: &Prefetch, progress: &watch::Sender<PrefetchProgress>) {
        let needs = prefetch.wants.iter().map(|want| Need {
            want: want.clone(),
            by: None,
        });
        let mut waiting: VecDeque<Need> = needs.collect();
        let (mut asked, mut had) = (HashSet::new(), HashSet::new());
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < prefetch.concurrency.max(1)
                && let Some(need) = waiting.pop_front()
            {
                if asked.len() < MOST_PACKAGES && asked.insert(need.want.to_string().to_lowercase()) {
                    running.push(self.have(prefetch, need));
                }
            }
            let Some((need, outcome)) = running.next().await else {
                return;
            };
            match outcome {
                Ok(found) => {
                    let row = &found.record.row;
                    if had.insert((row.id.clone(), row.version.clone())) {
                        let name = format!("{} {}", row.id, row.version);
                        waiting.extend(needs_of(&found.record).map(|want| Need {
                            want,
                            by: Some(name.clone()),
                        }));
                        progress.send_modify(|progress| {
                            progress.fetched += u64::from(found.is_new);
                            progress.present += u64::from(!found.is_new);
                        });
                    }
                }
                Err(reason) => {
                    tracing::debug!(package.id = %need.want.id, reason, "a package could not be prefetched");
                    progress.send_modify(|progress| {
                        progress.missed.push(Missed {
                            what: need.want.to_string(),
                            needed_by: need.by,
                            reason,
                        });
                    });
                }
            }
            let left = (running.len() + waiting.len()) as u64;
            progress.send_modify(|progress| {
                progress.needed = progress.fetched + progress.present + progress.missed.len() as u64 + left;
            });
        }
    }

    /// Makes sure that a package is here. The error says why it is not.
    async fn have(&self, prefetch: &Prefetch, need: Need) -> (Need, Result<Had, String>) {
        let outcome = self.find_and_fetch(prefetch, &need.want).await;
        (need, outcome)
    }

    async fn find_and_fetch(&self, prefetch: &Prefetch, want: &Want) -> Result<Had, String> {
        let feed = &prefetch.feed;
        let told = |error: MirrorError| error.to_string();
        let failure = self.learn_at_leisure(feed, &want.id).await.map_err(told)?;
        let view = self.view(feed).map_err(told)?;
        let group = view.group(&want.id);
        let members = group.as_ref().map(|group| group.members()).unwrap_or_default();
        let candidates: Vec<Candidate<'_>> = members
            .iter()
            .map(|member| Candidate {
                version: &member.row.version,
                is_listed: member.is_listed(),
            })
            .collect();
        match choose(&candidates, &want.wish, prefetch.dependencies) {
            Some(version) => self.fetch_at_leisure(feed, &want.id, version).await.map_err(told),
            None => match &want.wish {
                // Only asking for it tells whether it is at an upstream that does not say what it has.
                Wish::Exactly(version) => self.fetch_at_leisure(feed, &want.id, version).await.map_err(told),
                _ if let Some(failure) = failure => Err(failure.to_string()),
                _ if candidates.is_empty() => Err("there is no such package".to_owned()),
                Wish::Latest => Err("it has no listed release; name the version".to_owned()),
                Wish::Within(_) | Wish::Needed(_) => Err("none of its versions will do".to_owned()),
            },
        }
    }

    /// Asks the feed's upstreams for an id. Returns the first that could not be asked.
    async fn learn_at_leisure(&self, feed: &SourceName, id: &PackageId) -> Result<Option<MirrorError>, MirrorError> {
        let mut failure = None;
        for source in policy::upstreams_for(self.view(feed)?, id) {
            if !self.announces(source) {
                continue;
            }
            match self.look_up_now(source, id, Priority::Prefetch).await {
                Ok(()) => {}
                Err(error @ MirrorError::Upstream { .. }) => failure = failure.or(Some(error)),
                Err(broken) => return Err(broken),
            }
        }
        Ok(failure)
    }

    /// Fetches a version that is not here.
    async fn fetch_at_leisure(
        &self,
        feed: &SourceName,
        id: &PackageId,
        version: &NuGetVersion,
    ) -> Result<Had, MirrorError> {
        let view = self.view(feed)?;
        let Some(known) = self.record_of(view, id, version).await? else {
            let located = self.locate(feed, id, version).await?.located;
            return self.has_come(located).await;
        };
        if known.content.is_some() {
            let is_new = false;
            return Ok(Had { record: known, is_new });
        }
        let delivery = self.deliver(view, known, Priority::Prefetch).await?;
        self.has_come(delivery.located).await
    }

    async fn has_come(&self, located: Located) -> Result<Had, MirrorError> {
        let (held, is_new) = match located {
            Located::Held(held) => (*held, true),
            Located::Arriving(arriving) => (arriving.finished().await?, true),
        };
        let record = held.into_record();
        Ok(Had { record, is_new })
    }
}

/// Returns what a package needs, for whatever framework.
fn needs_of(record: &Record) -> impl Iterator<Item = Want> {
    let text = record.property("Dependencies").unwrap_or_default();
    let groups = dependencies::parse(text).into_iter();
    groups.flat_map(|group| group.dependencies).map(|dependency| Want {
        id: dependency.id,
        wish: Wish::Needed(dependency.range),
    })
}
