//! `larder status`: how the running server, its feeds and its upstreams are, for people; with `--json` as the server tells it.

use std::fmt::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::local::LocalServer;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::admin::status::{CacheStatus, Counts, Status, UpstreamStatus};
use crate::mirror::BreakerStatus;

/// How the status is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a table.
    Table,
    /// As JSON.
    Json,
}

/// Asks the server that runs on the configuration's data folder, and prints what it tells.
pub(super) async fn run(config: &Config, form: Form) -> anyhow::Result<ExitCode> {
    let state = config.storage.data.join("state");
    let server = LocalServer::find(&state)
        .await?
        .with_context(|| format!("no larder is running on {}", config.storage.data.display()))?;
    match form {
        Form::Json => {
            let status: serde_json::Value = server.get("/admin/status").await?;
            println!("{status:#}");
        }
        Form::Table => {
            let status: Status = server.get("/admin/status").await?;
            print!("{}", table(&status, Clock::system().now()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the status for people.
fn table(status: &Status, now: DateTime<Utc>) -> String {
    let mut out = String::new();
    let offline = if status.offline { ", offline" } else { "" };
    let up = Seconds(status.uptime_seconds);
    let _ = writeln!(out, "larder {}, up for {up}{offline}", status.version);
    for feed in &status.feeds {
        let upstreams = if feed.upstreams.is_empty() {
            "no upstream".to_owned()
        } else {
            feed.upstreams.join(", ")
        };
        let default = if feed.default { " (default)" } else { "" };
        let _ = writeln!(out, "\nfeed {}{default}: {upstreams}", feed.name);
        let _ = writeln!(out, "  hosted    {} downloads", feed.counts.package_hits);
    }
    for upstream in &status.upstreams {
        let _ = writeln!(out, "\nupstream {}: {}", upstream.name, upstream.condition.home);
        write_upstream(&mut out, upstream, now);
    }
    out
}

fn write_upstream(out: &mut String, upstream: &UpstreamStatus, now: DateTime<Utc>) {
    let condition = &upstream.condition;
    let health = match condition.breaker {
        BreakerStatus::Closed => "asked as usual".to_owned(),
        BreakerStatus::Probing => "one request goes to see how it does".to_owned(),
        BreakerStatus::Open { until } => format!("failed too often, not asked for {}", until_then(until, now)),
    };
    let _ = writeln!(out, "  health    {health}");
    if let Some(pause) = &condition.pause {
        let wait = until_then(pause.until, now);
        let _ = writeln!(out, "  pause     left alone for {wait}: {}", pause.reason);
    }
    for bucket in &condition.buckets {
        let _ = writeln!(
            out,
            "  limit     {}: {} of {} a minute left",
            bucket.name, bucket.left, bucket.per_minute
        );
    }
    let sum = |all: &crate::mirror::PerPriority| all.client + all.revalidation + all.prefetch + all.sync;
    let (running, queued) = (sum(&condition.running), sum(&condition.queued));
    let _ = writeln!(
        out,
        "  requests  {running} running, {queued} waiting, {} in all",
        condition.totals.requests
    );
    if let Some(synced) = upstream.synced {
        let _ = writeln!(out, "  synced    {} ago", until_then(now, synced));
    }
    let _ = writeln!(out, "  cache     {}", cache(&upstream.cache));
    let _ = writeln!(out, "  hits      {}", hits(&upstream.counts));
    for seen in &condition.last_errors {
        let ago = until_then(now, seen.at);
        let _ = writeln!(out, "  error     {ago} ago: {}", seen.error);
    }
}

fn cache(cache: &CacheStatus) -> String {
    let counting = if cache.is_counted { "" } else { ", still counting" };
    let of = cache
        .max_bytes
        .map(|max| format!(" of {}", Bytes(max)))
        .unwrap_or_default();
    format!("{} packages, {}{of}{counting}", cache.packages, Bytes(cache.bytes))
}

fn hits(counts: &Counts) -> String {
    let packages = share(counts.package_hits, counts.package_misses + counts.package_collapsed);
    let known = counts.metadata_hits + counts.metadata_stale + counts.negative_hits;
    let metadata = share(known, counts.metadata_misses + counts.metadata_collapsed);
    format!(
        "packages {packages}, metadata {metadata}; {} sent, {} fetched, {} refused, {} made room",
        Bytes(counts.bytes_served),
        Bytes(counts.bytes_fetched),
        counts.packages_rejected,
        counts.evictions
    )
}

/// Returns how many of all were hits, as in `90 % of 10`.
fn share(hits: u64, others: u64) -> String {
    let all = hits + others;
    match (hits * 100).checked_div(all) {
        Some(percent) => format!("{percent} % of {all}"),
        None => "none yet".to_owned(),
    }
}

fn until_then(then: DateTime<Utc>, now: DateTime<Utc>) -> Seconds {
    Seconds(u64::try_from((then - now).num_seconds()).unwrap_or_default())
}

/// A time in its two largest units.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0;
        match (seconds / 86_400, seconds / 3_600, seconds / 60) {
            (0, 0, 0) => write!(out, "{seconds} s"),
            (0, 0, minutes) => write!(out, "{minutes} min {} s", seconds % 60),
            (0, hours, _) => write!(out, "{hours} h {} min", seconds / 60 % 60),
            (days, ..) => write!(out, "{days} d {} h", seconds / 3_600 % 24),
        }
    }
}

/// A size in its largest unit, with one decimal.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            (1_u64 << 40, "TiB"),
            (1 << 30, "GiB"),
            (1 << 20, "MiB"),
            (1 << 10, "KiB"),
        ];
        match units.into_iter().find(|(size, _)| self.0 >= *size) {
            Some((size, unit)) => write!(out, "{}.{} {unit}", self.0 / size, self.0 % size / (size / 10 + 1)),
            None => write!(out, "{} B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.4 KiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), expected);
        }
        for (seconds, expected) in [(5, "5 s"), (65, "1 min 5 s"), (3_700, "1 h 1 min"), (90_000, "1 d 1 h")] {
            assert_eq!(Seconds(seconds).to_string(), expected);
        }
        for (hits, others, expected) in [(0, 0, "none yet"), (9, 1, "90 % of 10"), (0, 3, "0 % of 3")] {
            assert_eq!(share(hits, others), expected);
        }
    }
}
