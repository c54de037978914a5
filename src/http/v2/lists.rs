//! Sets, functions, counts and single entries.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    AskedBy, DATA_SERVICE_VERSION, ENTRY_TYPE, FEED_TYPE, JSON_TYPE, TEXT_TYPE, document, warn_of, warn_of_gaps,
};
use crate::catalog::query::Page;
use crate::catalog::{Query, Record, Relayed};
use crate::http::cache_status;
use crate::http::caching::{self, Form};
use crate::http::conditional::Validators;
use crate::http::error::ApiError;
use crate::http::state::{App, FeedRequest};
use crate::mirror::{Answer, Answered, Edition, MirrorError, Served};
use crate::odata::address::{Collection, Key};
use crate::odata::atom::{self, Entry};
use crate::odata::entry::EntryView;
use crate::odata::negotiate::Format;
use crate::odata::options::{self, Options, OptionsError};
use crate::odata::parts::EntryParts;
use crate::odata::plan::{self, Plan};
use crate::odata::protocol::Protocol;
use crate::odata::{json, skiptoken, v1};

/// Said of answers that version 1.0 of OData has.
const FIRST_VERSION: HeaderValue = HeaderValue::from_static("1.0;");

/// Answers with a page of a list.
pub(super) async fn list(
    app: &App,
    feed: &FeedRequest<'_>,
    collection: &Collection,
    AskedBy { head, format }: AskedBy<'_>,
) -> Result<Response, ApiError> {
    let options = read_options(feed)?;
    let plan = plan_list(app, feed, collection, &options)?;
    let prepared = app.mirror.prepare(feed.feed, &plan.query, &plan.relayed).await?;
    let (validators, served) = (validators(app, feed, head, prepared.edition()), prepared.served());
    if let Some(mut known) = caching::not_modified(app, head, validators.as_ref(), Form::OData)? {
        cache_status::tell(known.headers_mut(), served);
        return Ok(known);
    }
    let answer = app.mirror.answer_prepared(prepared, &plan.query).await?;
    let next = answer.next.as_ref().map(|place| {
        let path = format!("{}/{}", feed.root, path_of(collection));
        options.next_link(&path, &skiptoken::write(place), answer.page.len() as u64)
    });
    let count = options.wants_count.then_some(answer.total);
    let mut response = match format {
        Format::Atom => {
            let page = atom::Feed {
                links: feed.links(),
                collection,
                updated: app.clock.now(),
                count,
                next: next.as_deref(),
            };
            let parts = parts(app, feed, &answer.page, &options).await?;
            document(FEED_TYPE, atom::feed(&page, &entries(&answer.page, &parts)))
        }
        Format::Json => {
            let page = json::Page {
                links: feed.links(),
                count,
                next: next.as_deref(),
                select: options.select.as_deref(),
            };
            let records = app.mirror.records(&answer.page).await?;
            let views: Vec<EntryView<'_>> = views(&answer.page, &records).collect();
            let mut response = document(JSON_TYPE, json::page(&page, &views));
            if page.is_plain() {
                response.headers_mut().insert(DATA_SERVICE_VERSION, FIRST_VERSION);
            }
            response
        }
    };
    caching::tag(&mut response, validators.as_ref());
    cache_status::tell(response.headers_mut(), served);
    warn_of(&mut response, &answer.failures);
    warn_of_gaps(&mut response, &answer.gaps);
    Ok(response)
}

/// Answers with the number of a list's rows: digits alone, `choco` reads the whole body as a number.
pub(super) async fn count(
    app: &App,
    feed: &FeedRequest<'_>,
    collection: &Collection,
    head: &Parts,
) -> Result<Response, ApiError> {
    let options = read_options(feed)?;
    let mut plan = plan_list(app, feed, collection, &options)?;
    // The number of all rows, and none of them.
    plan.query.page = Page {
        wants_total: true,
        ..Page::first(0)
    };
    let prepared = app.mirror.prepare(feed.feed, &plan.query, &plan.relayed).await?;
    let (validators, served) = (validators(app, feed, head, prepared.edition()), prepared.served());
    if let Some(mut known) = caching::not_modified(app, head, validators.as_ref(), Form::Plain)? {
        cache_status::tell(known.headers_mut(), served);
        return Ok(known);
    }
    let answer = app.mirror.answer_prepared(prepared, &plan.query.counted()).await?;
    let after_skip = answer.total.saturating_sub(options.skip);
    let counted = options.top.map_or(after_skip, |top| after_skip.min(top));
    let mut response = document(TEXT_TYPE, counted.to_string());
    caching::tag(&mut response, validators.as_ref());
    cache_status::tell(response.headers_mut(), served);
    warn_of(&mut response, &answer.failures);
    warn_of_gaps(&mut response, &answer.gaps);
    Ok(response)
}

/// Answers with one version.
pub(super) async fn package(
    app: &App,
    feed: &FeedRequest<'_>,
    key: &Key,
    AskedBy { head, format }: AskedBy<'_>,
) -> Result<Response, ApiError> {
    let options = read_options(feed)?;
    let (mut response, edition, failures, served) = match format {
        Format::Json => {
            let found = find(app, feed, key).await?;
            let text = json::entry(feed.links(), &found.view(), options.select.as_deref());
            (document(JSON_TYPE, text), found.edition, found.failures, found.served)
        }
        Format::Atom => {
            let (answer, edition) = look_up(app, feed, key).await?;
            let parts = parts(app, feed, &answer.page, &options).await?;
            let entries = entries(&answer.page, &parts);
            let found = entries.first().ok_or_else(|| not_here(key))?;
            let response = document(ENTRY_TYPE, atom::entry(feed.links(), found));
            (response, edition, answer.failures, answer.served)
        }
    };
    // Only now: what is not here has no state that could be the same.
    let validators = validators(app, feed, head, edition);
    if let Some(mut known) = caching::not_modified(app, head, validators.as_ref(), Form::OData)? {
        cache_status::tell(known.headers_mut(), served);
        return Ok(known);
    }
    caching::tag(&mut response, validators.as_ref());
    cache_status::tell(response.headers_mut(), served);
    warn_of(&mut response, &failures);
    Ok(response)
}

/// One version, and the upstreams that could not be asked for it.
pub(super) struct Found {
    answered: Answered,
    record: Record,
    edition: Option<Edition>,
    pub(super) failures: Vec<MirrorError>,
    served: Served,
}

impl Found {
    pub(super) fn view(&self) -> EntryView<'_> {
        view(&self.answered, &self.record)
    }
}

/// Finds one version with its record.
pub(super) async fn find(app: &App, feed: &FeedRequest<'_>, key: &Key) -> Result<Found, ApiError> {
    let (answer, edition) = look_up(app, feed, key).await?;
    let records = app.mirror.records(&answer.page).await?;
    match answer.page.into_iter().zip(records).next() {
        Some((answered, Some(record))) => Ok(Found {
            answered,
            record,
            edition,
            failures: answer.failures,
            served: answer.served,
        }),
        _ => Err(not_here(key)),
    }
}

async fn look_up(app: &App, feed: &FeedRequest<'_>, key: &Key) -> Result<(Answer, Option<Edition>), ApiError> {
    app.mirror.learn_version(feed.feed, &key.id, &key.version).await?;
    let mut query = plan::package(key);
    narrow(feed, &mut query);
    let prepared = app.mirror.prepare(feed.feed, &query, &Relayed::default()).await?;
    let edition = prepared.edition();
    Ok((app.mirror.answer_prepared(prepared, &query).await?, edition))
}

fn validators(app: &App, feed: &FeedRequest<'_>, head: &Parts, edition: Option<Edition>) -> Option<Validators> {
    edition.map(|edition| caching::validators(app, feed, head, edition))
}

fn not_here(key: &Key) -> ApiError {
    ApiError::NotFound(format!("There is no package '{} {}' here.", key.id, key.version))
}

/// Reads the options that a feed's version of the protocol has.
pub(super) fn read_options(feed: &FeedRequest<'_>) -> Result<Options, ApiError> {
    let options = options::parse(feed.query)?;
    v1::check(&options, feed.protocol)?;
    Ok(options)
}

fn plan_list(
    app: &App,
    feed: &FeedRequest<'_>,
    collection: &Collection,
    options: &Options,
) -> Result<Plan, OptionsError> {
    let mut plan = plan::list(collection, options, u64::from(app.server.page_size))?;
    narrow(feed, &mut plan.query);
    Ok(plan)
}

fn narrow(feed: &FeedRequest<'_>, query: &mut Query) {
    if feed.protocol == Protocol::V1 {
        v1::narrow(query);
    }
}

/// Returns the rendered entries of versions, in their order. Those of version 2 with all properties are kept; others are
/// written anew.
async fn parts(
    app: &App,
    feed: &FeedRequest<'_>,
    page: &[Answered],
    options: &Options,
) -> Result<Vec<Option<Arc<EntryParts>>>, ApiError> {
    let is_kept = options.select.is_none() && feed.protocol == Protocol::V2;
    let mut parts = if is_kept {
        app.rendered.recall(page.iter().map(|answered| &answered.row))
    } else {
        vec![None; page.len()]
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
        let rendered = Arc::new(atom::render(&record, feed.protocol, options.select.as_deref()));
        if is_kept {
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

fn views<'a>(page: &'a [Answered], records: &'a [Option<Record>]) -> impl Iterator<Item = EntryView<'a>> {
    let pairs = page.iter().zip(records);
    pairs.filter_map(|(answered, record)| record.as_ref().map(|record| view(answered, record)))
}

fn view<'a>(answered: &Answered, record: &'a Record) -> EntryView<'a> {
    EntryView {
        record,
        is_latest: answered.is_latest,
        is_absolute_latest: answered.is_absolute_latest,
    }
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
