//! Questions too long for a URL, which NuGet 2 sends as a `$batch`. No command of nuget 2.8.7 comes to that; its library does,
//! as Visual Studio drives it.

use std::path::Path;

use super::commands::lines_of;
use crate::support::clients::{Clients, Home};
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Nupkg;

#[test]
fn nuget_2_reads_the_answers_to_a_batch() {
    let Some(clients) = Clients::find_or_skip() else { return };
    let larder = LarderProcess::start("[[feed]]\nname = \"ours\"\ndefault = true\n");
    let packages = tempfile::tempdir().expect("a temporary folder");
    for version in ["1.0", "2.0", "3.0-beta"] {
        Nupkg::new("small.tool", version).pack().write_to(packages.path());
    }
    larder.import(&[packages.path()]).expect_success();
    let home = Home::new();
    compile(&clients, &home);
    let feed = larder.feed_url();
    let ask = |arguments: &[&str]| clients.mono(&home, &[&["LongQuestions.exe", feed.as_str()], arguments].concat());

    // Ten ids make one query; of 250 letters each they are more than 2048 in a URL, of 10 they are less.
    for length in ["10", "250"] {
        let found = lines_of(&ask(&["find", length]).expect_success());
        assert_eq!(
            found,
            ["small.tool 1.0", "small.tool 2.0", "small.tool 3.0-beta"],
            "{length}"
        );
    }
    let updates = ask(&["updates", "150"]).expect_success();
    assert_eq!(lines_of(&updates), ["small.tool 2.0"]);
    ask(&["find", "4000"])
        .expect_failure()
        .expect_output("during batch execution")
        .expect_output("The URL is longer than");
}

/// Compiles the program that asks into a home folder, beside the library of nuget 2.8.7.
fn compile(clients: &Clients, home: &Home) {
    for library in ["NuGet.Core.dll", "Microsoft.Web.XmlTransform.dll"] {
        let installed = Path::new("/usr/lib/nuget").join(library);
        std::fs::copy(installed, home.path().join(library)).expect("a library of nuget");
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/LongQuestions.cs");
    let arguments = [
        "-nologo",
        "-out:LongQuestions.exe",
        "-r:NuGet.Core.dll",
        "-r:System.Core.dll",
        "-r:WindowsBase.dll",
        source,
    ];
    clients.mcs(home, &arguments).expect_success();
}
