//! The properties of the fuzz targets over the stored corpus, in which each crash that was ever found lies too.

use std::path::Path;

#[expect(unreachable_pub, reason = "it is a library beside the targets")]
#[path = "../../fuzz/src/lib.rs"]
mod properties;

#[test]
fn properties_hold_of_the_stored_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut folders: Vec<String> = std::fs::read_dir(&corpus)
        .expect("a corpus")
        .map(|entry| entry.expect("a folder").file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort_unstable();
    let targets: Vec<&str> = properties::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(folders, targets, "each target has a corpus, and each corpus a target");
    for target in targets {
        let mut count = 0;
        for entry in std::fs::read_dir(corpus.join(target)).expect("a folder") {
            let path = entry.expect("a file").path();
            let data = std::fs::read(&path).expect("a file that can be read");
            eprintln!("{}", path.display());
            properties::check(target, &data);
            count += 1;
        }
        assert!(count > 0, "{target} has an empty corpus");
    }
}
