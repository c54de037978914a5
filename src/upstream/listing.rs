//! How a gallery's whole list of packages is asked for, one page after the other.

use serde::{Deserialize, Serialize};

use crate::catalog::Announced;
use crate::catalog::query::Latest;

/// One page of the list that is wanted: the latest version of each id, in the order of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which version stands for an id.
    pub latest: Latest,
    /// How it is asked for.
    pub shape: ListShape,
    /// What the ids begin with, in lower case; empty for all, and for the shapes that cannot say it.
    pub prefix: String,
    /// Which page.
    pub place: ListPlace,
}

/// The forms of the question. No gallery takes all of them, and each is one that a client of its own sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListShape {
    /// `Packages()`, page after page by next links: the community repository's go on where counting rows ends.
    Set,
    /// `Search()` without words, by `$skip`.
    Search,
    /// `Search()` for ids by their beginning in lower case, as `choco search --id-starts-with` asks.
    StartsWithLower,
    /// The same as `PSResourceGet` asks for `x*`. Galleries that compare as SQL does ignore case in it.
    StartsWith,
}

/// Where in a list a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListPlace {
    /// At the beginning.
    Start,
    /// Behind so many rows.
    Skip(u64),
    /// Where the page before it says.
    Link(String),
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct ListPage {
    /// Its versions.
    pub items: Vec<Announced>,
    /// The next page; `None` after the last one.
    pub next: Option<ListPlace>,
}
