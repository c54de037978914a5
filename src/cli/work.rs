//! Where a command does its work: in the data folder, if that is free, or through the server that has it open.

use anyhow::Context as _;

use super::local::LocalServer;
use super::{assemble, running};
use crate::clock::Clock;
use crate::config::Config;
use crate::mirror::Mirror;
use crate::store::{OpenError, Store};

/// Where the work is done.
pub(super) enum Worker {
    /// In the data folder, which is ours.
    Folder {
        /// It, open.
        store: Box<Store>,
        /// What works on it.
        mirror: Mirror,
    },
    /// In the server that has it open.
    Server(LocalServer),
}

impl Worker {
    /// Opens the data folder, or finds the server.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = assemble::store_settings(config);
        let state = settings.data.join("state");
        let clock = Clock::system();
        match Store::open(settings, &clock).await {
            Ok((store, rows, opening)) => {
                assemble::log_opening(&opening);
                let mirror = assemble::mirror(config, &store, rows, &clock)?;
                Ok(Self::Folder {
                    store: Box::new(store),
                    mirror,
                })
            }
            Err(OpenError::InUse { .. }) => {
                let server = LocalServer::find(&state).await?;
                let server = server.with_context(|| running::in_use(&state))?;
                println!("{}", server.greeting());
                Ok(Self::Server(server))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends what still runs here, and closes the folder.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        if let Self::Folder { store, mirror } = self {
            mirror.stop().await;
            drop(mirror);
            store.close().await?;
        }
        Ok(())
    }
}
