//! What the integration tests share.

pub(crate) mod app;
pub(crate) mod chaos;
pub(crate) mod clients;
pub(crate) mod community;
pub(crate) mod corpus;
pub(crate) mod download;
pub(crate) mod faultd;
pub(crate) mod feed;
pub(crate) mod folder;
pub(crate) mod gallery;
pub(crate) mod judges;
pub(crate) mod larder;
pub(crate) mod long_list;
pub(crate) mod nupkg;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod raw_http;
pub(crate) mod searched;
pub(crate) mod upstream;
