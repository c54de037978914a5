//! Turns an address and its options into a question to the catalog.
//!
//! Knows which lists have which rows before any filter, and what of a filter can be looked up rather than searched for;
//! refuses to know how the question is answered.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::address::{Collection, Key};
use super::options::{Options, OptionsError};
use super::relayed::relayed;
use super::skiptoken::{self, Start};
use crate::catalog::columns::Column;
use crate::catalog::expression::{Comparison, Function, Literal};
use crate::catalog::query::{Direction, Latest, Listing, OrderKey, Page, Prerelease};
use crate::catalog::search::{Field, SearchTerms};
use crate::catalog::{Expression, Query, Relayed, Updates};
use crate::limits::MAX_COMPLETIONS;
use crate::nuget::framework::Targets;
use crate::nuget::{PackageId, SemVerLevel};

/// A question, and what to ask upstreams' own searches for it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The question.
    pub query: Query,
    /// What upstreams' own searches are asked with. Of no use where the question fixes its ids.
    pub relayed: Relayed,
}

/// Plans a list; `page_size` is the most rows of one answer.
///
/// # Errors
/// [`OptionsError::SkipToken`] where the token does not go with the order.
pub fn list(collection: &Collection, options: &Options, page_size: u64) -> Result<Plan, OptionsError> {
    let is_search = *collection == Collection::Search;
    let updates = (*collection == Collection::GetUpdates).then(|| options.updates.updates());
    let is_selective = is_search || updates.is_some();
    let terms = if is_search {
        options.search_terms.clone()
    } else {
        SearchTerms::default()
    };
    let filter = options.filter.as_ref();
    let ids = looked_up(collection, options, &terms, updates.as_ref());
    let relayed = if ids.is_some() {
        Relayed::default()
    } else {
        relayed(&terms, filter)
    };
    let mut query = Query {
        ids: ids.map(|ids| ids.into_iter().collect()),
        level: options.level,
        listing: if is_selective {
            Listing::ListedOnly
        } else {
            Listing::All
        },
        // Searches and updates show releases unless told otherwise, whatever their filter says (NuGetGallery,
        // ODataV2FeedController.Search): IsAbsoluteLatestVersion alone finds no prerelease. All clients send both.
        prerelease: if is_selective && !options.include_prerelease {
            Prerelease::Exclude
        } else {
            Prerelease::Include
        },
        latest: filter.and_then(implied_flag),
        terms,
        targets: match collection {
            Collection::Search => Targets::parse(&options.target_framework),
            Collection::GetUpdates => options.updates.targets(),
            Collection::Packages | Collection::FindPackagesById(_) => Targets::default(),
        },
        updates,
        filter: filter.cloned().and_then(without_fixed_ids),
        order: options.order.clone(),
        page: Page {
            after: None,
            skip: options.skip,
            top: options.top,
            size: page_size,
            wants_total: options.wants_count,
        },
        work: Arc::default(),
    };
    if let Some(token) = &options.skip_token {
        let start = skiptoken::read(token, &query.total_order())?;
        go_on(&mut query, start);
    }
    Ok(Plan { query, relayed })
}

/// Lets a list begin where the page before ended.
fn go_on(query: &mut Query, start: Start) {
    match start {
        Start::Behind(place) => query.page.after = Some(place),
        Start::BehindById(place) => {
            query.page.after = Some(place);
            query.order = vec![OrderKey {
                by: Column::Id.into(),
                direction: Direction::Ascending,
            }];
        }
        Start::Rows(rows) => query.page.skip = query.page.skip.saturating_add(rows),
    }
}

/// Returns the only ids that can answer, where the list, its search or its filter say so.
fn looked_up(
    collection: &Collection,
    options: &Options,
    terms: &SearchTerms,
    updates: Option<&Updates>,
) -> Option<BTreeSet<PackageId>> {
    let by_filter = options.filter.as_ref().and_then(fixed_ids);
    let by_list = match collection {
        Collection::FindPackagesById(inline) => Some(ids_of(inline.as_deref().or(options.id.as_deref()).unwrap_or(""))),
        _ => updates.map(|updates| updates.ids().cloned().collect()),
    };
    let whole_ids = terms
        .terms()
        .iter()
        .filter(|term| term.field == Field::PackageId && !term.is_open)
        .map(|term| ids_of(&term.text));
    by_filter
        .into_iter()
        .chain(by_list)
        .chain(whole_ids)
        .reduce(|one, two| one.intersection(&two).cloned().collect())
}

/// Plans the look-up of one version, listed or not, whatever level the client reads (NuGetGallery,
/// `ODataV2FeedController.Get`).
#[must_use]
pub fn package(key: &Key) -> Query {
    let version = Literal::text(key.version.normalized());
    let operands = [Column::Version.into(), version.into()];
    Query {
        ids: Some(vec![key.id.clone()]),
        level: SemVerLevel::Two,
        listing: Listing::All,
        prerelease: Prerelease::Include,
        latest: None,
        terms: SearchTerms::default(),
        targets: Targets::default(),
        updates: None,
        filter: Some(Expression::Compare(Comparison::Equal, Box::new(operands))),
        order: Vec::new(),
        page: Page::first(1),
        work: Arc::default(),
    }
}

/// Plans the ids that begin with a text: one row an id, by id; without a text the most downloaded ones (NuGetGallery,
/// `AutocompleteDatabasePackageIdsQuery`).
#[must_use]
pub fn ids(options: &Options) -> Plan {
    let prefix = options.partial_id.as_str();
    let starts = || {
        let arguments = vec![Column::Id.into(), Literal::text(prefix).into()];
        Expression::Call(Function::StartsWith, arguments)
    };
    let most_downloaded = OrderKey {
        by: Column::DownloadCount.into(),
        direction: Direction::Descending,
    };
    let query = Query {
        ids: None,
        latest: Some(if options.include_prerelease {
            Latest::Absolute
        } else {
            Latest::Stable
        }),
        filter: (!prefix.is_empty()).then(starts),
        order: if prefix.is_empty() {
            vec![most_downloaded]
        } else {
            Vec::new()
        },
        page: Page::first(MAX_COMPLETIONS),
        ..completion(options)
    };
    Plan {
        relayed: relayed(&query.terms, query.filter.as_ref()),
        query,
    }
}

/// Plans the listed versions of an id, highest first.
#[must_use]
pub fn versions(id: &PackageId, options: &Options) -> Query {
    Query {
        ids: Some(vec![id.clone()]),
        ..completion(options)
    }
}

/// Plans all that is listed, for a client that reads the asked level.
fn completion(options: &Options) -> Query {
    Query {
        ids: None,
        level: options.level,
        listing: Listing::ListedOnly,
        prerelease: if options.include_prerelease {
            Prerelease::Include
        } else {
            Prerelease::Exclude
        },
        latest: None,
        terms: SearchTerms::default(),
        targets: Targets::default(),
        updates: None,
        filter: None,
        order: Vec::new(),
        page: Page::first(u64::MAX),
        work: Arc::default(),
    }
}

/// Returns the one id that a text names; none where it is no id, for then no package has it.
fn ids_of(text: &str) -> BTreeSet<PackageId> {
    text.parse().into_iter().collect()
}

/// Returns the only ids for which a condition can be true, where it says so: `Id eq 'x'` and `tolower(Id) eq 'x'`, with
/// operands in either order, joined by `and` and `or` in any way.
fn fixed_ids(condition: &Expression) -> Option<BTreeSet<PackageId>> {
    match condition {
        Expression::Compare(Comparison::Equal, operands) => match operands.as_ref() {
            [condition, Expression::Literal(Literal::Boolean(true))]
            | [Expression::Literal(Literal::Boolean(true)), condition] => fixed_ids(condition),
            [column, Expression::Literal(Literal::Text(text))] | [Expression::Literal(Literal::Text(text)), column] => {
                is_id(column).then(|| ids_of(text.as_str()))
            }
            _ => None,
        },
        Expression::All(conditions) => conditions
            .iter()
            .filter_map(fixed_ids)
            .reduce(|one, two| one.intersection(&two).cloned().collect()),
        Expression::Any(conditions) => {
            let mut all = BTreeSet::new();
            for condition in conditions {
                all.extend(fixed_ids(condition)?);
            }
            Some(all)
        }
        _ => None,
    }
}

/// Returns whether an expression is an id, or an id in another case: ids compare ignoring case.
pub(super) fn is_id(expression: &Expression) -> bool {
    match expression {
        Expression::Column(Column::Id) => true,
        Expression::Call(Function::ToLower | Function::ToUpper, arguments) => {
            matches!(arguments.as_slice(), [Expression::Column(Column::Id)])
        }
        _ => false,
    }
}

/// Takes the conditions away that are nothing but fixed ids: the look-up has answered them, and a chain of hundreds
/// need not be gone through again for each row.
fn without_fixed_ids(condition: Expression) -> Option<Expression> {
    match condition {
        Expression::All(conditions) => {
            let mut rest: Vec<_> = conditions.into_iter().filter_map(without_fixed_ids).collect();
            match rest.len() {
                0 | 1 => rest.pop(),
                _ => Some(Expression::All(rest)),
            }
        }
        condition => (!is_nothing_but_ids(&condition)).then_some(condition),
    }
}

fn is_nothing_but_ids(condition: &Expression) -> bool {
    match condition {
        Expression::Any(conditions) => conditions.iter().all(is_nothing_but_ids),
        Expression::Compare(..) => fixed_ids(condition).is_some() && !is_comparison_of_conditions(condition),
        _ => false,
    }
}

/// `X eq true`, in which more than ids can stand.
fn is_comparison_of_conditions(condition: &Expression) -> bool {
    let Expression::Compare(_, operands) = condition else {
        return false;
    };
    operands
        .iter()
        .any(|operand| matches!(operand, Expression::Literal(Literal::Boolean(_))))
}

/// Returns the latest flag without which a condition cannot be true.
fn implied_flag(condition: &Expression) -> Option<Latest> {
    match condition {
        Expression::Column(Column::IsLatestVersion) => Some(Latest::Stable),
        Expression::Column(Column::IsAbsoluteLatestVersion) => Some(Latest::Absolute),
        Expression::Compare(Comparison::Equal, operands) => match operands.as_ref() {
            [condition, Expression::Literal(Literal::Boolean(true))]
            | [Expression::Literal(Literal::Boolean(true)), condition] => implied_flag(condition),
            _ => None,
        },
        Expression::All(conditions) => conditions.iter().find_map(implied_flag),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::options;

    fn plan(collection: &Collection, query: &str) -> Plan {
        let options = options::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        list(collection, &options, 100).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    fn ids(plan: &Plan) -> Option<String> {
        let ids = plan.query.ids.as_ref()?;
        Some(ids.iter().map(PackageId::lower).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn ids_are_fixed_where_the_filter_says_so() {
        for (filter, expected, rest) in [
            ("Id eq 'Git'", Some("git"), None),
            ("'Git' eq Id", Some("git"), None),
            ("tolower(Id) eq 'git'", Some("git"), None),
            ("'git' eq tolower(Id)", Some("git"), None),
            (
                "(tolower(Id) eq 'git') and IsLatestVersion",
                Some("git"),
                Some("IsLatestVersion"),
            ),
            (
                "IsLatestVersion and Id eq 'git' and Listed",
                Some("git"),
                Some("IsLatestVersion and Listed"),
            ),
            (
                "Id eq 'git' or Id eq 'vlc' or tolower(Id) eq 'a.b'",
                Some("a.b git vlc"),
                None,
            ),
            (
                "(((tolower(Id) eq 'a') or (tolower(Id) eq 'b')) or (tolower(Id) eq 'c'))",
                Some("a b c"),
                None,
            ),
            (
                "IsLatestVersion and ((tolower(Id) eq 'a') or (tolower(Id) eq 'b'))",
                Some("a b"),
                Some("IsLatestVersion"),
            ),
            ("(Id eq 'a' or Id eq 'b') and (Id eq 'b' or Id eq 'c')", Some("b"), None),
            ("Id eq 'a' and Id eq 'b'", Some(""), None),
            ("Id eq 'not an id'", Some(""), None),
            ("(Id eq 'a') eq true", Some("a"), Some("(Id eq 'a') eq true")),
            (
                "(Id eq 'a' and Listed) or Id eq 'b'",
                Some("a b"),
                Some("(Id eq 'a' and Listed) or Id eq 'b'"),
            ),
            ("Id eq 'a' or Listed", None, Some("Id eq 'a' or Listed")),
            ("not (Id eq 'a')", None, Some("not (Id eq 'a')")),
            ("Id ne 'a'", None, Some("Id ne 'a'")),
            ("Version eq '1.0'", None, Some("Version eq '1.0'")),
            ("startswith(Id,'a')", None, Some("startswith(Id,'a')")),
            ("Id eq null", None, Some("Id eq null")),
        ] {
            let plan = plan(&Collection::Packages, &format!("$filter={filter}"));
            assert_eq!(ids(&plan).as_deref(), expected, "{filter}");
            let rest = rest.map(|rest| crate::odata::filter::parse(rest).unwrap());
            assert_eq!(plan.query.filter, rest, "{filter}");
        }
    }

    #[test]
    fn an_or_chain_of_hundreds_of_ids_is_a_look_up() {
        let terms: Vec<_> = (0..500).map(|n| format!("(tolower(Id)%20eq%20'p{n}')")).collect();
        let query = format!("$filter=IsLatestVersion%20and%20({})", terms.join("%20or%20"));
        let plan = plan(&Collection::Packages, &query);
        assert!(plan.query.is_quick());
        assert_eq!(plan.query.ids.map(|ids| ids.len()), Some(500));
        assert_eq!(plan.query.filter, Some(Column::IsLatestVersion.into()));
    }

    #[test]
    fn look_ups_that_take_long_are_known() {
        for (filter, expected) in [
            ("Id eq 'git'", true),
            ("tolower(Id) eq 'git' and IsLatestVersion", true),
            (
                "Id eq 'git' and NormalizedVersion ge '1' and IsPrerelease eq false",
                true,
            ),
            ("Id eq 'git' and substringof('x',Description)", true),
            ("Id eq 'git' and replace(Id,'g','gg') eq 'x'", false),
            ("IsLatestVersion", false),
        ] {
            let plan = plan(&Collection::Packages, &format!("$filter={filter}"));
            assert_eq!(plan.query.is_quick(), expected, "{filter}");
        }
        let ids: Vec<_> = (0..500).map(|n| format!("Id eq 'p{n}'")).collect();
        let long = format!("({}) and substringof('x',Description)", ids.join(" or "));
        assert!(!plan(&Collection::Packages, &format!("$filter={long}")).query.is_quick());
    }

    #[test]
    fn find_packages_by_id_has_the_versions_of_one_id() {
        let find = |inline: Option<&str>, query: &str| {
            ids(&plan(&Collection::FindPackagesById(inline.map(str::to_owned)), query)).unwrap()
        };
        for (inline, query, expected) in [
            (None, "id='Git'", "git"),
            (None, "id=Git&semVerLevel=2.0.0", "git"),
            (Some("git"), "", "git"),
            (None, "", ""),
            (None, "id=''", ""),
            (None, "id='a b'", ""),
            (None, "id='git'&$filter=Id eq 'git' and IsLatestVersion", "git"),
            (None, "id='git'&$filter=Id eq 'vlc'", ""),
        ] {
            assert_eq!(find(inline, query), expected, "{query}");
        }
        let plan = plan(&Collection::FindPackagesById(None), "id='git'");
        assert_eq!(
            (plan.query.listing, plan.query.prerelease),
            (Listing::All, Prerelease::Include)
        );
    }

    #[test]
    fn flags_are_implied_by_conjuncts_alone() {
        for (filter, expected) in [
            ("IsLatestVersion", Some(Latest::Stable)),
            ("IsAbsoluteLatestVersion eq true", Some(Latest::Absolute)),
            ("true eq IsLatestVersion", Some(Latest::Stable)),
            ("Listed and (IsLatestVersion and Id eq 'a')", Some(Latest::Stable)),
            ("IsLatestVersion eq false", None),
            ("not IsLatestVersion", None),
            ("IsLatestVersion or Listed", None),
        ] {
            let plan = plan(&Collection::Packages, &format!("$filter={filter}"));
            assert_eq!(plan.query.latest, expected, "{filter}");
        }
    }

    #[test]
    fn searches_show_listed_releases_unless_told_otherwise() {
        for (query, prerelease, words, terms) in [
            ("searchTerm='Git%20*vcs*'", Prerelease::Exclude, "git vcs", "git vcs"),
            (
                "searchTerm='Tag:x \"A  b\"'",
                Prerelease::Exclude,
                "tag:x \"a b\"",
                "tag:x \"a b\"",
            ),
            ("searchTerm=''&includePrerelease=true", Prerelease::Include, "", ""),
            ("$filter=IsAbsoluteLatestVersion", Prerelease::Exclude, "", ""),
            (
                "$filter=substringof('git',tolower(Id)) and IsLatestVersion",
                Prerelease::Exclude,
                "git",
                "",
            ),
            (
                "$filter=startswith(Id,'Pow') and endswith(Id,'x')",
                Prerelease::Exclude,
                "pow",
                "",
            ),
            (
                "$filter=(Tags ne null) and substringof(' vcs ',tolower(Tags)) eq true",
                Prerelease::Exclude,
                "vcs",
                "",
            ),
            (
                "$filter=substringof('id:x',Description)",
                Prerelease::Exclude,
                "\"id:x\"",
                "",
            ),
            (
                "searchTerm='a'&$filter=substringof('b',Id)",
                Prerelease::Exclude,
                "a",
                "a",
            ),
        ] {
            let plan = plan(&Collection::Search, query);
            assert_eq!(plan.query.listing, Listing::ListedOnly, "{query}");
            assert_eq!(plan.query.prerelease, prerelease, "{query}");
            let asked = if plan.relayed.terms.is_empty() {
                &plan.relayed.words
            } else {
                &plan.relayed.terms
            };
            assert_eq!(asked.to_string(), words, "{query}");
            assert_eq!(plan.query.terms.to_string(), terms, "{query}");
        }
        let set = plan(&Collection::Packages, "searchTerm='x'&includePrerelease=false");
        assert_eq!(
            (set.query.listing, set.query.prerelease),
            (Listing::All, Prerelease::Include)
        );
        assert_eq!((set.query.terms, set.relayed), Default::default());
    }

    #[test]
    fn a_search_for_a_whole_id_is_a_look_up() {
        for (query, expected) in [
            ("searchTerm='PackageId:Git'", Some("git")),
            ("searchTerm='packageid:git x'", Some("git")),
            ("searchTerm='packageid:git packageid:vlc'", Some("")),
            ("searchTerm='packageid:git'&$filter=Id eq 'vlc'", Some("")),
            ("searchTerm='packageid:\"a b\"'", Some("")),
            ("searchTerm='packageid:git*'", None),
            ("searchTerm='id:git'", None),
        ] {
            assert_eq!(ids(&plan(&Collection::Search, query)).as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn tokens_say_where_a_list_goes_on() {
        let page = |query: &str| {
            let query = plan(&Collection::Search, query).query;
            (query.page.after.is_some(), query.page.skip, query.order.len())
        };
        assert_eq!(page("$skiptoken='git','1.0'&$skip=3"), (true, 3, 0));
        assert_eq!(page("$skiptoken='git','1.0'&searchTerm='x'"), (true, 0, 1));
        assert_eq!(page("$skiptoken='git','1.0',40&searchTerm='x'&$skip=2"), (false, 42, 0));
        let options = options::parse("$skiptoken='git'").unwrap();
        assert!(list(&Collection::Search, &options, 100).is_err());
    }

    #[test]
    fn a_key_fixes_id_and_version() {
        let key = Key {
            id: "git".parse().unwrap(),
            version: "2.40".parse().unwrap(),
        };
        let query = package(&key);
        let filter = crate::odata::filter::parse("Version eq '2.40.0'").unwrap();
        assert_eq!((query.ids, query.filter), (Some(vec![key.id]), Some(filter)));
        assert_eq!((query.level, query.listing), (SemVerLevel::Two, Listing::All));
    }
}
