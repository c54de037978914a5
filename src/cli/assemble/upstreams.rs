//! From the configuration of an upstream to its client: here secrets and certificates are read.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::secrets::{self, reveal};
use crate::config::{self, Config, ProxyConfig, UpstreamConfig, UpstreamKind, UpstreamLimits, UserAgent};
use crate::upstream::{
    AccessSettings, BreakerSettings, ClientSettings, Hosts, Limits, Names, PaceSettings, ProxySettings, RetrySettings,
    Slowest, TemplateSettings, TemplateUpstream, Timeouts, Uplink, Upstream, V2Settings, V2Upstream,
};
use crate::via::Pseudonym;

/// Makes the client of an upstream.
pub(super) fn make(
    config: &Config,
    upstream: &UpstreamConfig,
    (uplink, pseudonym): (&Uplink, &Pseudonym),
    hosts: &Hosts,
) -> anyhow::Result<Arc<dyn Upstream>> {
    let timeouts = Timeouts {
        connect: upstream.timeouts.connect,
        header: upstream.timeouts.headers,
        body: upstream.timeouts.between_bytes,
        slowest: Slowest {
            bytes_per_second: upstream.timeouts.slowest.bytes(),
            ..Slowest::default()
        },
    };
    let user_agent = upstream.access.user_agent.as_ref().map_or_else(
        || format!("larder/{}", env!("CARGO_PKG_VERSION")),
        |agent: &UserAgent| agent.as_str().to_owned(),
    );
    let client = ClientSettings {
        timeouts,
        user_agent,
        access: access(&upstream.access)?,
        internal_hosts: upstream.access.internal_hosts.clone(),
        names: Names::default(),
        retry: RetrySettings {
            attempts: upstream.attempts,
            ..RetrySettings::default()
        },
        breaker: BreakerSettings::default(),
        uplink: uplink.clone(),
        pseudonym: pseudonym.clone(),
        pace: pace(&upstream.limits)?,
        hosts: hosts.clone(),
    };
    let name = upstream.name.clone();
    Ok(match &upstream.kind {
        UpstreamKind::V2 { root } => {
            let limits = Limits {
                page_bytes: config.limits.max_feed_page.bytes(),
                pages: usize::try_from(config.limits.max_next_links).unwrap_or(usize::MAX),
                ..Limits::default()
            };
            Arc::new(V2Upstream::new(V2Settings {
                name,
                base: root.clone(),
                client,
                limits,
            })?)
        }
        UpstreamKind::Template { template } => {
            let template = template.as_str().to_owned();
            Arc::new(TemplateUpstream::new(TemplateSettings { name, template, client })?)
        }
    })
}

fn pace(limits: &UpstreamLimits) -> anyhow::Result<PaceSettings> {
    let mut packages = Vec::new();
    for (id, per_minute) in &limits.packages {
        let id = id
            .parse()
            .with_context(|| format!("limits.packages: {id} is no package id"))?;
        packages.push((id, *per_minute));
    }
    Ok(PaceSettings {
        requests_per_minute: limits.requests_per_minute,
        downloads_per_minute: limits.downloads_per_minute,
        packages,
        concurrency: limits.concurrency,
        longest_wait: limits.longest_wait,
    })
}

/// Reads what an upstream's door opens to.
fn access(access: &config::Access) -> anyhow::Result<AccessSettings> {
    let credentials = &access.credentials;
    let login = match &credentials.login {
        Some((username, password)) => Some((reveal("username", username)?, reveal("password", password)?)),
        None => None,
    };
    let bearer = credentials.bearer.as_ref().map(|secret| reveal("bearer", secret));
    let api_key = credentials.api_key.as_ref().map(|secret| reveal("api_key", secret));
    let mut headers = Vec::new();
    for (name, secret) in &credentials.headers {
        let key = format!("headers.{}", name.as_str());
        headers.push((name.as_str().to_owned(), reveal(&key, secret)?));
    }
    let proxy = match &access.proxy {
        None => ProxySettings::Environment,
        Some(ProxyConfig::None) => ProxySettings::None,
        Some(ProxyConfig::At(url)) => ProxySettings::At(reveal("proxy", url)?),
    };
    Ok(AccessSettings {
        login,
        bearer: bearer.transpose()?,
        api_key: api_key.transpose()?,
        headers,
        proxy,
        authorities: access.ca.as_deref().map(read_authorities).transpose()?,
    })
}

fn read_authorities(file: &Path) -> anyhow::Result<Vec<u8>> {
    secrets::read(file).with_context(|| format!("ca: the certificates in {} cannot be read", file.display()))
}
