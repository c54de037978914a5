//! A day of a company: many machines that install, look for updates and upgrade through one larder, as choco does, from a
//! community repository that counts. It never sees its rules broken, nothing is asked twice, and no machine fails.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use larder::clock::ManualClock;
use larder::nuget::{NuGetVersion, PackageId, VersionRange};

use crate::support::app::TestApp;
use crate::support::community::{CommunityFeed, read_nuspec};
use crate::support::corpus;
use crate::support::feed::{Entry, Feed};
use crate::support::gallery::{sha512, upstream_at};
use crate::support::nupkg::{Nupkg, Packed, pack_corpus};
use crate::support::random::{Random, number_from};

/// What a machine is set up with, beside choco itself.
const PACKAGES_OF_A_MACHINE: usize = 6;

/// How far the day goes on in each step of the clock, and how long a step takes.
const STEP: Duration = Duration::from_secs(1);
const STEP_TAKES: Duration = Duration::from_millis(10);

/// What is known of a package is fresh for ten minutes, give or take a tenth.
const FRESH: Duration = Duration::from_secs(540);

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_a_company() {
    let Some(folder) = corpus::folder("packages") else {
        return;
    };
    let (count, packages) = (
        number_from("LARDER_DAY_MACHINES", 40),
        number_from("LARDER_DAY_PACKAGES", 60),
    );
    let midnight = ManualClock::at("2026-03-02T00:00:00Z".parse().expect("a time"));
    let community = CommunityFeed::start(midnight.clock()).await;
    let mut random = Random::seeded();
    stock(&community, pack_corpus(&folder));
    let mut ids = community.released();
    while ids.len() > packages {
        ids.swap_remove(random.below(ids.len()));
    }
    let mut app = TestApp::start_by(midnight, &configuration(&community)).await;
    let hand = Hand::of(app.clock.clone());
    let company = Company {
        app: &app,
        requests: AtomicUsize::new(0),
    };

    // At night one machine installs all that the company uses, one package after the other: none of them is here yet.
    let mut first = Machine::default();
    company.set_up(&mut first, &ids).await;

    // In the morning all machines are set up at once.
    let wishes = |_| (0..PACKAGES_OF_A_MACHINE).map(|_| random.pick(&ids).clone()).collect();
    let wishes: Vec<Vec<String>> = (0..count).map(wishes).collect();
    let set_up = |wishes| {
        let company = &company;
        async move {
            let mut machine = Machine::default();
            company.set_up(&mut machine, wishes).await;
            machine
        }
    };
    let mut machines = join_all(wishes.iter().map(|wishes: &Vec<String>| set_up(wishes))).await;
    machines.push(first);

    // By noon some packages have new versions, and in the course of 20 minutes each machine upgrades what it has. Then all see them.
    let renewed: Vec<String> = (0..10).map(|_| random.pick(&ids).clone()).collect();
    for id in &renewed {
        community.publish(Nupkg::new(id, "9999.1.0").pack());
    }
    let clock = app.clock.clock();
    let moments: Vec<Duration> = machines
        .iter()
        .map(|_| MINUTE * u32::try_from(random.below(20)).expect("small"))
        .collect();
    let upgrade_at = |(machine, moment)| {
        let (company, clock) = (&company, &clock);
        async move {
            clock.sleep(moment).await;
            company.upgrade(machine).await;
        }
    };
    join_all(machines.iter_mut().zip(moments).map(upgrade_at)).await;
    app.clock.advance(120 * MINUTE);
    join_all(machines.iter_mut().map(|machine| company.upgrade(machine))).await;
    for (number, machine) in machines.iter().enumerate() {
        for id in &renewed {
            if let Some(version) = machine.installed.get(id) {
                assert_eq!(version, "9999.1.0", "machine {number} has an old {id}");
            }
        }
    }
    let seen = community.requests();
    nothing_twice(&seen);
    assert_eq!(community.offences(), Vec::<String>::new());

    // In the evening the line is down: a machine that is set up anew gets what others have, and upgrades find nothing new.
    community.stop().await;
    app.clock.advance(60 * MINUTE);
    let mut spare = Machine::default();
    let wishes: Vec<String> = machines[0].installed.keys().cloned().collect();
    company.set_up(&mut spare, &wishes).await;
    assert_eq!(spare.installed, machines[0].installed);
    join_all(machines.iter_mut().map(|machine| company.upgrade(machine))).await;

    let requests = company.requests.load(Ordering::Relaxed);
    println!(
        "{count} machines, {} packages, {requests} requests; the repository saw {}: {} for a thousand",
        ids.len(),
        seen.len(),
        seen.len() * 1000 / requests
    );
    drop(hand);
    app.stop().await;
}

fn configuration(community: &CommunityFeed) -> String {
    format!(
        "{}[upstream.limits]\npreset = \"community\"\n[[feed]]\nname = \"choco\"\nupstreams = [\"community\"]\n",
        upstream_at("community", &community.root()),
    )
}

/// Moves a clock on, faster than time goes, until it is dropped.
struct Hand(tokio::task::JoinHandle<()>);

impl Hand {
    fn of(clock: ManualClock) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(STEP_TAKES).await;
                clock.advance(STEP);
            }
        }))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Publishes packages, and whatever they depend on.
fn stock(community: &CommunityFeed, packages: Vec<Packed>) {
    let mut wanted: Vec<(String, String)> = vec![("chocolatey".to_owned(), "2.3.0".to_owned())];
    // One real nuspec is a template, with an id that no gallery would take.
    let is_id = |id: &str| id.parse::<PackageId>().is_ok();
    for package in packages.into_iter().filter(|package| is_id(&package.id)) {
        let dependencies = read_nuspec(&package).dependencies;
        wanted.extend(dependencies.iter().map(|dependency| {
            let (id, range) = dependency.split_once(':').unwrap_or((dependency, ""));
            let lowest = range
                .trim_matches(['[', ']', '(', ')'])
                .split(',')
                .next()
                .unwrap_or_default()
                .trim();
            (
                id.to_owned(),
                if lowest.is_empty() { "1.0.0" } else { lowest }.to_owned(),
            )
        }));
        community.publish(package);
    }
    for (id, version) in wanted {
        community.publish(Nupkg::new(&id, &version).pack());
    }
}

/// Fails where the repository was asked for a package twice, or for anything again while what it said was fresh.
fn nothing_twice(requests: &[(Instant, String)]) {
    let mut last: BTreeMap<&str, Instant> = BTreeMap::new();
    for (at, target) in requests {
        if let Some(before) = last.insert(target, *at) {
            let between = *at - before;
            let is_metadata = !target.contains("/package/");
            assert!(is_metadata && between >= FRESH, "{target} again after {between:?}");
        }
    }
}

/// What a machine has: ids in lower case, and versions.
#[derive(Default)]
struct Machine {
    installed: BTreeMap<String, String>,
}

/// All machines together.
struct Company<'a> {
    app: &'a TestApp,
    requests: AtomicUsize,
}

impl Company<'_> {
    /// Installs packages, as one `choco install` after the other.
    async fn set_up(&self, machine: &mut Machine, ids: &[String]) {
        self.install(machine, "chocolatey").await;
        for id in ids {
            self.install(machine, id).await;
        }
    }

    /// `choco upgrade all`: the newest version of everything, installed where it is another one.
    async fn upgrade(&self, machine: &mut Machine) {
        self.greet().await;
        for id in machine.installed.keys().cloned().collect::<Vec<_>>() {
            let newest = self.newest(&id).await;
            if machine.installed.get(&id) != Some(&newest.version) {
                self.install_entry(machine, newest).await;
            }
        }
    }

    async fn install(&self, machine: &mut Machine, id: &str) {
        self.greet().await;
        if !machine.installed.contains_key(&id.to_lowercase()) {
            let newest = self.newest(id).await;
            self.install_entry(machine, newest).await;
        }
    }

    /// Installs a version, and before it what it depends on and the machine has not.
    async fn install_entry(&self, machine: &mut Machine, entry: Entry) {
        let mut open = vec![entry];
        while let Some(entry) = open.pop() {
            let (id, version) = (&entry.title, &entry.version);
            let told = self
                .feed(&format!("/api/v2/Packages(Id='{id}',Version='{version}')"))
                .await;
            assert_eq!(told.entries.len(), 1, "{id} {version}");
            let bytes = self.get(&entry.download_url).await;
            assert_eq!(sha512(&bytes), entry.hash, "{id} {version}");
            machine.installed.insert(id.to_lowercase(), version.clone());
            for dependency in entry
                .dependencies
                .split('|')
                .filter(|dependency| !dependency.is_empty())
            {
                let (id, range) = dependency.split_once(':').unwrap_or((dependency, ""));
                if !machine.installed.contains_key(&id.to_lowercase()) {
                    open.push(self.dependency(id, range.trim_end_matches(':')).await);
                }
            }
        }
    }

    /// Finds the version of a dependency that choco would install.
    async fn dependency(&self, id: &str, range: &str) -> Entry {
        let feed = self
            .feed(&format!("/api/v2/FindPackagesById()?id='{id}'&semVerLevel=2.0.0"))
            .await;
        let range: VersionRange = if range.is_empty() { "0.0" } else { range }.parse().expect("a range");
        let version = |entry: &Entry| entry.version.parse::<NuGetVersion>().expect("a version");
        let fitting = feed
            .entries
            .into_iter()
            .filter(|entry| range.satisfies(&version(entry)));
        let highest = fitting.max_by(|one, other| version(one).cmp(&version(other)));
        highest.unwrap_or_else(|| panic!("no version of {id} in {range}"))
    }

    /// Finds the newest version as choco 2 does for install, outdated and upgrade.
    async fn newest(&self, id: &str) -> Entry {
        let filter = format!("(tolower(Id)%20eq%20'{}')%20and%20IsLatestVersion", id.to_lowercase());
        let feed = self
            .feed(&format!("/api/v2/Packages()?$filter={filter}&semVerLevel=2.0.0"))
            .await;
        assert_eq!(feed.entries.len(), 1, "{id}: {:?}", feed.names());
        feed.entries.into_iter().next().expect("one entry")
    }

    /// What each choco process asks first.
    async fn greet(&self) {
        self.get("/api/v2/").await;
        self.get("/api/v2/$metadata").await;
    }

    async fn feed(&self, target: &str) -> Feed {
        Feed::parse(&String::from_utf8_lossy(&self.get(target).await))
    }

    /// Gets what must be there.
    async fn get(&self, target: &str) -> Vec<u8> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let target = target.strip_prefix(&self.app.url("")).unwrap_or(target);
        self.app.get(target).await.expect_status(200).body.to_vec()
    }
}
