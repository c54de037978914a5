//! nginx, which sends the same bytes as plain files: the reference for what this machine can do.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::larder::terminate;

/// An nginx that serves a folder.
pub(crate) struct Nginx {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// Returns the name under which nginx can be started.
fn program() -> Option<&'static str> {
    ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find(|name| Command::new(name).arg("-v").output().is_ok())
}

impl Nginx {
    /// Serves the files in `folder/root`; `None` where nginx is not installed.
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let Some(program) = program() else { return Ok(None) };
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let place = folder.display();
        let config = folder.join("nginx.conf");
        // `user` only matters where the tests run as root: the workers could not read the folder otherwise.
        let text = format!(
            "daemon off; worker_processes 2; pid {place}/nginx.pid; error_log {place}/nginx.log; user root;
             events {{ worker_connections 1024; }}
             http {{ access_log off; sendfile on; tcp_nodelay on; keepalive_requests 100000000; open_file_cache max=1000;
               types {{ application/atom+xml xml; application/zip nupkg; }}
               client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
               uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
               server {{ listen {address}; root {place}/root; }} }}\n"
        );
        std::fs::write(&config, text)?;
        let mut child = Command::new(program)
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&config)
            .stderr(Stdio::null())
            .spawn()?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline || child.try_wait()?.is_some() {
                drop(child.kill());
                let log = std::fs::read_to_string(folder.join("nginx.log")).unwrap_or_default();
                anyhow::bail!("nginx does not listen: {log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Some(Self { child, address }))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is told.
        drop(terminate(&mut self.child));
    }
}
