//! Opens a nupkg at an upstream, and looks at its first bytes: login pages and error documents come with status 200 too.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt as _};
use url::Url;

use super::client::HttpClient;
use super::error::bad;
use super::scheduler::Share;
use super::want::Want;
use super::{BadAnswer, ContentStream, UpstreamError, Urgency};
use crate::redact;

/// How every zip archive with files in it begins (APPNOTE.TXT 4.3.7, 4.3.12).
const ZIP_MAGIC: &[u8] = b"PK";

/// Opens the nupkg at `url`. Its first bytes decide, not its content type: servers call a nupkg many things.
pub(crate) async fn open_package(
    client: &HttpClient,
    url: Url,
    share: Share,
    urgency: &Urgency,
) -> Result<ContentStream, UpstreamError> {
    let mut answer = client.download(url, Want::Package, share, urgency).await?;
    let mut head = BytesMut::new();
    while head.len() < ZIP_MAGIC.len() {
        let Some(chunk) = answer.chunk().await? else { break };
        head.extend_from_slice(&chunk);
    }
    if !head.starts_with(ZIP_MAGIC) {
        let content_type = answer.content_type();
        return Err(bad(&answer.url, BadAnswer::NotPackage { content_type }));
    }
    let head: Bytes = head.freeze();
    Ok(ContentStream {
        length: answer.length,
        url: redact::url(&answer.url).to_string(),
        stream: stream::iter([Ok(head)]).chain(answer.into_stream()).boxed(),
    })
}
