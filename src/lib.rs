//! larder: a pull-through mirror and private feed for the `NuGet` v2 protocol.

pub mod auth;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod mirror;
pub mod nuget;
pub mod odata;
pub mod redact;
pub mod store;
pub mod telemetry;
pub mod upstream;
pub mod view;
