//! The three kinds of client that every request is sent as, byte for byte: no URL library in between, which would encode
//! quotes that clients leave alone.

use std::fmt::Write as _;

use crate::support::app::KEY;
use crate::support::raw_http::{Answer, Connection};

use super::feed;
use super::table::{Body, Step};

/// A set of headers, and the HTTP that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// Chocolatey CLI 2 and NuGet.Client: HTTP/1.1, asks for gzip.
    Choco2,
    /// Chocolatey CLI 1 and NuGet 2: WCF Data Services over HTTP/1.0, a connection a request.
    Wcf,
    /// A script: nothing but `Host`.
    Bare,
}

pub(super) const CLIENTS: [Client; 3] = [Client::Choco2, Client::Wcf, Client::Bare];

const BOUNDARY: &str = "---------------------------8d1f0a3c5b7e9d2";

impl Client {
    /// Sends a step's request and reads the answer; for HTTP/1.0 the end of the connection too.
    pub(super) fn send(self, authority: &str, step: &Step) -> Result<Answer, String> {
        let mut connection = Connection::open(authority);
        connection.send(&self.bytes(authority, step));
        let answer = connection.answer(&step.method);
        if self == Self::Wcf {
            if answer.header("Transfer-Encoding").is_some() {
                return Err("chunks for HTTP/1.0".to_owned());
            }
            if !connection.is_closed() {
                return Err("the connection of HTTP/1.0 is left open".to_owned());
            }
        }
        Ok(answer)
    }

    fn bytes(self, authority: &str, step: &Step) -> Vec<u8> {
        let http = if self == Self::Wcf { "1.0" } else { "1.1" };
        let mut head = format!("{} {} HTTP/{http}\r\n", step.method, step.target);
        let mut headers = vec![("Host", authority.to_owned())];
        headers.extend(self.headers(step));
        let (content_type, body) = self.body(authority, &step.body);
        if let Some(content_type) = content_type {
            headers.push(("Content-Type", content_type));
        }
        let is_own = |name: &str| step.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        for (name, value) in headers.iter().filter(|(name, _)| !is_own(name)) {
            write!(head, "{name}: {value}\r\n").expect("a string takes all");
        }
        for (name, value) in step.headers.iter().filter(|(_, value)| !value.is_empty()) {
            write!(head, "{name}: {value}\r\n").expect("a string takes all");
        }
        let mut bytes = head.into_bytes();
        if self == Self::Choco2 && matches!(step.body, Body::Package(_)) {
            bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(1000) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else if matches!(step.method.as_str(), "GET" | "HEAD") {
            bytes.extend(b"\r\n");
        } else {
            bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend(body);
        }
        bytes
    }

    fn headers(self, step: &Step) -> Vec<(&'static str, String)> {
        let path = step.target.split('?').next().unwrap_or_default().to_ascii_lowercase();
        let is_count = path.ends_with("$count");
        let has_feed = ["search", "packages(", "findpackage", "getupdates", "$metadata"]
            .iter()
            .any(|name| path.contains(name))
            || path.ends_with("packages");
        let mut headers = Vec::new();
        let mut add = |name, value: &str| headers.push((name, value.to_owned()));
        match self {
            Self::Choco2 => {
                add(
                    "User-Agent",
                    "Chocolatey Command Line/2.7.3 powershell/5.1 via NuGet Client/3.5.0 (Microsoft Windows NT 10.0.22631.0)",
                );
                add("X-NuGet-Client-Version", "3.5.0");
                add("X-NuGet-Session-Id", "8f6a3ab0-6a3f-4c0e-9d3e-0d5b3c1b7a10");
                add("Accept-Language", "en-US");
                add("Accept-Encoding", "gzip, deflate");
                if is_count {
                    add("Accept", "text/plain");
                } else if has_feed {
                    add("Accept", "application/atom+xml, application/xml");
                }
            }
            Self::Wcf => {
                let needs_two = ["$count", "$inlinecount", "$select"]
                    .iter()
                    .any(|word| step.target.contains(word));
                add(
                    "User-Agent",
                    "NuGet/2.8.60717.93 (Microsoft Windows NT 6.1.7601 Service Pack 1)",
                );
                add("DataServiceVersion", if needs_two { "2.0;NetFx" } else { "1.0;NetFx" });
                add("MaxDataServiceVersion", "2.0;NetFx");
                add(
                    "Accept",
                    if is_count {
                        "text/plain"
                    } else {
                        "application/atom+xml,application/xml"
                    },
                );
                add("Accept-Charset", "UTF-8");
                add("Accept-Encoding", "gzip, deflate");
            }
            Self::Bare => {}
        }
        if !matches!(step.method.as_str(), "GET" | "HEAD") && !matches!(step.body, Body::Batch(_)) {
            add("X-NuGet-ApiKey", KEY);
        }
        headers
    }

    fn body(self, authority: &str, body: &Body) -> (Option<String>, Vec<u8>) {
        match body {
            Body::Nothing => (None, Vec::new()),
            Body::Text(text) => (Some("application/octet-stream".to_owned()), text.clone().into_bytes()),
            Body::Batch(targets) => {
                let parts = targets.iter().map(|target| batch_part(authority, target));
                let body = format!("{}--batch_1--\r\n", parts.collect::<String>());
                (Some("multipart/mixed; boundary=batch_1".to_owned()), body.into_bytes())
            }
            Body::Package(described) => {
                let package = feed::package(described).packed();
                self.envelope(&package.bytes)
            }
        }
    }

    /// Puts a package into the form that the client pushes it in.
    fn envelope(self, package: &[u8]) -> (Option<String>, Vec<u8>) {
        let (content_type, disposition, end) = match self {
            Self::Choco2 => (
                format!("multipart/form-data; boundary=\"{BOUNDARY}\""),
                "form-data; name=package; filename=package.nupkg; filename*=utf-8''package.nupkg",
                format!("\r\n--{BOUNDARY}--\r\n"),
            ),
            Self::Wcf => (
                format!("multipart/form-data; boundary={BOUNDARY}"),
                "form-data; name=\"package\"; filename=\"package\"",
                format!("\r\n--{BOUNDARY}--"),
            ),
            Self::Bare => return (Some("application/octet-stream".to_owned()), package.to_vec()),
        };
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        (Some(content_type), [head.as_bytes(), package, end.as_bytes()].concat())
    }
}

fn batch_part(authority: &str, target: &str) -> String {
    format!(
        "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET http://{authority}{target} HTTP/1.1\r\nAccept: application/atom+xml\r\n\r\n"
    )
}
