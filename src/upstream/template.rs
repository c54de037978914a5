//! A place with nupkgs whose addresses follow from id and version. It announces nothing: what is there is known by
//! fetching it.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{self, BoxFuture};
use url::Url;

use super::address::{self, encode};
use super::client::{HttpClient, SetupError};
use super::content::open_package;
use super::error::bad;
use super::settings::ClientSettings;
use super::{
    BadAnswer, ContentStream, Upstream, UpstreamError, UpstreamPage, UpstreamSearch, UpstreamStatus, Urgency, Versions,
};
use super::{ListPage, Listing};
use crate::catalog::{Announced, SourceName, Validators};
use crate::nuget::{NuGetVersion, PackageId};
use crate::redact;

/// What a template upstream needs to know.
#[derive(Debug, Clone)]
pub struct TemplateSettings {
    /// The name of the source.
    pub name: SourceName,
    /// The URL in which `@ID` and `@VERSION` are replaced; may hold a user and a password.
    pub template: String,
    /// How it is asked.
    pub client: ClientSettings,
}

/// A place with nupkgs, at addresses made from a template.
pub struct TemplateUpstream {
    name: SourceName,
    template: String,
    client: Arc<HttpClient>,
}

impl TemplateUpstream {
    /// Makes the client of such a place; connects nowhere yet.
    pub fn new(settings: TemplateSettings) -> Result<Self, SetupError> {
        let sample = address::parse(&fill(&settings.template, "id", "1.0")).ok_or_else(|| SetupError::Address {
            url: redact::url_text(&settings.template).to_string(),
        })?;
        Ok(Self {
            name: settings.name,
            template: settings.template,
            client: Arc::new(HttpClient::new(&sample, &settings.client)?),
        })
    }

    /// Returns where the nupkg of a version lies.
    fn address(&self, id: &PackageId, version: &NuGetVersion) -> Result<Url, UpstreamError> {
        let filled = fill(&self.template, id.as_str(), version.as_str());
        let url = address::parse(&filled).ok_or_else(|| {
            let link = redact::url_text(&filled).to_string();
            let reason = address::NO_ADDRESS;
            bad(self.client.home(), BadAnswer::Link { link, reason })
        })?;
        Ok(address::without_credentials(url))
    }
}

impl Upstream for TemplateUpstream {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn announces(&self) -> bool {
        false
    }

    fn status(&self) -> UpstreamStatus {
        self.client.status()
    }

    fn versions<'a>(
        &'a self,
        _: &'a PackageId,
        _: Option<&'a Validators>,
        _: &'a Urgency,
    ) -> BoxFuture<'a, Result<Versions, UpstreamError>> {
        future::ready(Ok(Versions::none())).boxed()
    }

    fn search<'a>(
        &'a self,
        _: &'a UpstreamSearch,
        _: &'a Urgency,
    ) -> BoxFuture<'a, Result<UpstreamPage<Announced>, UpstreamError>> {
        future::ready(Ok(UpstreamPage {
            items: Vec::new(),
            total: Some(0),
            next_skip: None,
        }))
        .boxed()
    }

    fn list<'a>(&'a self, _: &'a Listing, _: &'a Urgency) -> BoxFuture<'a, Result<ListPage, UpstreamError>> {
        let nothing = ListPage {
            items: Vec::new(),
            next: None,
        };
        future::ready(Ok(nothing)).boxed()
    }

    fn count<'a>(&'a self, _: &'a UpstreamSearch, _: &'a Urgency) -> BoxFuture<'a, Result<u64, UpstreamError>> {
        future::ready(Ok(0)).boxed()
    }

    fn open<'a>(
        &'a self,
        id: &'a PackageId,
        version: &'a NuGetVersion,
        _: Option<&'a str>,
        urgency: &'a Urgency,
    ) -> BoxFuture<'a, Result<ContentStream, UpstreamError>> {
        async move {
            open_package(
                &self.client,
                self.address(id, version)?,
                self.client.share_of(id),
                urgency,
            )
            .await
        }
        .boxed()
    }
}

/// Replaces the placeholders; ids and versions have no `@`, so the order does not matter.
fn fill(template: &str, id: &str, version: &str) -> String {
    template
        .replace("@ID", &encode(id))
        .replace("@VERSION", &encode(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(template: &str) -> Result<TemplateUpstream, SetupError> {
        TemplateUpstream::new(TemplateSettings {
            name: "t".parse().unwrap(),
            template: template.to_owned(),
            client: ClientSettings::default(),
        })
    }

    #[test]
    fn placeholders_are_replaced_encoded() {
        for (template, id, version, expected) in [
            (
                "http://t.test/@ID/@ID.@VERSION.nupkg",
                "Git",
                "1.0",
                "http://t.test/Git/Git.1.0.nupkg",
            ),
            (
                "http://u:p@t.test/get?id=@ID&v=@VERSION",
                "Ünï",
                "1.0-a.1+b",
                "http://t.test/get?id=%C3%9Cn%C3%AF&v=1.0-a.1%2Bb",
            ),
        ] {
            let url = upstream(template)
                .unwrap()
                .address(&id.parse().unwrap(), &version.parse().unwrap());
            assert_eq!(url.unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_template_is_a_web_address() {
        for template in ["@ID/@VERSION", "ftp://t.test/@ID", "http:///", ""] {
            assert!(upstream(template).is_err(), "{template}");
        }
    }
}
