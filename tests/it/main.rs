//! The integration tests: one binary, so that it is linked once.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, also in the support code that clippy does not know as a test"
)]

mod administration;
mod answers;
mod architecture;
mod attack;
mod batch;
mod cache_size;
mod cache_status;
mod commands;
mod company_day;
#[path = "../conformance/mod.rs"]
mod conformance;
mod corruption;
mod endpoints;
mod faults;
mod filters;
mod fuzz_corpus;
mod http_caching;
mod joined;
mod judges;
mod kill;
mod last_updated;
mod listings;
mod offline;
mod oracle;
mod paging;
mod prefetching;
mod privacy;
mod pull_through;
mod push;
mod push_rules;
mod real_clients;
mod real_nupkgs;
mod recorded;
mod replay;
mod searching;
mod several_upstreams;
mod store;
mod support;
mod syncing;
mod updates;
mod upstream_access;
mod upstream_calm;
mod upstream_download;
mod upstream_v2;
mod warm;
