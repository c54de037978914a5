//! What the origin of the scenario publishes, and which of it may be refused or must stay unseen behind the mirror.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::larder::LarderProcess;
use crate::support::nupkg::{Nupkg, Packed, pack_corpus};
use crate::support::raw_http;

/// Nuspecs of the corpus that no NuGet server takes, each with a word its refusal must hold.
const REFUSED: [(&str, &str); 2] = [
    // An id must not end in a separator: NuGet.Packaging's PackageIdValidator, `^\w+([.-]\w+)*$`.
    ("googlechrome-.1.0.0.nupkg", "googlechrome-"),
    // `nuget pack` and every gallery want a description; this source has an empty one, filled in when it is packed.
    ("svg-explorer-extension.0.1.1.20170428.nupkg", "description"),
];

/// One private id per client that pushes: they run side by side and must not meet.
pub(super) const PUSHERS: [&str; 4] = ["nuget2", "nuget4", "choco", "dotnet"];

/// What the origin holds: the corpus, a library for `dotnet`, and higher versions of the ids the mirror keeps private.
pub(super) struct Published {
    folder: tempfile::TempDir,
    packages: Vec<Packed>,
}

impl Published {
    pub(super) fn new(corpus: &Path) -> Self {
        let mut packages = pack_corpus(corpus);
        assert_eq!(packages.len(), 310, "the corpus says it has 310 nuspecs");
        packages.push(
            Nupkg::new("Larder.Base", "1.0.0")
                .file("lib/netstandard2.0/_._", "")
                .pack(),
        );
        packages.push(
            Nupkg::new("Larder.Base", "1.1.0")
                .file("lib/netstandard2.0/_._", "")
                .pack(),
        );
        let library = Nupkg::new("Larder.Toolkit", "2.0.0-rc.1").depends_on("larder.base", "[1.0,2.0)");
        packages.push(library.file("lib/netstandard2.0/_._", "").pack());
        for pusher in PUSHERS {
            packages.push(
                Nupkg::new(&reserved_id(pusher), "9.0.0")
                    .description("must not be seen")
                    .pack(),
            );
            packages.push(
                Nupkg::new(&hosted_id(pusher), "9.0.0")
                    .description("must not be seen")
                    .pack(),
            );
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        for package in &packages {
            package.write_to(folder.path());
        }
        Self { folder, packages }
    }

    /// Imports the folder, which holds what must be refused as well, and looks at the summary.
    pub(super) fn import_into(&self, origin: &LarderProcess) {
        let ran = origin.import(&[self.folder.path()]).expect_failure();
        for (file, word) in REFUSED {
            let named = ran
                .output
                .lines()
                .any(|line| line.contains(file) && line.contains(word));
            assert!(named, "the refusal of {file} is not told by {ran}");
        }
        let answer =
            raw_http::get(origin.authority(), "/api/v2/Packages()/$count?semVerLevel=2.0.0").expect_status(200);
        assert_eq!(answer.text(), self.accepted().count().to_string(), "{ran}");
    }

    pub(super) fn accepted(&self) -> impl Iterator<Item = &Packed> {
        self.packages
            .iter()
            .filter(|package| !REFUSED.iter().any(|(file, _)| *file == package.file_name()))
    }

    /// The bytes of every package, by the lower-cased name clients give to its file.
    pub(super) fn bytes(&self) -> BTreeMap<String, &[u8]> {
        self.packages
            .iter()
            .map(|package| (package.file_name().to_lowercase(), package.bytes.as_slice()))
            .collect()
    }
}

/// An id that matches the mirror's reserved pattern.
pub(super) fn reserved_id(pusher: &str) -> String {
    format!("contoso.{pusher}")
}

/// An id that is private because it is hosted, and for no other reason.
pub(super) fn hosted_id(pusher: &str) -> String {
    format!("intranet.{pusher}")
}
