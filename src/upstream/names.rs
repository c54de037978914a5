//! Looking up the names of hosts: by the system, or by whoever is set in its place.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::limits::MAX_ADDRESSES_OF_A_NAME;

type LookUp = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

/// How names of hosts are looked up. Clones are handles to the same.
#[derive(Clone)]
pub struct Names(Arc<LookUp>);

impl Names {
    /// Looks names up by a function, which is given the name; the addresses' ports do not count.
    pub fn by(
        look_up: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(look_up))
    }

    /// Returns the addresses of a host, so many as are looked at.
    pub(super) async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let mut found = (self.0)(host.to_owned()).await?;
        found.truncate(MAX_ADDRESSES_OF_A_NAME);
        Ok(found)
    }
}

impl Default for Names {
    /// By the system.
    fn default() -> Self {
        Self::by(|host| async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) }.boxed())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Names")
    }
}

/// Wherever a name lies, it may be connected to.
impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        async move {
            let found = names.look_up(name.as_str()).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        }
        .boxed()
    }
}
