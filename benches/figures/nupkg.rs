//! Real nupkgs, small ones: a zip around a nuspec and a file.

use std::io::{Cursor, Write as _};

use larder::nuget::{NuGetVersion, PackageId};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// A package in memory.
pub(crate) struct Nupkg {
    pub(crate) id: PackageId,
    pub(crate) version: NuGetVersion,
    pub(crate) bytes: Vec<u8>,
}

impl Nupkg {
    /// Packs a nuspec with this description and one file, stored as it is.
    pub(crate) fn pack(id: &str, version: &str, description: &str, payload: &[u8]) -> anyhow::Result<Self> {
        let nuspec = format!(
            r#"<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd">
  <metadata>
    <id>{id}</id>
    <version>{version}</version>
    <title>{id} (Install)</title>
    <authors>Example authors</authors>
    <owners>example</owners>
    <projectUrl>https://www.example.com/{id}</projectUrl>
    <licenseUrl>https://www.example.com/{id}/licence</licenseUrl>
    <iconUrl>https://www.example.com/{id}/icon.png</iconUrl>
    <requireLicenseAcceptance>false</requireLicenseAcceptance>
    <description>{description}</description>
    <summary>A package that figures are taken with</summary>
    <releaseNotes>https://www.example.com/{id}/releases</releaseNotes>
    <tags>{id} example admin</tags>
    <dependencies><dependency id="chocolatey-core.extension" version="1.3.3" /></dependencies>
  </metadata>
</package>
"#
        );
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(format!("{id}.nuspec"), SimpleFileOptions::default())?;
        zip.write_all(nuspec.as_bytes())?;
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file("tools/chocolateyInstall.ps1", stored)?;
        zip.write_all(payload)?;
        Ok(Self {
            id: id.parse()?,
            version: version.parse()?,
            bytes: zip.finish()?.into_inner(),
        })
    }
}
