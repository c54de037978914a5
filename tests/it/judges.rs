//! What real NuGet libraries and clients make of a feed: every kind of answer and every search option, read by somebody who
//! has not read this server's code.

use serde_json::Value;

use crate::support::clients::{Clients, Home};
use crate::support::judges::Judges;
use crate::support::larder::{ADMIN_KEY, LarderProcess};
use crate::support::nupkg::{Nupkg, Packed};
use crate::support::process::Ran;
use crate::support::raw_http;

const FEED: &str = r#"[server]
page_size = 7

[[feed]]
name = "judged"
default = true
"#;

/// A feed in which every word of a question matters: ids within ids, tags that are words of other ids, unlisted, prerelease
/// and SemVer 2 versions, characters that XML and addresses must escape.
fn packages() -> Vec<Packed> {
    let mut packages = vec![
        Nupkg::new("git", "1.9.5")
            .tags("vcs scm")
            .description("Version control & <more>"),
        Nupkg::new("git", "2.10.0")
            .tags("vcs scm")
            .depends_on("git.install", "[2.10.0]"),
        Nupkg::new("git", "2.9.0").tags("vcs scm"),
        Nupkg::new("git", "2.11.0-beta1").tags("vcs scm"),
        Nupkg::new("git", "2.12.0")
            .tags("vcs scm")
            .description("unlisted later"),
        Nupkg::new("git.install", "2.10.0").tags("vcs"),
        Nupkg::new("GitVersion", "5.0.0").tags("git versioning"),
        Nupkg::new("GitVersion", "5.0.1-rc.1").tags("git versioning"),
        Nupkg::new("legit", "0.1")
            .tags("audio")
            .description("has no version control"),
        Nupkg::new("beta-only", "1.0.0-alpha").tags("vcs"),
        Nupkg::new("totalcommander", "9.00.01").tags("files"),
        Nupkg::new("semver.two", "1.0.0+build.7").tags("semver"),
        Nupkg::new("oreilly", "1.0").description("O'Reilly \u{fc}ber 100% of 'it'"),
    ];
    packages.extend((0..20).map(|n| Nupkg::new(&format!("many.{n:02}"), "1.0.0").tags("many")));
    packages.into_iter().map(Nupkg::pack).collect()
}

fn judged() -> LarderProcess {
    let larder = LarderProcess::start(FEED);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for package in packages() {
        package.write_to(folder.path());
    }
    larder.import(&[folder.path()]).expect_success();
    let mut connection = raw_http::Connection::open(larder.authority());
    let head = format!("Host: {}\r\nX-NuGet-ApiKey: {ADMIN_KEY}", larder.authority());
    connection.send(format!("DELETE /api/v2/package/git/2.12.0 HTTP/1.1\r\n{head}\r\n\r\n").as_bytes());
    assert!((200..300).contains(&connection.answer("DELETE").status));
    larder
}

/// `id version` of each package, joined; the whole answer where it is no list of packages.
fn names(answer: &Value) -> String {
    let name = |package: &Value| {
        Some(format!(
            "{} {}",
            package.get("id")?.as_str()?,
            package.get("version")?.as_str()?
        ))
    };
    match answer
        .as_array()
        .map(|packages| packages.iter().map(name).collect::<Option<Vec<_>>>())
    {
        Some(Some(names)) if !names.is_empty() => names.join("; "),
        _ => answer.to_string(),
    }
}

/// The answer's packages of the ids that stand first in the fixture, those of the long tail left out.
fn without_many(names: &str) -> String {
    let kept: Vec<&str> = names.split("; ").filter(|name| !name.starts_with("many.")).collect();
    kept.join("; ")
}

const ALL_OF_GIT: &str = "git 2.12.0; git 2.11.0-beta1; git 2.10.0; git 2.9.0; git 1.9.5";
const STABLE_ONE: &str =
    "git 2.10.0; git.install 2.10.0; GitVersion 5.0.0; legit 0.1.0; oreilly 1.0.0; totalcommander 9.0.1";

#[test]
fn nuget_protocol_reads_every_kind_of_answer() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let larder = judged();
    let cases: &[(&str, &str)] = &[
        ("capabilities", r#"{"absolute":true,"search":true}"#),
        // Lists and entries by their addresses; all pages are followed.
        ("read\tFindPackagesById()?id='GIT'&semVerLevel=2.0.0", ALL_OF_GIT),
        ("read\tFindPackagesById()?id='nosuchpackage'", "[]"),
        ("read\tPackages(Id='git',Version='2.9')", "git 2.9.0"),
        (
            "read\tPackages(Id='TotalCommander',Version='9.0.1')",
            "totalcommander 9.0.1",
        ),
        (
            "read\tPackages()?$filter=(tolower(Id) eq 'git') and IsLatestVersion",
            "git 2.10.0",
        ),
        (
            "read\tPackages()?$filter=(tolower(Id) eq 'git') and IsAbsoluteLatestVersion",
            "git 2.11.0-beta1",
        ),
        (
            "read\tPackages()?$filter=substringof('git',Tags)&semVerLevel=2.0.0",
            "GitVersion 5.0.1-rc.1; GitVersion 5.0.0",
        ),
        (
            "read\tPackages()?$filter=Version gt '2.9' and Id eq 'git'&$orderby=Version",
            "git 2.10.0; git 2.11.0-beta1; git 2.12.0",
        ),
        (
            "read\tPackages()?$filter=Id eq 'git'&$select=Id,Version&$top=2",
            "git 2.12.0; git 2.11.0-beta1",
        ),
        // Resources, as restore, install and Visual Studio use them.
        ("versions\tgit", r#"["2.12.0","2.11.0-beta1","2.10.0","2.9.0","1.9.5"]"#),
        ("versions\tGitVersion", r#"["5.0.1-rc.1","5.0.0"]"#),
        ("versions\tsemver.two", r#"["1.0.0"]"#),
        ("versions\tnosuchpackage", "[]"),
        (
            "dependencies\tgit\t2.10.0\tnet45",
            r#"["git.install [2.10.0, 2.10.0]"]"#,
        ),
        ("dependencies\tgit\t9.9.9\tnet45", "null"),
        ("metadata\tgit\ttrue\ttrue", ALL_OF_GIT),
        ("metadata\tgit\tfalse\tfalse", "git 2.10.0; git 2.9.0; git 1.9.5"),
        // Completion in Visual Studio's console.
        ("ids\tgit\tfalse", r#"["git","git.install","GitVersion"]"#),
        ("ids\tbeta\tfalse", "[]"),
        ("ids\tbeta\ttrue", r#"["beta-only"]"#),
        ("completions\tgit\t2.\tfalse", r#"["2.9.0","2.10.0"]"#),
        (
            "completions\tgit\t\ttrue",
            r#"["1.9.5","2.9.0","2.10.0","2.11.0-beta1"]"#,
        ),
        ("completions\tnosuchpackage\t\ttrue", "[]"),
    ];
    let questions: Vec<String> = cases.iter().map(|(question, _)| (*question).to_owned()).collect();
    let judges = Judges::new(&clients);
    let answers = judges.protocol(&larder.feed_url(), &questions);
    agree(
        cases
            .iter()
            .zip(&answers)
            .map(|((question, expected), answer)| (*question, *expected, names(answer))),
    );
}

#[test]
fn nuget_protocol_searches_and_lists_with_every_option() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let larder = judged();
    let many = |from: usize, to: usize| {
        (from..to)
            .map(|n| format!("many.{n:02} 1.0.0"))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let cases = [
        // Term, prereleases, frameworks, skip, take: the best match first.
        (
            "search\tgit\tfalse".to_owned(),
            "git 2.10.0; git.install 2.10.0; GitVersion 5.0.0; legit 0.1.0".to_owned(),
        ),
        (
            "search\tgit\ttrue\tnet45|netstandard2.0".to_owned(),
            "git 2.11.0-beta1; git.install 2.10.0; GitVersion 5.0.1-rc.1; legit 0.1.0".to_owned(),
        ),
        (
            "search\tgit\tfalse\t\t1\t2".to_owned(),
            "git.install 2.10.0; GitVersion 5.0.0".to_owned(),
        ),
        ("search\tmany\tfalse\t\t0\t12".to_owned(), many(0, 12)),
        ("search\tO'Reilly\tfalse".to_owned(), "oreilly 1.0.0".to_owned()),
        ("search\tversion control\tfalse".to_owned(), "legit 0.1.0".to_owned()),
        ("search\tnosuchword\ttrue".to_owned(), "[]".to_owned()),
        // Term, prereleases, all versions, unlisted.
        ("list\tmany\tfalse\tfalse\tfalse".to_owned(), many(0, 20)),
        ("list\tbeta\tfalse\tfalse\tfalse".to_owned(), "[]".to_owned()),
        (
            "list\tbeta\ttrue\tfalse\tfalse".to_owned(),
            "beta-only 1.0.0-alpha".to_owned(),
        ),
        (
            "list\tvcs\ttrue\ttrue\tfalse".to_owned(),
            "beta-only 1.0.0-alpha; git 2.11.0-beta1; git 2.10.0; git 2.9.0; git 1.9.5; git.install 2.10.0".to_owned(),
        ),
    ];
    let questions: Vec<String> = cases.iter().map(|(question, _)| question.clone()).collect();
    let judges = Judges::new(&clients);
    let answers = judges.protocol(&larder.feed_url(), &questions);
    agree(
        cases
            .iter()
            .zip(&answers)
            .map(|((question, expected), answer)| (question.as_str(), expected.as_str(), names(answer))),
    );
}

#[test]
fn nuget_protocol_reads_each_property_and_downloads() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let larder = judged();
    let questions = [
        "read\tPackages(Id='git',Version='1.9.5')",
        "read\tPackages(Id='git',Version='2.12.0')",
        "read\tPackages(Id='oreilly',Version='1.0')",
        "download\tgit\t2.10.0",
        "download\tgit\t9.9.9",
    ]
    .map(str::to_owned);
    let judges = Judges::new(&clients);
    let answers = judges.protocol(&larder.feed_url(), &questions);
    let [git, unlisted, oreilly, downloaded, absent] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(git[0]["description"], "Version control & <more>");
    assert_eq!(git[0]["tags"], " vcs scm ");
    assert_eq!(git[0]["authors"], "larder tests");
    assert_eq!(git[0]["listed"], true);
    assert_eq!(git[0]["content"], format!("{}package/git/1.9.5", larder.feed_url()));
    assert_eq!(unlisted[0]["listed"], false);
    assert_eq!(oreilly[0]["description"], "O'Reilly \u{fc}ber 100% of 'it'");
    let packed = packages()
        .into_iter()
        .find(|it| it.id == "git" && it.version == "2.10.0");
    let sha512 = crate::support::gallery::sha512(&packed.expect("it is in the fixture").bytes);
    assert_eq!(
        *downloaded,
        serde_json::json!({"status": "Available", "sha512": sha512})
    );
    assert_eq!(absent["status"], "NotFound");
}

#[test]
fn nuget_core_reads_every_kind_of_answer() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let larder = judged();
    // More than 2,048 characters: it sends them in a $batch, and reads the first page of the answer alone.
    let long: Vec<String> = (0..7).map(|n| format!("many.{n:02}")).collect();
    let long_ids = [long.as_slice(); 35].concat().join("|");
    let long_versions = vec!["0.5"; 245].join("|");
    let every_update = long
        .iter()
        .map(|id| format!("{id} 1.0.0"))
        .collect::<Vec<_>>()
        .join("; ");
    let batched = format!("updates\t{long_ids}\t{long_versions}\tfalse\tfalse\t\t");
    let cases: &[(&str, &str)] = &[
        (
            "find\tgit",
            "git 2.12.0; git 2.11.0-beta1; git 2.10.0; git 2.9.0; git 1.9.5",
        ),
        ("find\tGITVERSION", "GitVersion 5.0.0"),
        ("find\tnosuchpackage", ""),
        ("package\tgit\t2.10.0.0", "git 2.10.0"),
        ("package\ttotalcommander\t9.0.1", "totalcommander 9.00.01"),
        ("package\tgit\t9.9.9", ""),
        ("exists\tgit\t2.9.0", "True"),
        ("exists\tgit\t9.9.9", "False"),
        (
            "latest\tgit\tfalse",
            "git 2.10.0; git.install 2.10.0; GitVersion 5.0.0; legit 0.1",
        ),
        ("absolute\tbeta", "beta-only 1.0.0-alpha"),
        ("count\tmany\tfalse", "20"),
        ("count\tvcs\tfalse", "2"),
        ("popular\tgit\t1\t2", "git.install 2.10.0; GitVersion 5.0.0"),
        // LINQ that becomes $filter.
        (
            "where\tid",
            "git 2.12.0; git 2.11.0-beta1; git 2.10.0; git 2.9.0; git 1.9.5",
        ),
        ("where\tlower", "git 2.10.0"),
        (
            "where\tcontains",
            "git 2.10.0; git.install 2.10.0; GitVersion 5.0.0; legit 0.1",
        ),
        (
            "where\tstarts",
            "git 2.12.0; git 2.11.0-beta1; git 2.10.0; git 2.9.0; git 1.9.5; git.install 2.10.0; GitVersion 5.0.0",
        ),
        ("where\tends", "git.install 2.10.0"),
        ("where\tnot", "git 2.12.0; git 2.11.0-beta1; git 2.9.0; git 1.9.5"),
        ("where\tdownloads", ""),
        (
            "where\tlength",
            "git 2.12.0; git 2.11.0-beta1; git 2.10.0; git 2.9.0; git 1.9.5",
        ),
        (
            "where\tsubstring",
            "git 2.12.0; git 2.11.0-beta1; git 2.10.0; git 2.9.0; git 1.9.5; git.install 2.10.0; GitVersion 5.0.0",
        ),
        // Ids, versions, prereleases, all versions, frameworks, constraints.
        ("updates\tgit|legit\t1.9.5|0.1\tfalse\tfalse\t\t", "git 2.10.0"),
        ("updates\tgit\t1.9.5\ttrue\tfalse\tnet45\t", "git 2.11.0-beta1"),
        ("updates\tgit\t1.9.5\tfalse\ttrue\t\t", "git 2.10.0; git 2.9.0"),
        ("updates\tgit\t1.9.5\tfalse\tfalse\t\t[1.0,2.10)", "git 2.9.0"),
        (&batched, &every_update),
    ];
    let questions: Vec<String> = cases.iter().map(|(question, _)| (*question).to_owned()).collect();
    let judges = Judges::new(&clients);
    let answers = judges.core(&larder.feed_url(), &questions);
    agree(
        cases
            .iter()
            .zip(&answers)
            .map(|((question, expected), answer)| (*question, *expected, answer.clone())),
    );
}

#[test]
fn nuget_core_pages_and_reads_each_property() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let larder = judged();
    let questions = [
        "all",
        "search\t\tfalse",
        "details\tgit\t1.9.5",
        "details\tgit\t2.12.0",
        "download\tgit\t2.10.0",
    ];
    let judges = Judges::new(&clients);
    let answers = judges.core(&larder.feed_url(), &questions.map(str::to_owned));
    let [all, search, git, unlisted, downloaded] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(all.split("; ").count(), 20 + 11, "{all}");
    assert_eq!(
        without_many(search),
        STABLE_ONE
            .replace("legit 0.1.0", "legit 0.1")
            .replace("oreilly 1.0.0", "oreilly 1.0")
            .replace("9.0.1", "9.00.01")
            .replace("git 2.10.0;", "git 2.10.0; git 2.9.0; git 1.9.5;")
    );
    assert_eq!(
        git,
        "git; 1.9.5; ; larder tests; ; Version control & <more>;  vcs scm ; True; 0; False; False; "
    );
    assert!(unlisted.contains("; False; 0; False; False; "), "{unlisted}");
    let packed = packages()
        .into_iter()
        .find(|it| it.id == "git" && it.version == "2.10.0");
    assert_eq!(
        *downloaded,
        crate::support::gallery::sha512(&packed.expect("it is in the fixture").bytes)
    );
}

#[test]
fn choco_searches_with_every_option() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let larder = judged();
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["git"],
            &["git 2.10.0", "git.install 2.10.0", "GitVersion 5.0.0", "legit 0.1"],
        ),
        (
            &["--by-id-only", "git"],
            &["git 2.10.0", "git.install 2.10.0", "GitVersion 5.0.0", "legit 0.1"],
        ),
        (&["--by-tag-only", "git"], &["GitVersion 5.0.0"]),
        (
            &["--id-starts-with", "git"],
            &["git 2.10.0", "git.install 2.10.0", "GitVersion 5.0.0"],
        ),
        (&["--exact", "git"], &["git 2.10.0"]),
        // It shows unlisted versions of an id, as the library does.
        (
            &["--exact", "--all-versions", "git"],
            &["git 1.9.5", "git 2.10.0", "git 2.11.0-beta1", "git 2.12.0", "git 2.9.0"],
        ),
        // Without --all-versions it asks for releases, whatever --pre says.
        (
            &["--pre", "git"],
            &["git 2.10.0", "git.install 2.10.0", "GitVersion 5.0.0", "legit 0.1"],
        ),
        (
            &["--pre", "--all-versions", "vcs"],
            &["git 2.10.0", "git.install 2.10.0"],
        ),
        (
            &["--order-by-popularity", "git"],
            &["git 2.10.0", "git.install 2.10.0", "GitVersion 5.0.0", "legit 0.1"],
        ),
        (
            &["--page", "1", "--page-size", "2", "git"],
            &["GitVersion 5.0.0", "legit 0.1"],
        ),
        (&["nosuchword"], &[]),
    ];
    let source = larder.feed_url();
    for (arguments, expected) in cases {
        let mut command = vec!["search", "-s", source.trim_end_matches('/')];
        command.extend_from_slice(arguments);
        let ran = clients.choco(&Home::new(), &command).expect_success();
        assert_eq!(found(&ran), *expected, "{ran}");
    }
}

/// Fails with all questions that were answered otherwise than expected.
#[track_caller]
fn agree<'a>(answers: impl Iterator<Item = (&'a str, &'a str, String)>) {
    let wrong: Vec<String> = answers
        .filter(|(_, expected, answer)| answer != expected)
        .map(|(question, expected, answer)| format!("{question}\n  expected: {expected}\n  answered: {answer}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The `id version` that a client printed, sorted; what it prints in brackets behind them is left out.
fn found(ran: &Ran) -> Vec<String> {
    let package = |line: &str| {
        let line = line.split(" [").next().unwrap_or_default().trim();
        let (_, version) = line.split_once(' ')?;
        let is_version = version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(' ');
        is_version.then(|| line.to_owned())
    };
    let mut found: Vec<String> = ran.output.lines().filter_map(package).collect();
    found.sort_by_key(|name| name.to_lowercase());
    found
}
