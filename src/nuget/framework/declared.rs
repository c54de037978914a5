//! The frameworks that a package is made for, and those that somebody asks for.

use std::collections::BTreeSet;
use std::fmt;

use super::name::Framework;
use super::short_name;
use super::target::Target;
use crate::limits::MAX_DECLARED_FRAMEWORKS;

/// The folders whose sub-folders are frameworks (NuGet.Packaging, `PackageReaderBase.GetSupportedFrameworks`; `ref` as
/// NuGetGallery's `AssetFrameworkHelper` has it).
const FOLDERS: &[&str] = &["build", "content", "lib", "ref", "tools"];

/// The name that stands for all frameworks.
pub const ANY: &str = "any";

/// The frameworks that a package is made for; never none.
///
/// A package declares frameworks with its folders (`lib/net45/`) and with the framework assemblies of its nuspec. Its
/// dependency groups alone declare nothing.
#[derive(Debug, Clone)]
pub struct Declared {
    text: Box<str>,
    frameworks: Box<[Framework]>,
}

impl Declared {
    /// Parses short names separated by `|`. `None` where the package is made for all frameworks: it names none, or one that
    /// stands for all or is not known, or more than are kept.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let names: Vec<&str> = text.split('|').collect();
        if names.len() > MAX_DECLARED_FRAMEWORKS {
            return None;
        }
        let frameworks: Option<Box<[Framework]>> = names.into_iter().map(Framework::parse).collect();
        frameworks.map(|frameworks| Self {
            text: text.into(),
            frameworks,
        })
    }

    /// Returns the frameworks of a package, from the names of its entries and the frameworks of its nuspec's framework
    /// assemblies. `None` where the package is made for all.
    ///
    /// ```
    /// use larder::nuget::framework::Declared;
    /// let declared = |entries: &[&str]| Declared::of("a", entries.iter().copied(), [].into_iter());
    /// assert_eq!(declared(&["a.nuspec", "lib/net45/a.dll"]).unwrap().as_str(), "net45");
    /// assert!(declared(&["a.nuspec", "tools/chocolateyInstall.ps1"]).is_none());
    /// ```
    #[must_use]
    pub fn of<'a>(
        id: &str,
        entries: impl Iterator<Item = &'a str>,
        assemblies: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let mut names = BTreeSet::new();
        for folder in entries
            .filter_map(|entry| framework_folder(id, entry))
            .chain(assemblies)
        {
            let name = short_name(folder);
            Framework::parse(&name)?;
            names.insert(name);
        }
        let names: Vec<String> = names.into_iter().collect();
        Self::parse(&names.join("|"))
    }

    /// Returns the short names, separated by `|`, in their order.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Declared {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Declared {}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns the framework folder that an entry lies in, [`ANY`] where there is none below; `None` for an entry that says
/// nothing of frameworks.
fn framework_folder<'a>(id: &str, entry: &'a str) -> Option<&'a str> {
    let (folder, rest) = entry.split_once(['/', '\\'])?;
    let is_known = FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known));
    let name = rest.rsplit(['/', '\\']).next().unwrap_or(rest);
    // Of the build folder those files count that are imported.
    let is_imported = |suffix: &str| {
        name.len() == id.len() + suffix.len()
            && name.is_char_boundary(id.len())
            && name.split_at(id.len()).0.eq_ignore_ascii_case(id)
            && name.split_at(id.len()).1.eq_ignore_ascii_case(suffix)
    };
    let is_build = folder.eq_ignore_ascii_case("build");
    if !is_known || name.is_empty() || (is_build && !is_imported(".props") && !is_imported(".targets")) {
        return None;
    }
    Some(rest.split_once(['/', '\\']).map_or(ANY, |(framework, _)| framework))
}

/// The frameworks that somebody asks for: what is made for any of them will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Targets(Vec<Target>);

impl Targets {
    /// Parses names separated by `|`. Where there are none, or one of them is not known or stands for all, everything will
    /// do. A blank is a `+` that lost its percent-encoding (NuGet 2.1 sends `portable-net45+win8` unescaped).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let names = text.split('|').map(str::trim).filter(|name| !name.is_empty());
        let read = |name: &str| Framework::parse(name).or_else(|| Framework::parse(&name.replace(' ', "+")));
        let targets: Option<Vec<Target>> = names.map(|name| read(name).map(Target::new)).collect();
        Self(targets.unwrap_or_default())
    }

    /// Returns whether nothing is asked for: everything will do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether something that is made for these frameworks, or for all of them, will do.
    #[must_use]
    pub fn accept(&self, declared: Option<&Declared>) -> bool {
        let Some(declared) = declared else { return true };
        let is_usable = |target: &Target| declared.frameworks.iter().any(|framework| target.accepts(framework));
        self.0.is_empty() || self.0.iter().any(is_usable)
    }
}

#[cfg(test)]
mod tests;
