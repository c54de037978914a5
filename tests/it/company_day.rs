//! A day of a company: many machines that install, look for updates and upgrade through one larder, as choco does, from a
//! community repository that counts. It never sees its rules broken, nothing is asked twice, and no machine fails.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use larder::nuget::{NuGetVersion, PackageId, VersionRange};

use crate::support::app::TestApp;
use crate::support::community::{CommunityFeed, DownloadRules, read_nuspec};
use crate::support::corpus;
use crate::support::feed::{Entry, Feed};
use crate::support::gallery::{sha512, upstream_at};
use crate::support::nupkg::{Nupkg, Packed, pack_corpus};
use crate::support::random::{Random, number_from};

/// The repository's minute; what it allows in one holds for any.
const MINUTE: Duration = Duration::from_secs(1);

/// What the community repository allows in a minute.
const RULES: DownloadRules = DownloadRules {
    minute: MINUTE,
    of_chocolatey: 5,
    of_others: 20,
};

/// What each machine has to begin with: what choco itself needs, and some others.
const PACKAGES_OF_A_MACHINE: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_a_company() {
    let Some(folder) = corpus::folder("packages") else {
        return;
    };
    let community = CommunityFeed::start(RULES).await;
    stock(&community, pack_corpus(&folder));
    let (ids, versions) = community.size();
    assert!(ids >= 250 && versions > ids, "{ids} ids, {versions} versions");

    let app = TestApp::start(&configuration(&community)).await;
    let company = Company {
        app: &app,
        requests: AtomicUsize::new(0),
    };
    let mut random = Random::seeded();
    let count = number_from("LARDER_DAY_MACHINES", 40);
    let mut machines: Vec<Machine> = (0..count).map(|_| Machine::default()).collect();

    // In the morning every machine is set up.
    let ids = community.released();
    let wishes: Vec<Vec<&String>> = machines
        .iter()
        .map(|_| (0..PACKAGES_OF_A_MACHINE).map(|_| random.pick(&ids)).collect())
        .collect();
    let work = machines.iter_mut().zip(&wishes);
    join_all(work.map(|(machine, wishes)| company.set_up(machine, wishes))).await;
    let morning = community.take_targets();
    nothing_twice(&morning);

    // For the next hour everything is known.
    join_all(machines.iter_mut().map(|machine| company.upgrade(machine))).await;
    assert_eq!(
        community.take_targets(),
        Vec::<String>::new(),
        "what is fresh is not asked for"
    );

    // At noon some packages have new versions, and each machine upgrades what it has.
    let renewed: Vec<String> = (0..10).map(|_| random.pick(&ids).clone()).collect();
    for id in &renewed {
        community.publish(Nupkg::new(id, "9999.1.0").pack());
    }
    app.clock.advance(Duration::from_secs(6 * 3600));
    join_all(machines.iter_mut().map(|machine| company.upgrade(machine))).await;
    nothing_twice(&community.take_targets());
    for (number, machine) in machines.iter().enumerate() {
        for id in &renewed {
            if let Some(version) = machine.installed.get(&id.to_lowercase()) {
                assert_eq!(version, "9999.1.0", "machine {number} has an old {id}");
            }
        }
    }
    assert_eq!(community.offences(), Vec::<String>::new());

    // In the afternoon the line is down: machines that are set up anew get what others have, and upgrades find nothing new.
    community.stop().await;
    app.clock.advance(Duration::from_secs(4 * 3600));
    join_all(machines.iter_mut().map(|machine| company.upgrade(machine))).await;
    let mut spare = Machine::default();
    let wishes: Vec<String> = machines[0].installed.keys().cloned().collect();
    company.set_up(&mut spare, &wishes.iter().collect::<Vec<_>>()).await;
    assert_eq!(spare.installed, machines[0].installed);

    let requests = company.requests.load(Ordering::Relaxed);
    println!(
        "{count} machines, {requests} requests; the repository saw {} in the morning: {} for a thousand",
        morning.len(),
        morning.len() * 1000 / requests
    );
}

fn configuration(community: &CommunityFeed) -> String {
    // The repository's minute is shorter than the clock's, and so are the limits.
    let per_minute = |allowed: usize| allowed * 60 / usize::try_from(MINUTE.as_secs()).expect("a short minute");
    format!(
        "{}[upstream.limits]\ndownloads_per_minute = {}\npackages = {{ chocolatey = {} }}\n[[feed]]\nname = \"choco\"\nupstreams = [\"community\"]\n",
        upstream_at("community", &community.root()),
        per_minute(RULES.of_others),
        per_minute(RULES.of_chocolatey),
    )
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

/// Fails where the repository was asked for one thing more than once.
fn nothing_twice(targets: &[String]) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for target in targets {
        *counts.entry(target).or_default() += 1;
    }
    counts.retain(|_, count| *count > 1);
    assert!(counts.is_empty(), "asked for more than once: {counts:#?}");
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
    async fn set_up(&self, machine: &mut Machine, ids: &[&String]) {
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
