//! larder: a pull-through mirror and private feed for the NuGet v2 protocol.
//!
//! # The map
//!
//! ```text
//! main -> cli -> http -> mirror -> store    -> catalog -> nuget
//!                  |       |-----> view     -> catalog
//!                  |       '-----> upstream -> odata -> catalog
//!                  '-------------> odata, mime
//! config, clock, telemetry, redact, auth: leaves; the pure modules use none of them
//! ```
//!
//! `nuget`, `catalog`, `mime` and `odata` are pure: no file, socket, clock or runtime. `view` has state but does no IO. `store` and
//! `upstream` never see each other. `mirror` knows no wire format and no status code, `http` no database and no upstream's
//! client. A test holds the code to it (`tests/it/architecture.rs`).
//!
//! # Three walks
//!
//! **A download miss**, `GET /api/v2/package/{id}/{version}`: [`http::router`] finds the feed, `odata::address` reads the raw
//! path, `http::v2::download` asks [`mirror::Mirror::locate`]: may an upstream answer for this id (`mirror::policy`)? Is the
//! version known (`view`), and is what is known fresh (`mirror::freshness`)? Then one fetch for all who wait
//! (`mirror::fetch`), a task of its own: the upstream's bytes go to the spool, hashed and counted; readers follow the
//! writer (`mirror::follow`); the whole is verified, and only then do file, sidecar and index change and the view with them.
//!
//! **A push**, `PUT /api/v2/package/`: key, body to the spool (`http::v2::push`, `http::multipart`), then
//! [`mirror::Mirror::publish`]: `nuget::nupkg` looks into it, `store::packages` keeps file and sidecar, the index commits what
//! `catalog::change` decides, flushes, and the view shows it. 201 after that, not before.
//!
//! **A query**, `GET /api/v2/Packages()?$filter=...`: `odata::options` and `odata::filter` read it, `odata::plan` makes a
//! [`catalog::Query`] of it, [`mirror::Mirror::query`] asks the upstreams for the ids it fixes, or hands a search on
//! (`mirror::relay`), and `view` answers, exactly, whatever the plan. `odata::atom` writes it.

pub mod auth;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod limits;
pub mod mime;
pub mod mirror;
pub mod nuget;
pub mod odata;
pub mod redact;
pub mod store;
pub mod telemetry;
pub mod upstream;
pub mod via;
pub mod view;
