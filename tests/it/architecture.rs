//! Which module may use which: read off the source, so that a wrong edge does not come in unnoticed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A module and those it may use beside itself. `cli` puts the parts together, so it may use all.
const EDGES: &[(&str, &[&str])] = &[
    ("nuget", &["limits"]),
    ("catalog", &["limits", "nuget"]),
    ("mime", &["limits"]),
    ("odata", &["catalog", "limits", "mime", "nuget"]),
    ("view", &["catalog", "config", "nuget"]),
    ("store", &["catalog", "clock", "nuget"]),
    (
        "upstream",
        &["catalog", "clock", "limits", "nuget", "odata", "redact", "via"],
    ),
    (
        "mirror",
        &[
            "catalog", "clock", "config", "nuget", "store", "upstream", "via", "view",
        ],
    ),
    ("auth", &[]),
    (
        "http",
        &[
            "auth", "catalog", "clock", "config", "limits", "mime", "mirror", "nuget", "odata", "redact", "via",
        ],
    ),
    (
        "cli",
        &[
            "auth",
            "catalog",
            "clock",
            "config",
            "http",
            "mirror",
            "nuget",
            "redact",
            "store",
            "telemetry",
            "upstream",
            "via",
            "view",
        ],
    ),
    // Names and patterns of packages and sources are parsed where the configuration is read.
    ("config", &["catalog", "limits", "redact"]),
    ("clock", &[]),
    ("limits", &[]),
    ("redact", &[]),
    ("via", &[]),
    ("telemetry", &[]),
];

/// What shows that code touches the world: runtimes, sockets, files, databases, clocks.
const WORLD: &[&str] = &[
    "tokio",
    "axum",
    "reqwest",
    "sled",
    "object_store",
    "std::fs",
    "std::net",
    "Utc::now",
    "SystemTime",
];

/// What a module may not touch: (module, text that would show it).
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("nuget", WORLD),
    ("catalog", WORLD),
    ("mime", WORLD),
    ("odata", WORLD),
    ("limits", WORLD),
    ("view", WORLD),
    ("store", &["axum", "reqwest", "Utc::now", "SystemTime"]),
    (
        "upstream",
        &["axum", "sled", "object_store", "std::fs", "Utc::now", "SystemTime"],
    ),
    (
        "mirror",
        &["axum", "reqwest", "sled", "object_store", "Utc::now", "SystemTime"],
    ),
    (
        "http",
        &["reqwest", "sled", "object_store", "std::fs", "Utc::now", "SystemTime"],
    ),
];

#[test]
fn modules_use_only_what_they_may() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (file, code) in sources() {
        let Some(module) = module_of(&file) else { continue };
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: the module '{module}' is not in the table", file.display()));
            continue;
        };
        seen.insert(module.clone());
        for used in used_modules(&code) {
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {module} may not use {used}", file.display()));
            }
        }
        let forbidden = FORBIDDEN
            .iter()
            .filter(|(name, _)| *name == module)
            .flat_map(|(_, texts)| *texts);
        for text in forbidden {
            if mentions(&code, text) {
                wrong.push(format!("{}: {module} may not touch {text}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "wrong edges:\n{}", wrong.join("\n"));
    let known: BTreeSet<String> = EDGES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(seen, known, "the table names the modules that there are");
}

#[test]
fn the_reader_of_edges_reads() {
    let code =
        "use crate::store::{Index, Note};\nlet x = crate::view::Hit;\n// crate::http in a comment\nuse sled::Db;";
    let code = without_comments(code);
    assert_eq!(used_modules(&code), ["store".to_owned(), "view".to_owned()].into());
    assert!(mentions(&code, "sled"));
    assert!(!mentions("use crate::store::sled_index;", "sled"));
}

/// Every source file, without its unit tests and comments.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("src is there") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                let code = std::fs::read_to_string(&path).expect("source is text");
                let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let below = path.strip_prefix(&root).expect("it lies below src").to_owned();
                files.push((below, without_comments(code)));
            }
        }
    }
    files
}

/// Files of unit tests and what only they use.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(
        name,
        "tests" | "testing" | "corpus" | "conformance" | "memory" | "recorded"
    ) || path.components().any(|part| part.as_os_str() == "tests")
}

fn module_of(file: &Path) -> Option<String> {
    let first = file.components().next()?.as_os_str().to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(module, "lib" | "main")).then(|| module.to_owned())
}

fn without_comments(code: &str) -> String {
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn used_modules(code: &str) -> BTreeSet<String> {
    let name = |after: &str| {
        after
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    code.split("crate::")
        .skip(1)
        .map(name)
        .filter(|name: &String| !name.is_empty())
        .collect()
}

/// Whether a path begins with `text`: `sled::`, not `sled_index`.
fn mentions(code: &str, text: &str) -> bool {
    code.match_indices(text).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + text.len()..].chars().next();
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        !is_word(before) && !is_word(after)
    })
}
