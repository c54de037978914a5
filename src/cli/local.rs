//! The server that runs on this machine's data folder, asked by the other commands over its administrators' routes, and pushed to.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::running::RunningServer;
use crate::catalog::SourceName;

/// A running server, and the key that it left for this machine.
pub(super) struct LocalServer {
    client: reqwest::Client,
    server: RunningServer,
}

impl LocalServer {
    /// Finds the server that announced itself in a state folder; `None` where none did, or one that is gone.
    pub(super) async fn find(state: &Path) -> anyhow::Result<Option<Self>> {
        let Some(server) = RunningServer::find(state) else {
            return Ok(None);
        };
        let client = crate::upstream::client::local_client()?;
        let found = Self { client, server };
        // A crash leaves its announcement behind.
        let greeting = found.client.get(found.url("/")).send().await;
        Ok(greeting.is_ok().then_some(found))
    }

    /// Reads the document of a route.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        read(self.ask(self.client.get(self.url(path))).await?).await
    }

    /// Sends a document to a route and reads the answer's.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, document: &impl Serialize) -> anyhow::Result<T> {
        read(self.send(path, document).await?).await
    }

    /// Sends a document to a route; an answer other than 200 is the error that it tells.
    pub(super) async fn send(&self, path: &str, document: &impl Serialize) -> anyhow::Result<reqwest::Response> {
        let request = self.client.post(self.url(path));
        let request = request
            .header("Content-Type", "application/json")
            .body(serde_json::to_vec(document)?);
        self.ask(request).await
    }

    /// Sends a file to a feed, as a push. The answer may be anything.
    pub(super) async fn push(
        &self,
        feed: &SourceName,
        length: u64,
        body: reqwest::Body,
    ) -> anyhow::Result<reqwest::Response> {
        let request = self.client.put(self.url(&format!("/feeds/{feed}/api/v2/package/")));
        let request = request
            .header("Content-Type", "application/octet-stream")
            .header("Content-Length", length);
        self.answer(request.body(body)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let request = request.header("X-NuGet-ApiKey", &self.server.import_key);
        request.send().await.context("the running server does not answer")
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let answer = self.answer(request).await?;
        let status = answer.status();
        if status.as_u16() == 200 {
            return Ok(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        anyhow::bail!(
            "{}",
            message(&text).unwrap_or_else(|| format!("the running server answered with status {status}"))
        )
    }

    /// Returns what to tell people before their work is done there.
    pub(super) fn greeting(&self) -> String {
        format!(
            "a server is running (process {}): working through http://{}",
            self.server.pid, self.server.address
        )
    }

    /// Sends a document to a route that answers line by line with the state of some work. Returns the last one.
    pub(super) async fn follow<T: DeserializeOwned>(
        &self,
        path: &str,
        document: &impl Serialize,
        show: impl Fn(&T),
    ) -> anyhow::Result<T> {
        let mut answer = self.send(path, document).await?;
        let (mut line, mut last) = (Vec::new(), None);
        while let Some(bytes) = answer.chunk().await.context("the running server stopped answering")? {
            for part in bytes.split_inclusive(|byte| *byte == b'\n') {
                line.extend_from_slice(part);
                if line.last() == Some(&b'\n') {
                    let state = serde_json::from_slice(&line);
                    let state = state.context("the running server's answer cannot be read; is it of this version?")?;
                    show(&state);
                    last = Some(state);
                    line.clear();
                }
            }
        }
        last.context("the running server said nothing")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", reachable(self.server.address))
    }
}

async fn read<T: DeserializeOwned>(answer: reqwest::Response) -> anyhow::Result<T> {
    let text = answer.bytes().await.context("the running server stopped answering")?;
    serde_json::from_slice(&text).context("the running server's answer cannot be read; is it of this version?")
}

/// Returns the words of an error document.
fn message(text: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    document.get("error")?.get("message")?.as_str().map(str::to_owned)
}

/// A server that listens on every address is reached on the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = match address.ip() {
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}
