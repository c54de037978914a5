//! Scripts an upstream as a gallery that has some packages: their entries by id, and their bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};

use super::nupkg::Packed;
use super::upstream::{Reply, ScriptedUpstream, atom_entry, atom_feed};

/// Returns the configuration of a v2 upstream.
pub(crate) fn upstream(name: &str, scripted: &ScriptedUpstream) -> String {
    upstream_at(name, &scripted.url("/api/v2/"))
}

pub(crate) fn upstream_at(name: &str, url: &str) -> String {
    format!("[[upstream]]\nname = \"{name}\"\nkind = \"v2\"\nurl = \"{url}\"\nattempts = 1\n")
}

/// Returns the configuration of a template upstream.
pub(crate) fn template(name: &str, scripted: &ScriptedUpstream) -> String {
    let url = scripted.url("/files/@ID/@ID.@VERSION.nupkg");
    format!("[[upstream]]\nname = \"{name}\"\nkind = \"template\"\nurl = \"{url}\"\nattempts = 1\n")
}

/// Returns the target by which larder asks for an id.
pub(crate) fn find_target(id: &str) -> String {
    format!("/api/v2/FindPackagesById()?id=%27{id}%27&semVerLevel=2.0.0")
}

/// Returns where the gallery has a package.
pub(crate) fn package_target(id: &str, version: &str) -> String {
    format!("/api/v2/package/{id}/{version}")
}

pub(crate) fn sha512(bytes: &[u8]) -> String {
    STANDARD.encode(Sha512::digest(bytes))
}

/// Returns the properties that announce hash and size of a package.
pub(crate) fn hash_properties(bytes: &[u8]) -> String {
    format!(
        r#"<d:PackageHash>{}</d:PackageHash><d:PackageHashAlgorithm>SHA512</d:PackageHashAlgorithm><d:PackageSize m:type="Edm.Int64">{}</d:PackageSize>"#,
        sha512(bytes),
        bytes.len()
    )
}

impl ScriptedUpstream {
    /// Writes the entry of a package, with its hash and further properties.
    pub(crate) fn entry(&self, package: &Packed, properties: &str) -> String {
        let properties = format!("{}{properties}", hash_properties(&package.bytes));
        self.entry_without_hash(package, &properties)
    }

    /// Writes the entry of a package with these properties alone.
    pub(crate) fn entry_without_hash(&self, package: &Packed, properties: &str) -> String {
        let url = self.url(&package_target(&package.id, &package.version));
        atom_entry(&package.id, &package.version, &url, properties)
    }

    /// Has all these packages, which are versions of one id.
    pub(crate) fn has(&self, packages: &[&Packed]) {
        let entries: Vec<String> = packages.iter().map(|package| self.entry(package, "")).collect();
        self.announces(packages[0], &entries);
        for package in packages {
            self.serves(package, Reply::ok(package.bytes.clone()));
        }
    }

    /// Answers for the id of a package with these entries.
    pub(crate) fn announces(&self, package: &Packed, entries: &[String]) {
        self.on(&find_target(&package.id), Reply::feed(atom_feed(entries, None)));
    }

    /// Answers for the bytes of a package.
    pub(crate) fn serves(&self, package: &Packed, reply: Reply) {
        self.on(&package_target(&package.id, &package.version), reply);
    }

    /// Returns how many requests there were for targets that contain a text.
    pub(crate) fn asked(&self, text: &str) -> usize {
        self.targets().iter().filter(|target| target.contains(text)).count()
    }
}
