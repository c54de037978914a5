//! How often and how much at once an upstream may be asked: its buckets and its places. Pure: the time is an argument.

use std::time::{Duration, Instant};

use super::bucket::Bucket;
use crate::nuget::PackageId;
use crate::upstream::status::{BucketStatus, PerPriority};
use crate::upstream::urgency::Priority;

/// How often and how much at once one upstream may be asked, and how long that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaceSettings {
    /// Requests in any one minute, downloads among them; 0 for any number.
    pub requests_per_minute: u32,
    /// Downloads of packages in any one minute, without those below; 0 for any number.
    pub downloads_per_minute: u32,
    /// Downloads in any one minute of packages that have a limit of their own; 0 for any number.
    pub packages: Vec<(PackageId, u32)>,
    /// Requests that run at once, 1 at least; a download runs until its last byte.
    pub concurrency: u32,
    /// The longest that a client is kept waiting for its turn.
    pub longest_wait: Duration,
}

impl Default for PaceSettings {
    fn default() -> Self {
        Self {
            requests_per_minute: 0,
            downloads_per_minute: 0,
            packages: Vec::new(),
            concurrency: 8,
            longest_wait: Duration::from_secs(20),
        }
    }
}

/// What a request takes a share of, besides the number of all requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// Nothing.
    Feed,
    /// The downloads.
    Download,
    /// The downloads of the one package that has this place in the list of those with a limit of their own.
    Package(usize),
}

/// How many requests each bucket is to give, by its place in [`Pace::buckets`].
pub(super) type Counts = Vec<u32>;

/// The buckets and places of one upstream.
#[derive(Debug)]
pub(super) struct Pace {
    /// The names of the limits, and the limits where there are any: all requests, downloads, and packages in their order.
    buckets: Vec<(String, Option<Bucket>)>,
    concurrency: u32,
    running: PerPriority,
    downloads: u32,
}

const REQUESTS: usize = 0;
const DOWNLOADS: usize = 1;
const PACKAGES: usize = 2;

impl Pace {
    pub(super) fn new(settings: &PaceSettings, now: Instant) -> Self {
        let bucket = |name: &str, per_minute: u32| {
            let bucket = (per_minute > 0).then(|| Bucket::new(per_minute, now));
            (name.to_owned(), bucket)
        };
        let mut buckets = vec![
            bucket("requests", settings.requests_per_minute),
            bucket("downloads", settings.downloads_per_minute),
        ];
        let packages = settings.packages.iter();
        buckets.extend(packages.map(|(id, per_minute)| bucket(id.lower(), *per_minute)));
        Self {
            buckets,
            concurrency: settings.concurrency.max(1),
            running: PerPriority::default(),
            downloads: 0,
        }
    }

    /// Begins to count requests for each bucket.
    pub(super) fn no_counts(&self) -> Counts {
        vec![0; self.buckets.len()]
    }

    /// Counts a request for its buckets.
    pub(super) fn count(share: Share, counts: &mut Counts) {
        for place in places(share) {
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
    }

    /// Returns how long it takes until a request of that priority may go by the buckets.
    pub(super) fn wait(&self, share: Share, priority: Priority, now: Instant) -> Duration {
        let waits = self.limits(share).map(|(_, _, bucket)| {
            let reserve = bucket.reserve(priority as u32);
            bucket.wait(now, 1, reserve)
        });
        waits.max().unwrap_or_default()
    }

    /// Returns how long it takes until the most urgent request may go by the buckets behind those that were counted, and the
    /// limit that it waits for longest.
    pub(super) fn wait_behind(&self, share: Share, ahead: &Counts, now: Instant) -> (Duration, Option<Limit>) {
        let waits = self.limits(share).map(|(place, name, bucket)| {
            let ahead = ahead.get(place).copied().unwrap_or_default();
            let limit = Limit {
                name: name.to_owned(),
                per_minute: bucket.per_minute(),
            };
            (bucket.wait(now, ahead.saturating_add(1), 0), Some(limit))
        });
        waits.max_by_key(|(wait, _)| *wait).unwrap_or_default()
    }

    /// Returns whether there is a place for a request. Those that can wait leave a fourth of the places to clients; downloads, which
    /// run for long, leave one to all else.
    pub(super) fn has_place(&self, share: Share, priority: Priority) -> bool {
        let reserve = if priority == Priority::Client {
            0
        } else {
            self.concurrency / 4
        };
        let for_downloads = self.concurrency.saturating_sub(1).max(1);
        self.total() < self.concurrency - reserve && (share == Share::Feed || self.downloads < for_downloads)
    }

    /// Takes a place and the tokens of a request.
    pub(super) fn begin(&mut self, share: Share, priority: Priority, now: Instant) {
        for place in places(share) {
            if let Some((_, Some(bucket))) = self.buckets.get_mut(place) {
                bucket.take(now);
            }
        }
        *running(&mut self.running, priority) += 1;
        self.downloads += u32::from(share != Share::Feed);
    }

    /// Takes the token of one more request, such as a redirect leads to; returns how long it takes until it may go.
    pub(super) fn take_one_more(&mut self, now: Instant) -> Duration {
        match self.buckets.get_mut(REQUESTS) {
            Some((_, Some(bucket))) => bucket.take(now),
            _ => Duration::ZERO,
        }
    }

    /// Gives the place of a request back.
    pub(super) fn end(&mut self, share: Share, priority: Priority) {
        let running = running(&mut self.running, priority);
        *running = running.saturating_sub(1);
        self.downloads = self.downloads.saturating_sub(u32::from(share != Share::Feed));
    }

    /// Gives the tokens of a request back that was not sent.
    pub(super) fn put_back(&mut self, share: Share) {
        for place in places(share) {
            if let Some((_, Some(bucket))) = self.buckets.get_mut(place) {
                bucket.put_back();
            }
        }
    }

    pub(super) fn concurrency(&self) -> u32 {
        self.concurrency
    }

    pub(super) fn running(&self) -> PerPriority {
        self.running
    }

    pub(super) fn status(&self, now: Instant) -> Vec<BucketStatus> {
        let status = |(name, bucket): &(String, Option<Bucket>)| {
            let bucket = bucket.as_ref()?;
            Some(BucketStatus {
                name: name.clone(),
                per_minute: bucket.per_minute(),
                left: bucket.left(now),
            })
        };
        self.buckets.iter().filter_map(status).collect()
    }

    fn total(&self) -> u32 {
        let PerPriority {
            client,
            revalidation,
            prefetch,
            sync,
        } = self.running;
        client + revalidation + prefetch + sync
    }

    fn limits(&self, share: Share) -> impl Iterator<Item = (usize, &str, &Bucket)> {
        places(share).filter_map(|place| {
            let (name, bucket) = self.buckets.get(place)?;
            Some((place, name.as_str(), bucket.as_ref()?))
        })
    }
}

/// A limit, for whoever is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) per_minute: u32,
}

/// Returns the places of the buckets that a request takes from.
fn places(share: Share) -> impl Iterator<Item = usize> {
    let own = match share {
        Share::Feed => None,
        Share::Download => Some(DOWNLOADS),
        Share::Package(place) => Some(PACKAGES + place),
    };
    [REQUESTS].into_iter().chain(own)
}

/// Returns the number of one class.
pub(super) fn running(numbers: &mut PerPriority, priority: Priority) -> &mut u32 {
    match priority {
        Priority::Client => &mut numbers.client,
        Priority::Revalidation => &mut numbers.revalidation,
        Priority::Prefetch => &mut numbers.prefetch,
        Priority::Sync => &mut numbers.sync,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> PaceSettings {
        PaceSettings {
            requests_per_minute: 60,
            downloads_per_minute: 20,
            packages: vec![("Chocolatey".parse().unwrap(), 4), ("git".parse().unwrap(), 0)],
            ..PaceSettings::default()
        }
    }

    #[test]
    fn packages_with_a_limit_of_their_own_stand_apart() {
        let now = Instant::now();
        let mut pace = Pace::new(&settings(), now);
        let left = |pace: &Pace| -> Vec<_> { pace.status(now).iter().map(|bucket| bucket.left).collect() };
        let names: Vec<_> = pace.status(now).into_iter().map(|bucket| bucket.name).collect();
        assert_eq!(names, ["requests", "downloads", "chocolatey"]);
        assert_eq!(left(&pace), [1, 1, 1]);
        pace.begin(Share::Package(0), Priority::Client, now);
        assert_eq!(left(&pace), [0, 1, 0]);
        let (wait, limit) = pace.wait_behind(Share::Package(0), &pace.no_counts(), now);
        assert_eq!((wait.as_secs(), limit.unwrap().name.as_str()), (20, "chocolatey"));
        // What was not sent counts nowhere.
        pace.put_back(Share::Package(0));
        pace.begin(Share::Download, Priority::Client, now);
        assert_eq!(left(&pace), [0, 0, 1]);
        pace.put_back(Share::Download);
        // A limit of nothing is none.
        pace.begin(Share::Package(1), Priority::Client, now);
        assert_eq!(left(&pace), [0, 1, 1]);
    }

    #[test]
    fn those_ahead_are_waited_for() {
        let now = Instant::now();
        let pace = Pace::new(&settings(), now);
        let mut ahead = pace.no_counts();
        Pace::count(Share::Feed, &mut ahead);
        Pace::count(Share::Download, &mut ahead);
        let wait = |share| pace.wait_behind(share, &ahead, now).0.as_millis();
        assert_eq!(wait(Share::Feed), 2666);
        assert_eq!(wait(Share::Download), 4000);
    }

    #[test]
    fn places_are_kept_for_those_in_a_hurry() {
        let now = Instant::now();
        let mut pace = Pace::new(&PaceSettings::default(), now);
        for _ in 0..6 {
            assert!(pace.has_place(Share::Download, Priority::Sync));
            pace.begin(Share::Download, Priority::Sync, now);
        }
        for priority in [Priority::Revalidation, Priority::Prefetch, Priority::Sync] {
            assert!(!pace.has_place(Share::Feed, priority));
        }
        assert!(pace.has_place(Share::Download, Priority::Client));
        pace.begin(Share::Download, Priority::Client, now);
        assert!(!pace.has_place(Share::Download, Priority::Client));
        assert!(pace.has_place(Share::Feed, Priority::Client));
        pace.begin(Share::Feed, Priority::Client, now);
        assert!(!pace.has_place(Share::Feed, Priority::Client));
        pace.end(Share::Download, Priority::Sync);
        assert!(pace.has_place(Share::Download, Priority::Client));
        let one = PaceSettings {
            concurrency: 1,
            ..PaceSettings::default()
        };
        let mut pace = Pace::new(&one, now);
        assert!(pace.has_place(Share::Download, Priority::Sync));
        pace.begin(Share::Download, Priority::Sync, now);
        assert!(!pace.has_place(Share::Feed, Priority::Client));
    }
}
