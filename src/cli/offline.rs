//! `larder offline on|off`: whether a running server asks upstreams.

use std::process::ExitCode;

use anyhow::Context as _;

use super::Switch;
use super::local::LocalServer;
use crate::config::Config;
use crate::http::admin::offline::OfflineState;

/// Tells the running server, which remembers it for the next start.
pub(super) async fn run(config: &Config, switch: Switch) -> anyhow::Result<ExitCode> {
    let state = config.storage.data.join("state");
    let server = LocalServer::find(&state)
        .await?
        .context("no server runs on this data folder; `offline = true` below [server] in the configuration holds for the next start")?;
    let wanted = OfflineState {
        offline: switch == Switch::On,
    };
    let now: OfflineState = server.post("/admin/offline", &wanted).await?;
    println!(
        "{}",
        if now.offline {
            "offline: no upstream is asked; what is here is served"
        } else {
            "online: upstreams are asked again"
        }
    );
    Ok(ExitCode::SUCCESS)
}
