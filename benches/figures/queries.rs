//! Questions that clients ask, at a quarter of a million versions: how many are answered each second, beside what this machine
//! can do at all. Look-ups stand beside nginx, which sends the same bytes from files; searches and scans beside one bare pass
//! over the texts or rows that they are about.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::client::Client;
use super::data_folder;
use super::larder::Larder;
use super::nginx::Nginx;
use super::passes::{Over, Passes};
use super::synthetic::{Package, Random, Size, packages};
use super::table::{self, median};
use super::wrk::{self, Load};

/// How much there is, and how long it is measured.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Versions in all
    #[arg(long, default_value_t = Self::default().versions)]
    versions: u64,
    /// Package ids
    #[arg(long, default_value_t = Self::default().ids)]
    ids: u64,
    /// Rounds, in which larder and its reference take turns
    #[arg(long, default_value_t = Self::default().rounds)]
    rounds: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = Self::default().seconds)]
    seconds: u64,
    /// Keep the data in this folder, and use what lies there
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            versions: 250_000,
            ids: 12_000,
            rounds: 3,
            seconds: 3,
            folder: None,
        }
    }
}

impl Settings {
    /// Returns the usual settings, over data in a folder.
    pub(crate) fn within(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            ..Self::default()
        }
    }
}

const CONNECTIONS: [u32; 2] = [1, 32];

/// How many different look-ups, and how many different searches, are asked in turn.
const LOOK_UPS: usize = 200;
const SEARCHES: usize = 40;

/// What larder is compared with.
enum Reference {
    /// nginx, which sends the answers from files.
    Files,
    /// A pass for each of these needles in turn; rows have none.
    Pass(Over, Vec<String>),
}

/// A kind of question.
struct Question {
    name: &'static str,
    paths: Vec<String>,
    reference: Reference,
}

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    if !wrk::is_here() {
        println!("\nwrk is not installed: questions per second are not measured");
        return Ok(());
    }
    let temporary = tempfile::tempdir()?;
    let folder = settings.folder.as_deref().unwrap_or(temporary.path());
    let size = Size {
        ids: settings.ids,
        versions: settings.versions,
    };
    let packages = packages(size);
    let config = data_folder::prepare(folder, &packages).await?;
    let passes = Passes::read(&folder.join("data")).await?;
    let larder = Larder::start(&config)?;
    let questions = questions(larder.address, &packages)?;
    let files = tempfile::tempdir()?;
    save_answers(files.path(), larder.address, &questions)?;
    let nginx = Nginx::start(files.path())?;
    let bench = Bench {
        settings,
        larder: larder.address,
        nginx: nginx.as_ref().map(|nginx| nginx.address),
        passes: &passes,
        folder: files.path(),
    };
    let mut rows = Vec::new();
    for (number, question) in questions.iter().enumerate() {
        for connections in CONNECTIONS {
            rows.push(bench.measure(number, question, connections)?);
        }
    }
    table::print(
        &format!(
            "questions each second at {} versions of {} ids, medians of {} rounds",
            settings.versions, settings.ids, settings.rounds
        ),
        &[
            "question",
            "connections",
            "larder/s",
            "p50 / p99 ms",
            "reference",
            "reference/s",
            "ratio",
            "mark",
        ],
        &rows,
    );
    if let Some(memory) = larder.memory() {
        println!("\nresident after the questions: {:.0} MiB", memory.resident);
    }
    larder.stop()?;
    Ok(())
}

struct Bench<'a> {
    settings: &'a Settings,
    larder: SocketAddr,
    nginx: Option<SocketAddr>,
    passes: &'a Passes,
    folder: &'a Path,
}

impl Bench<'_> {
    fn measure(&self, number: usize, question: &Question, connections: u32) -> anyhow::Result<Vec<String>> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.settings.rounds {
            ours.push(wrk::load(
                self.folder,
                self.larder,
                &question.paths,
                connections,
                self.settings.seconds,
            )?);
            theirs.extend(self.reference(number, question, connections)?);
        }
        let of = |pick: fn(&Load) -> f64| median(&ours.iter().map(pick).collect::<Vec<_>>());
        let ratios: Vec<f64> = ours
            .iter()
            .zip(&theirs)
            .map(|(ours, theirs)| ours.rate / theirs)
            .collect();
        let (reference, mark) = match &question.reference {
            Reference::Files => ("nginx".to_owned(), 0.5),
            Reference::Pass(over, _) => (self.passes.describe(*over), 0.2),
        };
        let number = |value: f64| format!("{value:.prec$}", prec = usize::from(value < 100.0));
        let compared = |text: String| if theirs.is_empty() { "-".to_owned() } else { text };
        Ok(vec![
            question.name.to_owned(),
            connections.to_string(),
            number(of(|load| load.rate)),
            format!("{:.2} / {:.2}", of(|load| load.p50), of(|load| load.p99)),
            reference,
            compared(number(median(&theirs))),
            compared(format!("{:.2}", median(&ratios))),
            format!(">= {mark}"),
        ])
    }

    /// Returns how often the reference does each second what it does; `None` where nginx is not installed.
    fn reference(&self, number: usize, question: &Question, connections: u32) -> anyhow::Result<Option<f64>> {
        let seconds = self.settings.seconds;
        match (&question.reference, self.nginx) {
            (Reference::Files, None) => Ok(None),
            (Reference::Files, Some(nginx)) => {
                let paths: Vec<String> = (0..question.paths.len())
                    .map(|at| format!("/{number}-{at}.xml"))
                    .collect();
                Ok(Some(wrk::load(self.folder, nginx, &paths, connections, seconds)?.rate))
            }
            (Reference::Pass(over, needles), _) => {
                let processors = std::thread::available_parallelism()?.get();
                let threads = if connections == 1 { 1 } else { processors };
                let time = Duration::from_secs(seconds);
                Ok(Some(self.passes.rate(*over, needles, threads, time)))
            }
        }
    }
}

/// Lays the answers of look-ups where nginx finds them.
fn save_answers(folder: &Path, larder: SocketAddr, questions: &[Question]) -> anyhow::Result<()> {
    let root = folder.join("root");
    std::fs::create_dir(&root)?;
    let mut client = Client::connect(larder)?;
    for (number, question) in questions.iter().enumerate() {
        if matches!(question.reference, Reference::Files) {
            for (at, path) in question.paths.iter().enumerate() {
                std::fs::write(root.join(format!("{number}-{at}.xml")), client.get(path)?)?;
            }
        }
    }
    Ok(())
}

fn questions(larder: SocketAddr, packages: &[Package]) -> anyhow::Result<Vec<Question>> {
    let mut random = Random::new(7);
    let mut questions = look_ups(packages, &mut random)?;
    questions.extend(searches(packages, &mut random)?);
    let by_downloads = "/api/v2/Packages()?$orderby=DownloadCount%20desc".to_owned();
    let hundredth = page(larder, &by_downloads, 100)?;
    for (name, path) in [
        ("$orderby=DownloadCount desc, first page", by_downloads),
        ("$orderby=DownloadCount desc, hundredth page", hundredth),
        ("$count", "/api/v2/Packages()/$count".to_owned()),
    ] {
        questions.push(Question {
            name,
            paths: vec![path],
            reference: Reference::Pass(Over::Rows, vec![String::new()]),
        });
    }
    Ok(questions)
}

fn look_ups(packages: &[Package], random: &mut Random) -> anyhow::Result<Vec<Question>> {
    let of_twenty: Vec<&Package> = packages.iter().filter(|package| package.versions.len() == 20).collect();
    let (mut keys, mut lists, mut latest, mut chains) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for at in 0..LOOK_UPS {
        let package = random.pick(packages).context("there are no packages")?;
        let version = random.pick(&package.versions).context("a package has no version")?;
        keys.push(format!("/api/v2/Packages(Id='{}',Version='{version}')", package.id));
        let package = random.pick(&of_twenty).context("no package has twenty versions")?;
        lists.push(format!("/api/v2/FindPackagesById()?id='{}'", package.id));
        let package = random.pick(packages).context("there are no packages")?;
        let id = package.id.to_lowercase();
        latest.push(format!(
            "/api/v2/Packages()?$filter=(tolower(Id)%20eq%20'{id}')%20and%20IsLatestVersion"
        ));
        if at % 10 == 0 {
            let ids: Vec<String> = (0..200)
                .filter_map(|_| random.pick(packages))
                .map(|package| format!("tolower(Id)%20eq%20'{}'", package.id.to_lowercase()))
                .collect();
            chains.push(format!(
                "/api/v2/Packages()?$filter=({})%20and%20IsLatestVersion",
                ids.join("%20or%20")
            ));
        }
    }
    let question = |name, paths| Question {
        name,
        paths,
        reference: Reference::Files,
    };
    Ok(vec![
        question("key form", keys),
        question("FindPackagesById, 20 versions", lists),
        question("tolower(Id) eq .. and IsLatestVersion", latest),
        question("200 ids joined by or", chains),
    ])
}

fn searches(packages: &[Package], random: &mut Random) -> anyhow::Result<Vec<Question>> {
    let (mut common, mut rare, mut phrases) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SEARCHES {
        common.push(random.word().to_lowercase());
        let package = random.pick(packages).context("there are no packages")?;
        rare.push(package.id.to_lowercase());
        let mut phrase = || format!("{} {} {}", random.word(), random.word(), random.word()).to_lowercase();
        phrases.push([phrase(), phrase(), phrase()]);
    }
    let search = |term: &String| {
        format!(
            "/api/v2/Search()?$filter=IsLatestVersion&$skip=0&$top=30&searchTerm='{term}'&targetFramework=''&includePrerelease=false"
        )
    };
    let filter = |phrases: &[String; 3]| {
        let parts = phrases.iter().map(|phrase| phrase.replace(' ', "%20"));
        let parts: Vec<String> = parts
            .map(|phrase| format!("substringof('{phrase}',tolower(Description))"))
            .collect();
        // Whoever wants to know how many there are has all of them looked at.
        format!(
            "/api/v2/Packages()?$filter={}&$top=30&$inlinecount=allpages",
            parts.join("%20or%20")
        )
    };
    Ok(vec![
        Question {
            name: "Search, a common word",
            paths: common.iter().map(search).collect(),
            reference: Reference::Pass(Over::SearchedTexts, common),
        },
        Question {
            name: "Search, a word that one id has",
            paths: rare.iter().map(search).collect(),
            reference: Reference::Pass(Over::SearchedTexts, rare),
        },
        Question {
            name: "three substringof over descriptions, counted",
            paths: phrases.iter().map(filter).collect(),
            reference: Reference::Pass(Over::Descriptions, phrases.into_iter().flatten().collect()),
        },
    ])
}

/// Follows next links to a page, counted from 1, and returns its path.
fn page(larder: SocketAddr, first: &str, number: u32) -> anyhow::Result<String> {
    let mut client = Client::connect(larder)?;
    let mut path = first.to_owned();
    for _ in 1..number {
        let body = String::from_utf8(client.get(&path)?.to_vec())?;
        let link = body
            .rsplit_once("<link rel=\"next\" href=\"")
            .context("there is no further page")?
            .1;
        let link = link.split('"').next().unwrap_or_default().replace("&amp;", "&");
        let (_, rest) = link.split_once("://").context("the next link is no URL")?;
        rest.find('/')
            .and_then(|at| rest.get(at..))
            .context("the next link has no path")?
            .clone_into(&mut path);
    }
    Ok(path)
}
