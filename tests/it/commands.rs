//! The commands, as an administrator types them: what they print, and the exit codes that scripts go by.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::feed::Feed;
use crate::support::folder;
use crate::support::larder::{ADMIN_KEY, LarderProcess};
use crate::support::nupkg::{self, Nupkg};
use crate::support::process::Ran;
use crate::support::raw_http;

const FEEDS: &str = "[[feed]]\nname = \"main\"\ndefault = true\n[[feed]]\nname = \"second\"\n";
const NOTHING: &[&str] = &[];

fn prepare() -> LarderProcess {
    LarderProcess::prepare(FEEDS, ADMIN_KEY)
}

/// A folder with three good packages, two bad ones, and files that are no packages.
fn mixed_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let deep = folder.path().join("a/b");
    fs::create_dir_all(&deep).expect("a folder");
    Nupkg::new("One", "1.0").pack().write_to(folder.path());
    Nupkg::new("One", "2.0-beta").pack().write_to(&deep);
    fs::write(deep.join("upper.NUPKG"), Nupkg::new("Two", "1.0").pack().bytes).expect("a package");
    fs::write(deep.join("not-a-zip.nupkg"), "no zip").expect("a file");
    let no_version = b"<package><metadata><id>Three</id></metadata></package>";
    fs::write(
        folder.path().join("three.nupkg"),
        nupkg::pack("three.nuspec", no_version, &[]),
    )
    .expect("a file");
    Nupkg::new("Two.Symbols", "1.0").pack().write_to(folder.path());
    fs::rename(
        folder.path().join("Two.Symbols.1.0.nupkg"),
        folder.path().join("two.1.0.symbols.nupkg"),
    )
    .expect("a package");
    fs::write(folder.path().join("readme.txt"), "read me").expect("a file");
    folder
}

#[track_caller]
fn assert_prints(ran: &Ran, code: i32, needles: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran}");
    for needle in needles {
        assert!(ran.output.contains(needle), "no {needle:?} in the output of {ran}");
    }
}

fn names(larder: &LarderProcess, feed: &str) -> Vec<String> {
    let answer = raw_http::get(larder.authority(), &format!("/feeds/{feed}/api/v2/Packages()"));
    let mut names = Feed::parse(&answer.expect_status(200).text()).names();
    names.sort();
    names
}

/// What an import of [`mixed_folder`] prints, whichever way it goes.
fn assert_mixed(ran: &Ran) {
    assert_prints(
        ran,
        1,
        &[
            "imported 3 of 5 packages into feed 'main'; 0 were there already, 2 were refused",
            "not-a-zip.nupkg: ",
            "the package is not a readable zip archive",
            "three.nupkg: ",
            "the nuspec has no <version>",
        ],
    );
    assert!(
        !ran.output.contains("symbols") && !ran.output.contains("<?xml"),
        "{ran}"
    );
    assert_eq!(
        ran.output.lines().filter(|line| line.starts_with("refused ")).count(),
        2,
        "{ran}"
    );
}

#[test]
fn import_into_the_folder() {
    let mut larder = prepare();
    let folder = mixed_folder();
    assert_mixed(&larder.import(&[folder.path()]));
    let file = folder.path().join("One.1.0.nupkg");
    assert_prints(
        &larder.import(&[&file]),
        0,
        &[
            "imported 0 of 1 packages",
            "1 were there already, 0 were refused",
            "skipped ",
            "it is there already",
        ],
    );
    let to_second: [&Path; 3] = [Path::new("--feed"), Path::new("second"), &file];
    assert_prints(
        &larder.import(&to_second),
        0,
        &["imported 1 of 1 packages into feed 'second'"],
    );
    larder.restart();
    assert_eq!(names(&larder, "main"), ["One 1.0", "One 2.0-beta", "Two 1.0"]);
    assert_eq!(names(&larder, "second"), ["One 1.0"]);
}

#[test]
fn import_beside_a_running_server() {
    let larder = LarderProcess::start(FEEDS);
    let folder = mixed_folder();
    let ran = larder.import(&[folder.path()]);
    assert_prints(&ran, 1, &["a server is running (process ", larder.base_url()]);
    assert_mixed(&ran);
    assert_eq!(names(&larder, "main"), ["One 1.0", "One 2.0-beta", "Two 1.0"]);
    let again = larder.import(&[folder.path().join("One.1.0.nupkg")]);
    assert_prints(&again, 0, &["it is there already", "1 were there already"]);
    let to_second = ["--feed".into(), "second".into(), folder.path().join("One.1.0.nupkg")];
    assert_prints(
        &larder.import::<PathBuf>(&to_second),
        0,
        &["imported 1 of 1 packages into feed 'second'"],
    );
    assert_eq!(names(&larder, "second"), ["One 1.0"]);
}

#[test]
fn import_of_nothing() {
    let larder = prepare();
    let empty = tempfile::tempdir().expect("a temporary folder");
    fs::write(empty.path().join("readme.txt"), "read me").expect("a file");
    for (arguments, needle) in [
        (
            vec![empty.path().to_owned()],
            "there is no .nupkg file in what was named",
        ),
        (vec![empty.path().join("gone.nupkg")], "cannot read "),
        (
            vec!["--feed".into(), "third".into(), empty.path().to_owned()],
            "there is no feed 'third'",
        ),
        (
            vec!["--feed".into(), "../up".into(), empty.path().to_owned()],
            "is not a name",
        ),
        (vec![], "<PATH>"),
    ] {
        let ran = larder.import(&arguments);
        assert!(
            ran.code.is_some_and(|code| code != 0) && ran.output.contains(needle),
            "{ran}"
        );
    }
}

#[test]
fn reindex_counts_and_refuses() {
    let mut larder = prepare();
    let folder = mixed_folder();
    larder.import(&[folder.path()]).expect_failure();
    assert_prints(&larder.command("reindex", NOTHING), 0, &["indexed 3 packages\n"]);
    let source = larder.data_dir().join("packages/main");
    Nupkg::new("Four", "4.0").pack().write_to(&source);
    assert_prints(
        &larder.command("reindex", NOTHING),
        0,
        &[
            "indexed 4 packages",
            "of them 1 lay there without a sidecar and were taken up",
        ],
    );
    fs::write(source.join("bad.nupkg"), "bad").expect("a file");
    assert_prints(
        &larder.command("reindex", NOTHING),
        1,
        &["indexed 4 packages", "refused ", "packages/main/bad.nupkg: "],
    );
    larder.restart();
    assert_eq!(names(&larder, "main").len(), 4);
}

#[test]
fn reindex_names_folders_that_no_feed_has() {
    let larder = prepare();
    larder.import(&[mixed_folder().path()]).expect_failure();
    let packages = larder.data_dir().join("packages");
    let misspelled = packages.join("mian");
    fs::create_dir(&misspelled).expect("a folder");
    Nupkg::new("Four", "4.0").pack().write_to(&misspelled);
    let ran = larder.command("reindex", NOTHING);
    let note = format!("note: {} belongs to no feed or upstream", misspelled.display());
    assert_prints(&ran, 0, &["indexed 4 packages", &note]);
    assert_eq!(ran.output.matches("note: ").count(), 1, "{ran}");
}

#[test]
fn a_port_in_use_leaves_no_trace_of_a_crash() {
    let mut larder = prepare();
    let configuration = larder.data_dir().with_file_name("mirror.toml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let text = fs::read_to_string(&configuration).expect("the configuration");
    fs::write(&configuration, text.replace("127.0.0.1:0", &address)).expect("the configuration");
    let refusal = format!("cannot listen on {address}; server.listen");
    assert_prints(&larder.command("serve", NOTHING), 1, &[&refusal]);
    drop(taken);
    larder.restart();
    assert!(
        !larder.log().contains("the last run did not end in order"),
        "{}",
        larder.log()
    );
}

#[test]
fn the_log_tells_once_that_an_upstream_is_down() {
    let mut origin = LarderProcess::start(FEEDS);
    origin.import(&[mixed_folder().path()]).expect_failure();
    let upstream = format!(
        "[freshness]\nmetadata = \"0s\"\n[[upstream]]\nname = \"origin\"\nkind = \"v2\"\nurl = \"{}\"\n",
        origin.feed_url()
    );
    let mirror = LarderProcess::start(&upstream);
    let ask = || raw_http::get(mirror.authority(), "/api/v2/FindPackagesById()?id='One'").expect_status(200);
    ask();
    assert!(!mirror.log().contains("WARN"), "{}", mirror.log());
    origin.stop();
    ask();
    ask();
    let needle = "the upstream cannot be asked; what is known is served";
    assert_eq!(mirror.log().matches(needle).count(), 1, "{}", mirror.log());
}

#[test]
fn commands_that_need_the_index_name_the_running_server() {
    let larder = LarderProcess::start(FEEDS);
    for command in ["reindex", "serve"] {
        let ran = larder.command(command, NOTHING);
        assert!(ran.code.is_some_and(|code| code != 0), "{ran}");
        let next = if command == "serve" {
            "storage.data"
        } else {
            "run this again"
        };
        for needle in ["a running larder (process ", larder.base_url(), "stop it", next] {
            assert!(ran.output.contains(needle), "no {needle:?} in {ran}");
        }
    }
    // The refused ones did it no harm.
    raw_http::get(larder.authority(), "/api/v2/").expect_status(200);
    assert_prints(&larder.import(&[mixed_folder().path()]), 1, &["imported 3 of 5"]);
}

#[test]
fn offline_is_told_to_the_running_server() {
    let mut larder = prepare();
    assert_prints(
        &larder.command("offline", &["on"]),
        1,
        &["no server runs on this data folder"],
    );
    larder.restart();
    let header = |larder: &LarderProcess| {
        let answer = raw_http::get(larder.authority(), "/api/v2/Packages()").expect_status(200);
        answer.header("x-larder-cache").map(str::to_owned)
    };
    assert_eq!(header(&larder), None);
    assert_prints(
        &larder.command("offline", &["on"]),
        0,
        &["offline: no upstream is asked"],
    );
    assert_eq!(header(&larder).as_deref(), Some("OFFLINE"));
    larder.kill();
    // What a killed server left behind names nobody.
    assert_prints(
        &larder.command("offline", &["off"]),
        1,
        &["no server runs on this data folder"],
    );
    larder.restart();
    assert_eq!(header(&larder).as_deref(), Some("OFFLINE"));
    assert_prints(
        &larder.command("offline", &["off"]),
        0,
        &["online: upstreams are asked again"],
    );
    assert_eq!(header(&larder), None);
    larder.restart();
    assert_eq!(header(&larder), None);
}

#[test]
fn verify_runs_beside_a_server() {
    let larder = LarderProcess::start(FEEDS);
    larder.import(&[mixed_folder().path()]).expect_failure();
    assert_prints(
        &larder.command("verify", NOTHING),
        0,
        &[
            "A larder is running on ",
            "3 packages verified",
            "0 damaged, 0 missing, 0 sidecars damaged, 0 files unreferenced",
        ],
    );
    let files = folder::files(&larder.data_dir().join("packages"));
    let nupkg = files
        .iter()
        .find(|file| file.extension().is_some_and(|extension| extension == "nupkg"));
    fs::remove_file(nupkg.expect("a nupkg")).expect("a nupkg");
    assert_prints(&larder.command("verify", NOTHING), 1, &["missing: ", "1 missing"]);
}

#[test]
fn verify_before_there_is_anything() {
    let larder = prepare();
    let ran = larder.command("verify", NOTHING);
    assert!(ran.code.is_some_and(|code| code != 0), "{ran}");
    ran.expect_output("there is no folder ");
    assert!(!larder.data_dir().exists());
}

#[test]
fn check_config_tells_values_and_mistakes() {
    let larder = LarderProcess::prepare(
        "[[upstream]]\nname = \"up\"\nkind = \"v2\"\nurl = \"http://user:s3cret@127.0.0.1:9/api/v2/\"\n[[feed]]\nname = \"main\"\nupstreams = [\"up\"]\n",
        "an-admin-key",
    );
    let ran = larder.command("check-config", NOTHING);
    assert_prints(
        &ran,
        0,
        &[
            "server.listen = \"127.0.0.1:0\"",
            "mirror.toml:2",
            "# default",
            "default feed: main",
            "from LARDER_ADMIN_KEY (not shown)",
        ],
    );
    assert!(
        !ran.output.contains("s3cret") && !ran.output.contains("an-admin-key"),
        "{ran}"
    );
    assert!(!larder.data_dir().exists(), "it opens nothing");

    for (configuration, needles) in [
        (
            "[[feed]]\nname = \"main\"\nupstream = []\n",
            &["upstream", "upstreams", "mirror.toml"][..],
        ),
        ("[storage]\ndate = \"x\"\n", &["date", "data"]),
        ("[[feed]]\nname = \"Main\"\n", &["Main"]),
        ("[[feed]]\nname = \"main\"\nupstreams = [\"nowhere\"]\n", &["nowhere"]),
        ("[[feed\n", &["mirror.toml"]),
    ] {
        let broken = LarderProcess::prepare(configuration, ADMIN_KEY);
        for command in ["check-config", "serve", "reindex", "verify"] {
            let ran = broken.command(command, NOTHING);
            assert!(ran.code.is_some_and(|code| code != 0), "{command}: {ran}");
            for needle in needles {
                assert!(ran.output.contains(needle), "{command}: no {needle:?} in {ran}");
            }
        }
        assert!(!broken.data_dir().exists());
    }
    assert_prints(
        &larder.command("check-config", &["--print-default"]),
        0,
        &["[server]", "[storage]"],
    );
    let configuration = larder.data_dir().with_file_name("mirror.toml");
    fs::remove_file(&configuration).expect("a configuration");
    let gone = larder.command("check-config", NOTHING);
    assert!(gone.code.is_some_and(|code| code != 0), "{gone}");
    gone.expect_output(&configuration.display().to_string());
}

#[test]
fn other_bytes_of_a_version_are_refused() {
    let mut larder = prepare();
    let folder = tempfile::tempdir().expect("a folder");
    let first = Nupkg::new("One", "1.0").pack().write_to(folder.path());
    assert_prints(&larder.import(&[&first]), 0, &["imported 1 of 1 packages"]);
    let other = Nupkg::new("One", "1.0").description("built again").pack();
    std::fs::write(&first, &other.bytes).expect("a file that can be written");
    let told = [
        "0 were there already, 1 were refused",
        "this version is there already, with other bytes",
    ];
    assert_prints(&larder.import(&[&first]), 1, &told);
    larder.restart();
    assert_prints(&larder.import(&[&first]), 1, &told);
}
