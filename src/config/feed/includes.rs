//! Which feeds show in which: what `include` comes to. Pure.

use super::FeedConfig;
use crate::catalog::{Shadow, SourceName};

/// A feed whose packages show in another one, or the other one itself.
#[derive(Clone, Copy, Debug)]
pub struct IncludedFeed<'a> {
    /// The feed.
    pub feed: &'a FeedConfig,
    /// What its hosted packages hide there: an id, if it or any feed on a way to it says so.
    pub shadow: Shadow,
}

/// Returns a feed and all that show in it, in the order in which they are looked at: each before those that it includes, and
/// each once, where it is met first.
pub(in crate::config) fn members<'a>(feeds: &'a [FeedConfig], root: &'a FeedConfig) -> Vec<IncludedFeed<'a>> {
    let mut found = Vec::new();
    visit(feeds, root, Shadow::Version, &mut found);
    found
}

fn visit<'a>(feeds: &'a [FeedConfig], feed: &'a FeedConfig, way: Shadow, found: &mut Vec<IncludedFeed<'a>>) {
    let shadow = way.max(feed.shadow);
    match found.iter_mut().find(|member| member.feed.name == feed.name) {
        // All that lies behind it was met with it, under no weaker rule.
        Some(member) if member.shadow >= shadow => return,
        Some(member) => member.shadow = shadow,
        None => found.push(IncludedFeed { feed, shadow }),
    }
    for included in feed.include.iter().filter_map(|name| named(feeds, name)) {
        visit(feeds, included, shadow, found);
    }
}

fn named<'a>(feeds: &'a [FeedConfig], name: &SourceName) -> Option<&'a FeedConfig> {
    feeds.iter().find(|feed| feed.name == *name)
}

/// Returns the first feed whose `include` cannot be, and what is wrong with it.
pub(in crate::config) fn flaw(feeds: &[FeedConfig]) -> Option<(&SourceName, String)> {
    for feed in feeds {
        if let Some(unknown) = feed.include.iter().find(|name| named(feeds, name).is_none()) {
            return Some((&feed.name, unknown_feed(unknown, feeds)));
        }
    }
    let in_circle = |feed| circle(feeds, feed).map(|circle| (&feed.name, circle));
    feeds.iter().find_map(in_circle)
}

fn unknown_feed(unknown: &SourceName, feeds: &[FeedConfig]) -> String {
    let nearest = feeds
        .iter()
        .map(|feed| &feed.name)
        .min_by_key(|name| strsim::damerau_levenshtein(name.as_str(), unknown.as_str()));
    let advice = nearest.map(|name| format!("; the nearest there is is {name}"));
    format!(
        "names the feed {unknown}, which is not configured{}",
        advice.unwrap_or_default()
    )
}

/// Returns in words how a feed includes itself, where it does, on a shortest way.
fn circle(feeds: &[FeedConfig], start: &FeedConfig) -> Option<String> {
    let mut ways: Vec<Vec<&SourceName>> = vec![vec![&start.name]];
    let mut next = 0;
    while let Some(way) = ways.get(next).cloned() {
        next += 1;
        let end = way.last().and_then(|name| named(feeds, name))?;
        for name in &end.include {
            if *name == start.name {
                let steps: Vec<&str> = way.iter().chain([&name]).map(|name| name.as_str()).collect();
                let circle = steps.join(" includes ");
                return Some(format!("leads back: {circle}; a feed cannot include itself"));
            }
            if !ways.iter().any(|way| way.last() == Some(&name)) {
                ways.push(way.iter().copied().chain([name]).collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    /// `a:b,c id` is a feed that includes two others.
    fn parse(feeds: &str) -> Result<Config, String> {
        let section = |feed: &str| {
            let (feed, shadow) = feed.split_once('/').unwrap_or((feed, "id"));
            let (name, include) = feed.split_once(':').unwrap_or((feed, ""));
            let include: Vec<String> = include
                .split(',')
                .filter(|name| !name.is_empty())
                .map(|name| format!("{name:?}"))
                .collect();
            format!(
                "[[feed]]\nname = {name:?}\ndefault = {}\nshadow = {shadow:?}\ninclude = [{}]\n",
                name == "a",
                include.join(",")
            )
        };
        let text: Vec<String> = feeds.split(' ').map(section).collect();
        Config::parse(&text.concat(), Path::new("/srv")).map_err(|error| error.to_string())
    }

    #[test]
    fn feeds_are_met_in_order_and_once() {
        for (feeds, expected) in [
            ("a", "a=id"),
            ("a:b,c b c", "a=id b=id c=id"),
            ("a:b,c b:d c:d d", "a=id b=id d=id c=id"),
            ("a:b/version b:c/version c/version", "a=version b=version c=version"),
            ("a:b/version b:c c/version", "a=version b=id c=id"),
            ("a:b/version b:c/version c", "a=version b=version c=id"),
            // By way of b what d hosts hides versions alone, by way of c ids.
            (
                "a:b,c/version b:d/version c:d d:e/version e/version",
                "a=version b=version d=id e=id c=id",
            ),
            ("a:b b:c/version c/version", "a=id b=id c=id"),
        ] {
            let config = parse(feeds).unwrap();
            let members: Vec<String> = config
                .members(config.default_feed())
                .iter()
                .map(|member| {
                    let shadow = if member.shadow == Shadow::Id { "id" } else { "version" };
                    format!("{}={shadow}", member.feed.name)
                })
                .collect();
            assert_eq!(members.join(" "), expected, "{feeds}");
        }
    }

    #[test]
    fn what_cannot_be_is_said() {
        for (feeds, expected) in [
            (
                "a:a",
                "mirror.toml:5: feed.a.include leads back: a includes a; a feed cannot include itself",
            ),
            (
                "a b:c c:d d:b",
                "mirror.toml:10: feed.b.include leads back: b includes c includes d includes b;",
            ),
            (
                "a:team-b team-a",
                "feed.a.include names the feed team-b, which is not configured; the nearest there is is team-a",
            ),
            ("a:b,b b", "feed.a.include names b twice"),
        ] {
            let refusal = parse(feeds).unwrap_err();
            assert!(refusal.contains(expected), "{feeds}: {refusal}");
        }
    }
}
