//! Packages fetched with all that they need, by the command, as an administrator types it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::community::read_nuspec;
use crate::support::corpus;
use crate::support::folder;
use crate::support::larder::{ADMIN_KEY, LarderProcess};
use crate::support::nupkg::{Nupkg, Packed, pack_corpus};
use crate::support::process::Ran;

/// A larder with packages, to be mirrored.
fn origin(packages: &[Packed]) -> LarderProcess {
    let mut origin = LarderProcess::prepare("", ADMIN_KEY);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for package in packages {
        package.write_to(folder.path());
    }
    origin.import(&[folder.path()]).expect_success();
    origin.restart();
    origin
}

fn mirror_of(origin: &LarderProcess) -> LarderProcess {
    let configuration = format!(
        "[[upstream]]\nname = \"origin\"\nkind = \"v2\"\nurl = \"{}\"\n[[feed]]\nname = \"main\"\nupstreams = [\"origin\"]\n",
        origin.feed_url()
    );
    LarderProcess::prepare(&configuration, ADMIN_KEY)
}

/// Returns the packages that a larder holds of its upstream, each as `id/version`.
fn held(larder: &LarderProcess) -> BTreeSet<String> {
    let source = larder.data_dir().join("packages/origin");
    let files = if source.is_dir() {
        folder::files(&source)
    } else {
        Vec::new()
    };
    let nupkgs = files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "nupkg"));
    let name = |path: &PathBuf| {
        let place = path
            .parent()
            .expect("a folder")
            .strip_prefix(&source)
            .expect("below the source");
        place.display().to_string()
    };
    nupkgs.map(name).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[track_caller]
fn prints(ran: &Ran, code: i32, needles: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran}");
    for needle in needles {
        assert!(ran.output.contains(needle), "no {needle:?} in the output of {ran}");
    }
}

fn gallery() -> Vec<Packed> {
    vec![
        Nupkg::new("App", "1.0")
            .depends_on("lib", "[1.0,2.0)")
            .depends_on("tool", "1.0")
            .pack(),
        Nupkg::new("App", "2.0")
            .depends_on("lib", "[1.0,2.0)")
            .depends_on("gone", "3.0")
            .pack(),
        Nupkg::new("App", "3.0-beta").pack(),
        Nupkg::new("lib", "1.0").pack(),
        Nupkg::new("lib", "1.5").depends_on("app", "1.0").pack(),
        Nupkg::new("lib", "2.0").pack(),
        Nupkg::new("tool", "0.9").pack(),
        Nupkg::new("tool", "1.1").pack(),
        Nupkg::new("preview", "1.0-beta").pack(),
    ]
}

#[test]
fn a_package_comes_with_all_that_it_needs() {
    let mut origin = origin(&gallery());
    for (arguments, code, expected, told) in [
        // choco takes the highest version that will do, nuget the lowest.
        (
            &["app@1.0"][..],
            1,
            &["app/1.0.0", "app/2.0.0", "lib/1.5.0", "tool/1.1.0"][..],
            &[
                "prefetched 4 packages, 0 were here already, 1 could not be had",
                "missing gone@[3.0.0, ) (needed by App 2.0): there is no such package",
            ][..],
        ),
        (
            &["app@1.0", "--dependencies", "lowest"],
            0,
            &["app/1.0.0", "lib/1.0.0", "tool/1.1.0"],
            &["prefetched 3 packages, 0 were here already, 0 could not be had"],
        ),
        (
            &["tool@[0.1,1.0)", "--feed", "main"],
            0,
            &["tool/0.9.0"],
            &["prefetched 1 packages"],
        ),
        (
            &["app@3.0-beta", "tool"],
            0,
            &["app/3.0.0-beta", "tool/1.1.0"],
            &["prefetched 2 packages"],
        ),
        (
            &["preview", "nothing", "tool@[5.0,)", "lib@7.0"],
            1,
            &[],
            &[
                "missing preview: it has no listed release",
                "missing nothing: there is no such package",
                "missing tool@[5.0,): none of its versions will do",
                "missing lib@7.0: ",
            ],
        ),
    ] {
        let mirror = mirror_of(&origin);
        prints(&mirror.command("prefetch", arguments), code, told);
        assert_eq!(held(&mirror), set(expected), "{arguments:?}");
    }
    // Beside a running server, from a file, and again: what is there is not fetched again.
    let mut mirror = mirror_of(&origin);
    let list = mirror.data_dir().with_file_name("list.txt");
    std::fs::write(&list, "# what we need\nTool\n\nlib@2.0 # for the app\n").expect("a list");
    mirror.restart();
    let from_list = [Path::new("--file"), &list];
    prints(
        &mirror.command("prefetch", &from_list),
        0,
        &["a server is running", "prefetched 2 packages, 0 were here already"],
    );
    prints(
        &mirror.command("prefetch", &from_list),
        0,
        &["prefetched 0 packages, 2 were here already"],
    );
    assert_eq!(held(&mirror), set(&["lib/2.0.0", "tool/1.1.0"]));
    // The upstream goes: what is here is no failure, what is not is told.
    origin.stop();
    let ran = mirror.command("prefetch", &["lib", "app"]);
    prints(
        &ran,
        1,
        &[
            "prefetched 0 packages, 1 were here already, 1 could not be had",
            "is not available",
        ],
    );
    for (arguments, needle) in [
        (&["a/b"][..], "'a/b' names no package"),
        (&["git@[1"], "'git@[1' names no package"),
        (&["git", "--feed", "nowhere"], "there is no feed 'nowhere'"),
        (&["--file", "/nowhere/list"], "cannot read /nowhere/list"),
        (&[], "required"),
    ] {
        let ran = mirror.command("prefetch", arguments);
        assert!(
            ran.code.is_some_and(|code| code != 0) && ran.output.contains(needle),
            "{ran}"
        );
    }
}

#[test]
fn a_private_package_is_no_upstream_s_business() {
    let origin = origin(&gallery());
    let mut mirror = mirror_of(&origin);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ours = Nupkg::new("lib", "0.1")
        .depends_on("tool", "")
        .pack()
        .write_to(folder.path());
    mirror.import(&[ours]).expect_success();
    prints(
        &mirror.command("prefetch", &["lib"]),
        0,
        &["prefetched 1 packages, 1 were here already"],
    );
    assert_eq!(held(&mirror), set(&["tool/1.1.0"]));
    mirror.restart();
}

#[test]
fn the_closure_of_real_packages() {
    let Some(folder) = corpus::folder("packages") else {
        return;
    };
    let mut packages = pack_corpus(&folder);
    packages.sort_by(|one, other| (&one.id, &one.version).cmp(&(&other.id, &other.version)));
    // As many as a test has time for, and all that they need of what there is.
    let mut chosen: Vec<Packed> = packages.iter().step_by(7).take(30).cloned().collect();
    let mut at = 0;
    let mut absent = BTreeSet::new();
    while let Some(package) = chosen.get(at).cloned() {
        at += 1;
        for dependency in read_nuspec(&package).dependencies {
            let id = dependency.split(':').next().unwrap_or_default().to_lowercase();
            if id.is_empty() {
                continue;
            }
            let there: Vec<&Packed> = packages.iter().filter(|there| there.id.to_lowercase() == id).collect();
            if there.is_empty() {
                absent.insert(id);
            } else if chosen.iter().all(|known| known.id.to_lowercase() != id) {
                chosen.extend(there.into_iter().cloned());
            }
        }
    }
    assert!(chosen.len() > 30 && !absent.is_empty(), "{} {absent:?}", chosen.len());
    let origin = origin(&chosen);
    let mirror = mirror_of(&origin);
    let list = mirror.data_dir().with_file_name("list.txt");
    let firsts: BTreeSet<String> = chosen.iter().take(30).map(|package| package.id.clone()).collect();
    std::fs::write(&list, firsts.iter().cloned().collect::<Vec<_>>().join("\n")).expect("a list");
    let ran = mirror.command(
        "prefetch",
        &[Path::new("--file"), &list, Path::new("--concurrency"), Path::new("2")],
    );
    let missing: BTreeSet<String> = ran
        .output
        .lines()
        .filter(|line| line.starts_with("missing ") && line.ends_with("there is no such package"))
        .filter_map(|line| Some(line.strip_prefix("missing ")?.split(['@', ' ']).next()?.to_lowercase()))
        .collect();
    assert_eq!(missing, absent, "{ran}");
    let held: BTreeSet<String> = held(&mirror)
        .iter()
        .filter_map(|name| Some(name.split('/').next()?.to_owned()))
        .collect();
    let expected: BTreeSet<String> = chosen.iter().map(|package| package.id.to_lowercase()).collect();
    assert_eq!(held, expected, "{ran}");
}
