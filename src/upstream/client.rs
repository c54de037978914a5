//! The HTTP client of one upstream: one GET, its redirects, its time limits, and what the answer means.
//!
//! It sends credentials to the upstream's own origin alone, keeps no cookies, follows no downgrade to http, and does not
//! know what a feed or a package is.

use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::BytesMut;
use reqwest::Response;
use reqwest::header::{HeaderMap, VIA};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::address;
use super::answer::Answer;
use super::error::{BadAnswer, Outage, UpstreamError, bad, unavailable};
use super::guard::{Guard, NotPublic, PublicResolver};
use super::headers::{is_redirect, redirect_target, retry_after};
use super::names::Names;
use super::scheduler::{Permit, Scheduler, Share};
use super::settings::{ClientSettings, Timeouts};
use super::status::UpstreamStatus;
use super::tempo::Tempo;
use super::uplink::Uplink;
use super::urgency::Urgency;
use super::want::Want;
use crate::limits::MAX_ERROR_PAGE_BYTES;
use crate::nuget::PackageId;
use crate::redact;
use crate::via::Pseudonym;

/// Redirects that are followed for one request.
const MAX_REDIRECTS: usize = 5;

/// Connections that idle longer are closed: before the upstream closes them under a request.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// Why there is no client for an upstream.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address is none that can be asked.
    #[error("'{url}' is not an http or https address")]
    Address {
        /// The address, without secrets.
        url: String,
    },
    /// The HTTP client refuses its settings.
    #[error("the HTTP client cannot be set up: check the user agent and the system's certificates")]
    Client(#[source] reqwest::Error),
    /// A secret has characters that a header cannot carry.
    #[error("{key}: its value has characters that no header can carry; printable ASCII can be sent")]
    Header {
        /// Which key's, or which header's.
        key: String,
    },
    /// The proxy has no address.
    #[error("proxy: it must be a URL that starts with http:// or https://, such as http://proxy.example.com:3128")]
    Proxy,
    /// The certificates cannot be read.
    #[error("ca: the file must hold certificates in PEM form")]
    Authorities(#[source] reqwest::Error),
    /// There are no certificates.
    #[error(
        "ca: the file holds no certificate; it must hold some in PEM form, each from -----BEGIN CERTIFICATE----- on"
    )]
    NoAuthorities,
}

/// The client of one upstream.
pub(crate) struct HttpClient {
    /// For what the configuration names.
    at_home: reqwest::Client,
    /// For everywhere else, on the public internet.
    abroad: reqwest::Client,
    guard: Guard,
    names: Names,
    scheduler: Scheduler,
    timeouts: Timeouts,
    uplink: Uplink,
    pseudonym: Pseudonym,
    /// The upstream's address, without credentials.
    home: Url,
    /// What shows who asks.
    credentials: HeaderMap,
    /// Whether a proxy looks names up in our stead.
    is_proxied: bool,
}

impl HttpClient {
    /// Makes the client of the upstream at `home`, whose credentials it takes out of the URL.
    pub(crate) fn new(home: &Url, settings: &ClientSettings) -> Result<Self, SetupError> {
        install_tls();
        let timeouts = settings.timeouts;
        // What runs at once needs no more.
        let idle_at_most = usize::try_from(settings.pace.concurrency).unwrap_or(usize::MAX);
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(&settings.user_agent)
                .redirect(reqwest::redirect::Policy::none())
                // Bodies are inflated by whoever reads them, with an eye on what they come to.
                .no_gzip()
                .connect_timeout(timeouts.connect)
                .pool_max_idle_per_host(idle_at_most)
                .pool_idle_timeout(IDLE_LIMIT);
            settings.access.apply(builder)
        };
        let proxies = settings.access.proxies();
        let is_proxied = !proxies.is_empty();
        let resolver = PublicResolver::new(settings.names.clone(), proxies);
        let at_home = builder()?.dns_resolver(settings.names.clone()).build();
        let at_home = at_home.map_err(SetupError::Client)?;
        let abroad = builder()?.dns_resolver(resolver).build().map_err(SetupError::Client)?;
        let guard = Guard::new(home, &settings.internal_hosts);
        Ok(Self {
            at_home,
            abroad,
            guard,
            names: settings.names.clone(),
            scheduler: Scheduler::new(&address::without_credentials(home.clone()), settings),
            timeouts,
            uplink: settings.uplink.clone(),
            pseudonym: settings.pseudonym.clone(),
            home: address::without_credentials(home.clone()),
            credentials: settings.access.credentials(home)?,
            is_proxied,
        })
    }

    /// Returns the upstream's address, without credentials.
    pub(crate) fn home(&self) -> &Url {
        &self.home
    }

    /// Gets the feed at `url` when it is its turn; failures of the moment are tried again.
    pub(crate) async fn get(&self, url: Url, want: Want<'_>, urgency: &Urgency) -> Result<Answer, UpstreamError> {
        self.download(url, want, Share::Feed, urgency).await
    }

    /// Gets what takes a share, as [`Self::get`] does. As soon as no upstream is to be asked, also what waits for its turn or for an
    /// answer ends.
    pub(crate) async fn download(
        &self,
        url: Url,
        want: Want<'_>,
        share: Share,
        urgency: &Urgency,
    ) -> Result<Answer, UpstreamError> {
        let offline = unavailable(&url, Outage::Offline);
        tokio::select! {
            biased;
            () = self.uplink.until_cut() => Err(offline),
            answer = self.get_online(url, want, share, urgency) => answer,
        }
    }

    async fn get_online(
        &self,
        url: Url,
        want: Want<'_>,
        share: Share,
        urgency: &Urgency,
    ) -> Result<Answer, UpstreamError> {
        let mut started = None;
        let mut attempt = 1;
        loop {
            let permit = self.scheduler.admit(&url, share, urgency, attempt).await?;
            let started = *started.get_or_insert_with(Instant::now);
            let answer = self.follow(url.clone(), want, permit).await;
            let failure = match answer {
                Ok(answer) => return Ok(Answer { attempt, ..answer }),
                Err(failure) => failure,
            };
            let Some(pause) = self.next_attempt(&url, attempt, started.elapsed(), &failure) else {
                return Err(failure);
            };
            tracing::debug!(%failure, attempt, wait_ms = pause.as_millis(), "an upstream is asked again");
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// Gets `url` once more when it is its turn, as attempt `attempt` at the same thing. As soon as no upstream is to be asked, also
    /// what waits ends.
    pub(super) async fn once_more(
        &self,
        url: &Url,
        want: Want<'_>,
        share: Share,
        urgency: &Urgency,
        attempt: u32,
    ) -> Result<Answer, UpstreamError> {
        let online = async {
            let permit = self.scheduler.admit(url, share, urgency, attempt).await?;
            let answer = self.follow(url.clone(), want, permit).await?;
            Ok(Answer { attempt, ..answer })
        };
        tokio::select! {
            biased;
            () = self.uplink.until_cut() => Err(unavailable(url, Outage::Offline)),
            answer = online => answer,
        }
    }

    /// Returns how long to wait before `url` is asked again after so many attempts; `None` where it is not to be.
    pub(super) fn next_attempt(
        &self,
        url: &Url,
        attempts: u32,
        elapsed: Duration,
        failure: &UpstreamError,
    ) -> Option<Duration> {
        self.scheduler.retry(url, attempts, elapsed, failure, chance())
    }

    /// Returns what a download of a package takes a share of.
    pub(crate) fn share_of(&self, id: &PackageId) -> Share {
        self.scheduler.share_of(id)
    }

    /// Returns how the upstream does.
    pub(crate) fn status(&self) -> UpstreamStatus {
        self.scheduler.status()
    }

    /// Gets `url`, following redirects.
    async fn follow(&self, url: Url, want: Want<'_>, permit: Permit) -> Result<Answer, UpstreamError> {
        let mut url = url;
        for hop in 0..=MAX_REDIRECTS {
            if hop > 0 {
                self.scheduler.go_on(&url).await?;
            }
            let answer = self.step(&url, want).await;
            self.scheduler.note(&url, answer.as_ref().err());
            url = match answer? {
                Step::Arrived(response) => {
                    return Ok(Answer {
                        length: response.content_length(),
                        response,
                        url,
                        attempt: 1,
                        body_timeout: self.timeouts.body,
                        tempo: Tempo::new(self.timeouts.slowest),
                        permit,
                        uplink: self.uplink.clone(),
                    });
                }
                Step::Redirected(to) => to,
            };
        }
        Err(bad(&url, BadAnswer::Redirect("more than 5 times")))
    }

    async fn step(&self, url: &Url, want: Want<'_>) -> Result<Step, UpstreamError> {
        let response = self.send(url, want).await?;
        if is_redirect(response.status()) {
            let to = redirect_target(&response, url);
            return to
                .map(Step::Redirected)
                .map_err(|reason| bad(url, BadAnswer::Redirect(reason)));
        }
        self.accept(response, url, want).await.map(Step::Arrived)
    }

    async fn send(&self, url: &Url, want: Want<'_>) -> Result<Response, UpstreamError> {
        self.guard
            .admit(url)
            .map_err(|refusal| bad(url, BadAnswer::Guarded(refusal.to_string())))?;
        if self.is_proxied {
            let judged = timeout(self.timeouts.connect, self.guard.admit_name(url, &self.names)).await;
            judged
                .map_err(|_| unavailable(url, Outage::ConnectTimeout(self.timeouts.connect)))?
                .map_err(|refusal| bad(url, BadAnswer::Guarded(refusal.to_string())))?;
        }
        let client = if self.guard.is_configured(url) {
            &self.at_home
        } else {
            &self.abroad
        };
        let mut request = client.get(url.clone()).headers(want.headers());
        request = request.header(VIA, self.pseudonym.header());
        if url.origin() == self.home.origin() {
            request = request.headers(self.credentials.clone());
        }
        match timeout(self.timeouts.header, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.failed(url, error)),
            Err(_) => Err(unavailable(url, Outage::HeaderTimeout(self.timeouts.header))),
        }
    }

    fn failed(&self, url: &Url, error: reqwest::Error) -> UpstreamError {
        let is_garbage =
            causes(&error).any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse));
        if let Some(refusal) = causes(&error).find_map(|cause| cause.downcast_ref::<NotPublic>()) {
            return bad(url, BadAnswer::Guarded(refusal.to_string()));
        }
        let (is_connect, is_timeout) = (error.is_connect(), error.is_timeout());
        let source = Arc::new(error.without_url());
        if is_garbage {
            return bad(url, BadAnswer::NotHttp { source });
        }
        let outage = match (is_connect, is_timeout) {
            (true, true) => Outage::ConnectTimeout(self.timeouts.connect),
            (true, false) => Outage::Connect { source },
            (false, _) => Outage::Lost { source },
        };
        unavailable(url, outage)
    }

    /// Sorts an answer by its status: there, absent, unavailable, forbidden, or nonsense.
    async fn accept(&self, response: Response, url: &Url, want: Want<'_>) -> Result<Response, UpstreamError> {
        let status = response.status().as_u16();
        match status {
            _ if want.is_answered_by(response.status()) => Ok(response),
            404 | 410 => Err(UpstreamError::NotFound {
                url: redact::url(url).to_string(),
                status,
            }),
            401 | 403 | 407 | 451 => Err(UpstreamError::Refused {
                url: redact::url(url).to_string(),
                status,
            }),
            508 => Err(bad(url, BadAnswer::Loop)),
            408 | 429 | 500..=599 => Err(UpstreamError::Unavailable {
                url: redact::url(url).to_string(),
                retry_after: retry_after(response.headers()),
                outage: if status == 429 && self.is_ban(response).await {
                    Outage::Banned
                } else {
                    Outage::Status(status)
                },
            }),
            _ => Err(bad(url, BadAnswer::Status(status))),
        }
    }

    /// Looks for Cloudflare's error 1015 in the page of a 429, as it stands in its texts and in its web pages.
    async fn is_ban(&self, mut response: Response) -> bool {
        let mut page = BytesMut::new();
        while page.len() < MAX_ERROR_PAGE_BYTES {
            match timeout(self.timeouts.body, response.chunk()).await {
                Ok(Ok(Some(chunk))) => page.extend_from_slice(&chunk),
                _ => break,
            }
        }
        let page = page.to_ascii_lowercase();
        let says = |text: &str| memchr::memmem::find(&page, text.as_bytes()).is_some();
        // The number alone can be part of any other, such as the request's.
        ["error code: 1015", "error code 1015", "error 1015", ">1015<"]
            .into_iter()
            .any(says)
    }
}

/// Where one request led.
enum Step {
    Arrived(Response),
    Redirected(Url),
}

/// A number from 0 to 1; the middle where the system gives no randomness.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

/// Chooses the implementation of TLS, once for the process; one that is chosen already stays.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Makes a client for a larder on the same machine: no proxy, no redirects.
///
/// # Errors
/// [`SetupError::Client`].
pub fn local_client() -> Result<reqwest::Client, SetupError> {
    install_tls();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(SetupError::Client)
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
