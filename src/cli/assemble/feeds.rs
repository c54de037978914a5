//! Of which sources a feed is made.

use crate::config::{Config, FeedConfig};
use crate::view::{FeedShape, HostedSource, UpstreamSource};

/// Says of which sources a feed is made: what is hosted in it and in the feeds that it includes, then the upstreams of all of
/// them. What one of them reserves, none of those upstreams is asked about.
pub(super) fn shape(config: &Config, feed: &FeedConfig) -> FeedShape {
    let members = config.members(feed);
    let mut upstreams: Vec<UpstreamSource> = Vec::new();
    for name in members.iter().flat_map(|member| &member.feed.upstreams) {
        if let Some(upstream) = config.upstream(name)
            && !upstreams.iter().any(|known| known.source == *name)
        {
            let (source, ids) = (name.clone(), upstream.ids.clone());
            upstreams.push(UpstreamSource { source, ids });
        }
    }
    let hosted = members.iter().map(|member| HostedSource {
        source: member.feed.name.clone(),
        shadow: member.shadow,
    });
    let reserved = members.iter().flat_map(|member| &member.feed.reserved);
    FeedShape {
        name: feed.name.clone(),
        hosted: hosted.collect(),
        upstreams,
        reserved: reserved.cloned().collect(),
    }
}
