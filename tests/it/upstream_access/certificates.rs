//! An upstream whose certificate is signed by an authority of its own.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::app::{TestApp, names};
use crate::support::gallery::upstream_at;
use crate::support::upstream::{atom_entry, atom_feed};

/// Serves one feed over TLS, whatever is asked; returns its URL and the certificate of its authority.
async fn serve() -> (String, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let names = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("names");
    let certificate = names.signed_by(&key, &authority).expect("a certificate");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a private key"),
        )
        .expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://{}/api/v2/", listener.local_addr().expect("an address"));
    let feed = atom_feed(&[atom_entry("git", "1.0", &format!("{url}package/git/1.0"), "")], None);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, feed) = (acceptor.clone(), feed.clone());
            tokio::spawn(async move {
                // Who does not believe the certificate goes away here.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/atom+xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    feed.len()
                );
                let _ = stream.write_all(format!("{head}{feed}").as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (url, authority.pem())
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_where_it_is_named_alone() {
    let (url, pem) = serve().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, format!("A comment\n{pem}")).expect("a file");
    let find = "/api/v2/FindPackagesById()?id='git'";

    let strict = TestApp::start(&upstream_at("gallery", &url)).await;
    let refused = strict.get(find).await;
    assert!((500..600).contains(&refused.status), "{}", refused.status);
    let trusting = TestApp::start(&format!("{}ca = {file:?}\n", upstream_at("gallery", &url))).await;
    assert_eq!(names(&trusting.feed(find).await), ["git 1.0"]);

    // An authority believed at one upstream is not believed at another.
    let (other, _) = serve().await;
    let both = format!(
        "{}ca = {file:?}\n{}[[feed]]\nname = \"one\"\nupstreams = [\"gallery\"]\ndefault = true\n[[feed]]\nname = \"two\"\nupstreams = [\"other\"]\n",
        upstream_at("gallery", &url),
        upstream_at("other", &other)
    );
    let app = TestApp::start(&both).await;
    assert_eq!(names(&app.feed(find).await), ["git 1.0"]);
    let refused = app.get("/feeds/two/api/v2/FindPackagesById()?id='git'").await;
    assert!((500..600).contains(&refused.status), "{}", refused.status);
}
