//! An upstream with a delay and a line of a given speed: what a gallery far away looks like, in threads of this process.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};

use super::nupkg::Nupkg;

/// How much is sent at a time where the line has a speed, in bytes.
const PACKET: usize = 64 * 1024;

/// How a gallery answers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Line {
    /// From a request to its answer.
    pub(crate) delay: Duration,
    /// Bytes a second on one connection; 0 for as fast as it can.
    pub(crate) speed: u64,
}

/// A gallery that answers until it is dropped.
pub(crate) struct Gallery {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    line: Line,
    /// Answers by target.
    answers: Mutex<HashMap<String, Arc<Vec<u8>>>>,
    requests: AtomicU64,
    is_silent: AtomicBool,
}

impl Gallery {
    pub(crate) fn start(line: Line) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            line,
            answers: Mutex::default(),
            requests: AtomicU64::new(0),
            is_silent: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        // It ends with the process; whoever hangs up is no failure.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Ok(Self { address, shared })
    }

    /// Has all these versions of one id.
    pub(crate) fn add(&self, packages: Vec<Nupkg>) -> anyhow::Result<()> {
        let first = packages.first().context("no packages")?;
        let find = format!("/api/v2/FindPackagesById()?id=%27{}%27&semVerLevel=2.0.0", first.id);
        let entries: Vec<String> = packages.iter().map(|package| self.entry(package)).collect();
        let feed = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><title type="text">Packages</title>{}</feed>"#,
            entries.concat()
        );
        let mut answers = self
            .shared
            .answers
            .lock()
            .map_err(|_| anyhow::anyhow!("a thread failed"))?;
        answers.insert(find, Arc::new(feed.into_bytes()));
        for package in packages {
            answers.insert(download(&package.id, &package.version), Arc::new(package.bytes));
        }
        Ok(())
    }

    /// Answers nothing any more, and keeps all connections.
    pub(crate) fn fall_silent(&self) {
        self.shared.is_silent.store(true, Ordering::Relaxed);
    }

    /// Returns how many requests there were.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    fn entry(&self, Nupkg { id, version, bytes }: &Nupkg) -> String {
        format!(
            r#"<entry><id>http://gallery.test/api/v2/Packages(Id='{id}',Version='{version}')</id><title type="text">{id}</title><author><name>Ann</name></author><content type="application/zip" src="http://{}{}"/><m:properties><d:Version>{version}</d:Version><d:PackageHash>{}</d:PackageHash><d:PackageHashAlgorithm>SHA512</d:PackageHashAlgorithm><d:PackageSize m:type="Edm.Int64">{}</d:PackageSize></m:properties></entry>"#,
            self.address,
            download(id, version),
            STANDARD.encode(Sha512::digest(bytes)),
            bytes.len()
        )
    }
}

/// Returns where a gallery and a larder have the bytes of a version.
pub(crate) fn download(id: &impl std::fmt::Display, version: &impl std::fmt::Display) -> String {
    format!("/api/v2/package/{id}/{version}")
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> anyhow::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
            while line.trim_end() != "" {
                line.clear();
                stream.read_line(&mut line)?;
            }
            self.requests.fetch_add(1, Ordering::Relaxed);
            while self.is_silent.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
            }
            std::thread::sleep(self.line.delay);
            let answer = self
                .answers
                .lock()
                .ok()
                .and_then(|answers| answers.get(&target).cloned());
            self.answer(stream.get_mut(), answer.as_deref().map(Vec::as_slice))?;
        }
    }

    fn answer(&self, stream: &mut TcpStream, body: Option<&[u8]>) -> std::io::Result<()> {
        let Some(body) = body else {
            return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        if self.line.speed == 0 {
            return stream.write_all(body);
        }
        let started = Instant::now();
        let mut sent = 0;
        for packet in body.chunks(PACKET) {
            stream.write_all(packet)?;
            sent += packet.len() as u64;
            let due = Duration::from_micros(sent.saturating_mul(1_000_000) / self.line.speed);
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        Ok(())
    }
}
