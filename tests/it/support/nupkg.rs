//! Builds test nupkgs: a zip in the shape `nuget pack` writes it, around a given or a made nuspec.
//!
//! NuGet 2.8 opens packages with System.IO.Packaging, which insists on `[Content_Types].xml` naming every extension and
//! on a `_rels/.rels` that points at the nuspec; newer clients need neither.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use quick_xml::escape::escape;
use quick_xml::events::Event;
use zip::write::SimpleFileOptions;

/// The script in every test package: ours, because the corpus carries nuspecs only, and harmless if it were run.
const INSTALL_SCRIPT: &str = "Write-Host 'a larder test package'\r\n";

/// A package to be made from nothing but a few words.
pub(crate) struct Nupkg {
    id: String,
    version: String,
    authors: String,
    description: String,
    tags: String,
    /// Further elements of the nuspec's metadata.
    elements: Vec<(String, String)>,
    dependencies: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
}

/// A packed package and what identifies it.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) bytes: Vec<u8>,
}

impl Nupkg {
    pub(crate) fn new(id: &str, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            authors: "larder tests".to_owned(),
            description: "A package made for a test".to_owned(),
            tags: String::new(),
            elements: Vec::new(),
            dependencies: Vec::new(),
            files: vec![("tools/chocolateyInstall.ps1".to_owned(), INSTALL_SCRIPT.into())],
        }
    }

    pub(crate) fn description(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    pub(crate) fn authors(mut self, authors: &str) -> Self {
        authors.clone_into(&mut self.authors);
        self
    }

    /// Adds an element to the nuspec's metadata.
    pub(crate) fn element(mut self, name: &str, value: &str) -> Self {
        self.elements.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn tags(mut self, tags: &str) -> Self {
        tags.clone_into(&mut self.tags);
        self
    }

    /// Adds a dependency; `range` as a nuspec spells it, such as `[1.0,2.0)`.
    pub(crate) fn depends_on(mut self, id: &str, range: &str) -> Self {
        self.dependencies.push((id.to_owned(), range.to_owned()));
        self
    }

    /// Leaves out the install script, which makes a package one for all frameworks.
    pub(crate) fn without_files(mut self) -> Self {
        self.files.clear();
        self
    }

    /// Leaves out the script, which works with every framework.
    pub(crate) fn without_script(mut self) -> Self {
        self.files.clear();
        self
    }

    pub(crate) fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    pub(crate) fn pack(self) -> Packed {
        let nuspec = self.nuspec();
        let bytes = pack(&format!("{}.nuspec", self.id), nuspec.as_bytes(), &self.files);
        Packed {
            id: self.id,
            version: self.version,
            bytes,
        }
    }

    fn nuspec(&self) -> String {
        let dependencies: Vec<String> = self
            .dependencies
            .iter()
            .map(|(id, range)| format!("      <dependency id=\"{id}\" version=\"{range}\" />\n"))
            .collect();
        let dependencies = dependencies.concat();
        let elements: Vec<String> = self
            .elements
            .iter()
            .map(|(name, value)| format!("    <{name}>{}</{name}>\n", escape(value)))
            .collect();
        let elements = elements.concat();
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd">
  <metadata>
    <id>{}</id>
    <version>{}</version>
    <authors>{}</authors>
    <requireLicenseAcceptance>false</requireLicenseAcceptance>
    <description>{}</description>
    <tags>{}</tags>
{elements}    <dependencies>
{dependencies}    </dependencies>
  </metadata>
</package>
"#,
            self.id,
            self.version,
            escape(&self.authors),
            escape(&self.description),
            escape(&self.tags)
        )
    }
}

impl Packed {
    /// The file name every client gives to the package: `Id.Version.nupkg`.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.{}.nupkg", self.id, self.version)
    }

    /// The version as NuGet 3 and later print it: no leading zeros, three numbers, a fourth unless it is zero.
    pub(crate) fn normalised_version(&self) -> String {
        let (numbers, labels) = self
            .version
            .split_at(self.version.find('-').unwrap_or(self.version.len()));
        let mut numbers: Vec<u32> = numbers
            .split('.')
            .map(|number| number.parse().expect("a number"))
            .collect();
        numbers.resize(4, 0);
        if numbers[3] == 0 {
            numbers.truncate(3);
        }
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        format!("{}{labels}", numbers.join("."))
    }

    pub(crate) fn is_prerelease(&self) -> bool {
        self.version.contains('-')
    }

    /// Writes the package into a folder under its usual name.
    pub(crate) fn write_to(&self, folder: &Path) -> PathBuf {
        let path = folder.join(self.file_name());
        std::fs::write(&path, &self.bytes).expect("a folder that can be written");
        path
    }
}

/// Packs every nuspec of `../shared/corpus/packages` with a small script of our own.
pub(crate) fn pack_corpus(folder: &Path) -> Vec<Packed> {
    super::corpus::files(folder, "nuspec")
        .iter()
        .map(|path| pack_nuspec(path))
        .collect()
}

fn pack_nuspec(path: &Path) -> Packed {
    let nuspec = std::fs::read(path).expect("a nuspec that can be read");
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a file name in UTF-8");
    let identity = identity(&nuspec);
    let identity = |element: &str| {
        identity
            .get(element)
            .unwrap_or_else(|| panic!("{name} has no {element}"))
            .clone()
    };
    let files = vec![("tools/chocolateyInstall.ps1".to_owned(), INSTALL_SCRIPT.into())];
    Packed {
        id: identity("id"),
        version: identity("version"),
        bytes: pack(name, &nuspec, &files),
    }
}

/// Reads id and version with no code of larder's own: the tests must not learn an id from what they test.
fn identity(nuspec: &[u8]) -> BTreeMap<String, String> {
    let mut reader = quick_xml::Reader::from_reader(nuspec);
    let mut open = Vec::new();
    let mut found = BTreeMap::new();
    loop {
        match reader.read_event().expect("a nuspec that is XML") {
            Event::Start(start) => open.push(start.local_name().as_ref().to_owned()),
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => {
                if let [package, metadata, element] = open.as_slice()
                    && package == "package"
                    && metadata == "metadata"
                {
                    found.entry(element.clone()).or_insert_with(|| text.trim().to_owned());
                }
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

/// Zips a nuspec and files the way `nuget pack` does.
pub(crate) fn pack(nuspec_name: &str, nuspec: &[u8], files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, content: &[u8]| {
        zip.start_file(name, SimpleFileOptions::default()).expect("a new entry");
        zip.write_all(content).expect("an entry in memory");
    };
    add("_rels/.rels", relationships(nuspec_name).as_bytes());
    add(nuspec_name, nuspec);
    for (name, content) in files {
        add(name, content);
    }
    add("[Content_Types].xml", content_types(files).as_bytes());
    zip.finish().expect("a zip in memory").into_inner()
}

fn relationships(nuspec_name: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/{nuspec_name}" Id="R1" /></Relationships>"#
    )
}

fn content_types(files: &[(String, Vec<u8>)]) -> String {
    let mut extensions = vec!["rels", "nuspec"];
    extensions.extend(
        files
            .iter()
            .filter_map(|(name, _)| name.rsplit_once('.').map(|(_, extension)| extension)),
    );
    extensions.sort_unstable();
    extensions.dedup();
    let defaults: String = extensions
        .iter()
        .map(|extension| match *extension {
            "rels" => {
                r#"<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" />"#
                    .to_owned()
            }
            other => format!(r#"<Default Extension="{other}" ContentType="application/octet" />"#),
        })
        .collect();
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{defaults}</Types>"#
    )
}
