//! Sets, functions, counts and single entries.

use std::sync::Arc;

use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ENTRY_TYPE, FEED_TYPE, TEXT_TYPE, warn_of, xml_answer};
use crate::catalog::query::SearchTerms;
use crate::http::error::ApiError;
use crate::http::state::{App, FeedRequest};
use crate::mirror::Answered;
use crate::odata::address::{Collection, Key};
use crate::odata::atom::{self, Entry, Links};
use crate::odata::options::{self, Options};
use crate::odata::parts::EntryParts;
use crate::odata::plan;

/// Answers with a page of a list.
pub(super) async fn list(app: &App, feed: &FeedRequest<'_>, collection: &Collection) -> Result<Response, ApiError> {
    let options = read_options(feed)?;
    let plan = plan::list(collection, &options, u64::from(app.server.page_size));
    let answer = app
        .mirror
        .query(feed.feed, &plan.query, &SearchTerms::parse(&plan.hint))
        .await?;
    let served = answer.page.len() as u64;
    let wanted = plan.query.page.top.unwrap_or(u64::MAX);
    let is_more = served > 0 && served < wanted && plan.query.page.skip.saturating_add(served) < answer.total;
    let next = is_more.then(|| options.next_link(&format!("{}/{}", feed.root, path_of(collection)), served));
    let page = atom::Feed {
        links: Links { root: &feed.root },
        collection,
        updated: app.clock.now(),
        count: options.wants_count.then_some(answer.total),
        next: next.as_deref(),
    };
    let parts = parts(app, &answer.page, &options).await?;
    let mut response = xml_answer(FEED_TYPE, atom::feed(&page, &entries(&answer.page, &parts)));
    warn_of(&mut response, &answer.failures);
    Ok(response)
}

/// Answers with the number of a list's rows: digits alone, `choco` reads the whole body as a number.
pub(super) async fn count(app: &App, feed: &FeedRequest<'_>, collection: &Collection) -> Result<Response, ApiError> {
    let options = read_options(feed)?;
    let plan = plan::list(collection, &options, u64::from(app.server.page_size));
    let answer = app
        .mirror
        .count(feed.feed, &plan.query, &SearchTerms::parse(&plan.hint))
        .await?;
    let after_skip = answer.total.saturating_sub(options.skip);
    let counted = options.top.map_or(after_skip, |top| after_skip.min(top));
    let mut response = xml_answer(TEXT_TYPE, counted.to_string());
    warn_of(&mut response, &answer.failures);
    Ok(response)
}

/// Answers with one version.
pub(super) async fn package(app: &App, feed: &FeedRequest<'_>, key: &Key) -> Result<Response, ApiError> {
    let options = read_options(feed)?;
    app.mirror.learn_version(feed.feed, &key.id, &key.version).await?;
    let answer = app
        .mirror
        .query(feed.feed, &plan::package(key), &SearchTerms::default())
        .await?;
    let parts = parts(app, &answer.page, &options).await?;
    let entries = entries(&answer.page, &parts);
    let Some(found) = entries.first() else {
        return Err(ApiError::NotFound(format!(
            "There is no package '{} {}' here.",
            key.id, key.version
        )));
    };
    let links = Links { root: &feed.root };
    let mut response = xml_answer(ENTRY_TYPE, atom::entry(links, found));
    warn_of(&mut response, &answer.failures);
    Ok(response)
}

fn read_options(feed: &FeedRequest<'_>) -> Result<Options, ApiError> {
    Ok(options::parse(feed.query)?)
}

/// Returns the rendered entries of versions, in their order. Those with all properties are kept; a selection is written anew.
async fn parts(app: &App, page: &[Answered], options: &Options) -> Result<Vec<Option<Arc<EntryParts>>>, ApiError> {
    let mut parts = match options.select {
        None => app.rendered.recall(page.iter().map(|answered| &answered.row)),
        Some(_) => vec![None; page.len()],
    };
    let is_missing = |part: &Option<Arc<EntryParts>>| part.is_none();
    let missing: Vec<Answered> = page
        .iter()
        .zip(&parts)
        .filter(|(_, part)| is_missing(part))
        .map(|(answered, _)| answered.clone())
        .collect();
    let records = app.mirror.records(&missing).await?;
    let places = parts.iter_mut().filter(|part| part.is_none());
    for (place, record) in places.zip(records) {
        let Some(record) = record else { continue };
        let rendered = Arc::new(atom::render(&record, options.select.as_deref()));
        if options.select.is_none() {
            app.rendered.keep(&record.row, &rendered);
        }
        *place = Some(rendered);
    }
    Ok(parts)
}

/// Puts versions and their parts together. A version whose record went since it was found is gone: it does not answer.
fn entries<'a>(page: &[Answered], parts: &'a [Option<Arc<EntryParts>>]) -> Vec<Entry<'a>> {
    let entry = |(answered, parts): (&Answered, &'a Option<Arc<EntryParts>>)| {
        parts.as_deref().map(|parts| Entry {
            parts,
            is_latest: answered.is_latest,
            is_absolute_latest: answered.is_absolute_latest,
        })
    };
    page.iter().zip(parts).filter_map(entry).collect()
}

/// The path of a list in next links; the id of `FindPackagesById` stays among the parameters.
fn path_of(collection: &Collection) -> String {
    match collection {
        Collection::Packages => "Packages()".to_owned(),
        Collection::Search => "Search()".to_owned(),
        Collection::GetUpdates => "GetUpdates()".to_owned(),
        Collection::FindPackagesById(None) => "FindPackagesById()".to_owned(),
        Collection::FindPackagesById(Some(id)) => {
            let quoted = id.replace('\'', "''");
            format!(
                "FindPackagesById(id='{}')",
                utf8_percent_encode(&quoted, NON_ALPHANUMERIC)
            )
        }
    }
}
