//! `larder serve`: the mirror, until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::Listener as _;

use super::assemble::{self, Keys};
use super::running::{self, RunningServer};
use crate::auth::{ApiKey, administrator};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::listener::{Connection, HttpListener};
use crate::http::router::router;
use crate::store::{OpenError, Store};

/// How long answers that are under way may take once the server is told to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);

/// Serves until SIGTERM or SIGINT; then finishes what is under way and closes the index.
pub(super) async fn run(config: &Config, admin_key: Option<&ApiKey>) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let settings = assemble::store_settings(config);
    let state = settings.data.join("state");
    let (store, rows, opening) = match Store::open(settings, &clock).await {
        Err(OpenError::InUse { .. }) => anyhow::bail!("{}", running::serving_already(&state)),
        opened => opened?,
    };
    assemble::log_opening(&opening);
    let listener = match HttpListener::bind(config.server.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            // Nothing has changed: the next start need not take this for a crash.
            store.close().await?;
            let what = format!(
                "cannot listen on {}; server.listen in the configuration names the address and port",
                config.server.listen
            );
            return Err(anyhow::Error::new(error).context(what));
        }
    };
    let address = listener.local_addr()?;
    let mirror = assemble::mirror(config, &store, rows, &clock)?;
    // Last of all that can fail: a key that is made now must also be shown.
    let administrator = administrator(admin_key, &store.state, clock.now())?;
    let import_key = ApiKey::generate()?;
    let made = administrator.made.clone();
    let keys = Keys {
        administrator,
        import_key: import_key.digest(),
    };
    let tending = tokio::spawn(mirror.clone().tend());
    let app = assemble::app(config, mirror.clone(), keys, clock);
    let server = RunningServer {
        address,
        pid: std::process::id(),
        import_key: import_key.expose().to_owned(),
    };
    let announcement = server
        .announce(&store.state)
        .context("cannot write state/server.json")?;
    let stop = stop_signal()?;
    greet(address, made.as_ref());
    mirror.keep_synced();
    let service = router(app).into_make_service_with_connect_info::<Connection>();
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stopped_mirror = mirror.clone();
    let until_stopped = async move {
        stop.await;
        tracing::info!("stopping: finishing what is under way");
        // Answers that tell how it goes on end with it.
        stopped_mirror.stop().await;
        // Nobody waits any more where the server has failed.
        let _ = stopping.send(());
    };
    let serving = axum::serve(listener, service).with_graceful_shutdown(until_stopped);
    tokio::select! {
        done = serving.into_future() => done?,
        () = drained(stopped) => tracing::warn!("some answers took longer than {DRAIN_LIMIT:?} and were cut off"),
    }
    drop(announcement);
    mirror.settle().await;
    drop(mirror);
    tending.abort();
    // It ends by being told to; its handle on the index goes with it.
    let _ = tending.await;
    store.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// Tells people, and programs that started this, where the server is.
fn greet(address: SocketAddr, made: Option<&ApiKey>) {
    if let Some(key) = made {
        println!(
            "The administrator's API key, made just now and shown only this once: {}",
            key.expose()
        );
    }
    println!("larder listening on http://{address}");
}

/// Waits for the signal to stop, and then for as long as answers may still take.
async fn drained(stopped: tokio::sync::oneshot::Receiver<()>) {
    if stopped.await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(DRAIN_LIMIT).await;
}

/// Begins to listen for SIGTERM and SIGINT, at once: whoever is told that the server is ready may also stop it.
#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Waits for an interrupt.
#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot wait for an interrupt");
            std::future::pending::<()>().await;
        }
    })
}
