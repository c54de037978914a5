//! Requests that real clients sent are understood: address, options and plan of each.

use crate::odata::address::{self, Address};
use crate::odata::{options, plan};

/// Returns the targets of all recorded v2 reads, `None` where the recordings are not at hand.
fn targets() -> Option<Vec<String>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus/requests");
    let mut targets = Vec::new();
    for file in std::fs::read_dir(folder).ok()? {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            if let (Some("GET"), Some(target)) = (line["method"].as_str(), line["target"].as_str()) {
                targets.extend(target.strip_prefix("/api/v2").map(str::to_owned));
            }
        }
    }
    targets.sort();
    targets.dedup();
    Some(targets)
}

#[test]
fn recorded_requests_are_understood() {
    let Some(targets) = targets() else {
        assert!(
            std::env::var_os("LARDER_REQUIRE_CLIENTS").is_none(),
            "the recorded requests are missing"
        );
        eprintln!("skipped: no recorded requests beside the project");
        return;
    };
    for target in &targets {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let address = address::parse(path).unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_ne!(address, Address::Unknown, "{target}");
        let options = options::parse(query).unwrap_or_else(|error| panic!("{target}: {error}"));
        if let Address::List(collection) | Address::Count(collection) = &address {
            let plan = plan::list(collection, &options, 100).unwrap();
            let names_id = path.starts_with("/FindPackagesById") || query.contains("tolower(Id)%20eq");
            assert_eq!(plan.query.ids.is_some_and(|ids| ids.len() == 1), names_id, "{target}");
        }
    }
    assert!(targets.len() > 50, "only {} targets were read", targets.len());
}
