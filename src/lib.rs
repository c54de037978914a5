//! larder: a pull-through mirror and private feed for the `NuGet` v2 protocol.

pub mod catalog;
pub mod nuget;
pub mod odata;
