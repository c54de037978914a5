//! `larder import`: packages from files into a feed, as if each were pushed.
//!
//! Where a server has the data folder open the packages go through it, with the key that it left for this; otherwise they are
//! put into the folder directly. Both ways end in the same function.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use reqwest::header::ETAG;
use tokio::io::AsyncReadExt as _;

use super::progress;
use super::work::Worker;
use crate::catalog::{Origin, SourceName};
use crate::config::Config;
use crate::http::conditional::ETag;
use crate::mirror::{Mirror, PublishError};
use crate::nuget::AnnouncedHash;
use crate::store::rebuild;

/// What became of one file.
enum Imported {
    /// It is in the feed.
    Taken,
    /// It was there before, byte for byte.
    Present,
}

/// Imports files and folders. Exit code 1 where any package was refused; one that is there already is none of them.
pub(super) async fn run(config: &Config, feed: Option<SourceName>, paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let feed = match feed {
        Some(name) => config
            .feed(&name)
            .with_context(|| format!("there is no feed '{name}' in the configuration"))?,
        None => config.default_feed(),
    };
    let files = find_nupkgs(paths)?;
    anyhow::ensure!(!files.is_empty(), "there is no .nupkg file in what was named");
    let target = Target {
        worker: Worker::open(config).await?,
        feed: feed.name.clone(),
    };
    let bar = progress::bar("importing");
    bar.set_length(files.len() as u64);
    let (mut taken, mut present, mut refused) = (0_u64, 0_u64, 0_u64);
    for file in &files {
        match target.import(file).await? {
            Ok(Imported::Taken) => taken += 1,
            Ok(Imported::Present) => {
                present += 1;
                bar.suspend(|| eprintln!("skipped {}: it is there already", file.display()));
            }
            Err(reason) => {
                refused += 1;
                bar.suspend(|| eprintln!("refused {}: {reason}", file.display()));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    target.worker.close().await?;
    println!(
        "imported {taken} of {} packages into feed '{}'; {present} were there already, {refused} were refused",
        files.len(),
        feed.name
    );
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Finds the nupkgs that paths name, folders at any depth, in the order of their names. Symbols packages are left out, as
/// `nuget` does when it is handed a folder.
fn find_nupkgs(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            collect(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let context = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        let is_symbols = name.ends_with(".symbols.nupkg");
        if entry.file_type().with_context(context)?.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("nupkg"))
            && !is_symbols
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Where packages go.
struct Target {
    worker: Worker,
    feed: SourceName,
}

impl Target {
    /// Imports a file. The inner error is the reason for which it was refused.
    async fn import(&self, file: &Path) -> anyhow::Result<Result<Imported, String>> {
        let body = tokio::fs::File::open(file)
            .await
            .with_context(|| format!("cannot read {}", file.display()))?;
        let feed = &self.feed;
        match &self.worker {
            Worker::Folder { mirror, .. } => into_folder(mirror, feed, body).await,
            Worker::Server(server) => {
                let length = body.metadata().await?.len();
                let path = file.to_owned();
                let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(body));
                let answer = server.push(feed, length, body).await?;
                let status = answer.status();
                let held = answer.headers().get(ETAG).cloned();
                let text = answer.text().await.unwrap_or_default();
                match status.as_u16() {
                    201 => Ok(Ok(Imported::Taken)),
                    409 => {
                        let sent =
                            tokio::task::spawn_blocking(move || rebuild::hash(std::fs::File::open(path)?)).await??;
                        let tag = sent.sha512.parse().ok().map(|digest| ETag::of(&digest).header());
                        Ok(present(tag.is_some() && tag == held))
                    }
                    400 | 413 => Ok(Err(text)),
                    _ => anyhow::bail!("the running server answered with status {status}: {text}"),
                }
            }
        }
    }
}

/// What becomes of a file whose version is there already.
fn present(is_same: bool) -> Result<Imported, String> {
    if is_same {
        Ok(Imported::Present)
    } else {
        Err(
            "this version is there already, with other bytes; give the package another version, or delete that one"
                .to_owned(),
        )
    }
}

async fn into_folder(
    mirror: &Mirror,
    feed: &SourceName,
    mut body: tokio::fs::File,
) -> anyhow::Result<Result<Imported, String>> {
    let mut writer = mirror
        .spool()
        .create(mirror.limits().package_bytes, &AnnouncedHash::Other)
        .await?;
    let mut buffer = bytes::BytesMut::with_capacity(256 * 1024);
    while body.read_buf(&mut buffer).await? > 0 {
        if let Err(error) = writer.write(buffer.split().freeze()).await {
            return if error.is_too_large() {
                Ok(Err(error.to_string()))
            } else {
                Err(error.into())
            };
        }
        buffer.reserve(256 * 1024);
    }
    let spooled = writer.finish().await?;
    let content = spooled.content.clone();
    match mirror.publish(feed, spooled, Origin::Imported).await {
        Ok(_) => Ok(Ok(Imported::Taken)),
        Err(PublishError::Exists { held, .. }) => Ok(present(held == Some(content))),
        Err(refused @ (PublishError::Invalid(_) | PublishError::Refused(_))) => Ok(Err(refused.to_string())),
        Err(failed) => Err(failed.into()),
    }
}
