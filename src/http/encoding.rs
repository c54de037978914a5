//! Which content coding a client takes (RFC 9110 section 12.5.3), and gzip for those that take it.
//!
//! Only texts are compressed, as a whole: they lie in memory as a whole, their compressed length can be told, and so a client
//! of HTTP/1.0 can read them. nupkgs are compressed already, and ranges of them must stay what they are.

use std::io::Write as _;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::{ApiError, Dialect};
use crate::limits::{MAX_INLINE_GZIP_BYTES, MIN_GZIP_BYTES};

/// Level 1 of zlib-rs takes a third of the time of level 6, and leaves a tenth more.
const LEVEL: Compression = Compression::new(1);

/// What a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The text as it is.
    Identity,
    /// gzip, where it is worth it.
    Gzip,
    /// gzip and nothing else.
    OnlyGzip,
}

impl Wanted {
    /// Reads `Accept-Encoding`. Where nothing that it names can be had, the text is sent as it is: RFC 9110 section 12.1 lets a
    /// server disregard the header, and a client can do more with that than with an error.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let (mut gzip, mut identity, mut any) = (None, None, None);
        let lines = headers
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|line| line.to_str().ok());
        for element in lines.flat_map(|line| line.split(',')) {
            let (coding, weight) = element.split_once(';').unwrap_or((element, ""));
            let weight = weight_of(weight);
            match coding.trim() {
                coding if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") => {
                    gzip = Some(weight);
                }
                coding if coding.eq_ignore_ascii_case("identity") => identity = Some(weight),
                "*" => any = Some(weight),
                _ => {}
            }
        }
        let gzip = gzip.or(any).unwrap_or(0);
        // Not named, it is taken after all that is, unless `*` forbids it.
        let identity = identity.or(any.filter(|any| *any == 0));
        match (gzip, identity) {
            (0, _) => Self::Identity,
            (_, Some(0)) => Self::OnlyGzip,
            (gzip, Some(identity)) if identity > gzip => Self::Identity,
            _ => Self::Gzip,
        }
    }
}

/// Reads a weight, `q=0.5`, in thousandths; one that cannot be read does not count as any.
fn weight_of(parameter: &str) -> u16 {
    let parameter = parameter.trim();
    if parameter.is_empty() {
        return 1000;
    }
    let value = parameter
        .split_once('=')
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let value = value.map_or("", |(_, value)| value.trim());
    let (whole, thousandths) = value.split_once('.').unwrap_or((value, ""));
    let is_digits = thousandths.len() <= 3 && thousandths.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if is_digits => format!("{thousandths:0<3}").parse().unwrap_or(0),
        "1" if is_digits => 1000,
        _ => 0,
    }
}

/// Returns whether answers of a type are compressed: texts are.
pub(super) fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.starts_with("text/")
        || [
            "application/atom+xml",
            "application/xml",
            "application/json",
            "application/atomsvc+xml",
        ]
        .contains(&media_type.trim())
}

/// Compresses an answer if it is a text, long enough, and the client wants it so.
pub(super) async fn encode(response: Response<Body>, wanted: Wanted) -> Response<Body> {
    let is_partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let headers = response.headers();
    if wanted == Wanted::Identity || is_partial || headers.contains_key(CONTENT_ENCODING) || !is_text(headers) {
        return response;
    }
    if response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // What knows its length is whole in memory: this only takes it out.
    let text = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(text) => text,
        Err(error) => {
            let reason = format!("an answer's text cannot be read: {error}");
            return ApiError::Internal(reason).into_response(Dialect::Plain);
        }
    };
    let is_long = text.len() >= MIN_GZIP_BYTES || (wanted == Wanted::OnlyGzip && !text.is_empty());
    let compressed = if is_long { compress(text.clone()).await } else { None };
    let Some(compressed) = compressed else {
        return Response::from_parts(parts, Body::from(text));
    };
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(compressed.len()));
    Response::from_parts(parts, Body::from(compressed))
}

/// Compresses a text, a long one on another thread. `None` where that fails.
async fn compress(text: Bytes) -> Option<Vec<u8>> {
    if text.len() <= MAX_INLINE_GZIP_BYTES {
        return gzip(&text);
    }
    tokio::task::spawn_blocking(move || gzip(&text)).await.ok().flatten()
}

fn gzip(text: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), LEVEL);
    encoder.write_all(text).and_then(|()| encoder.finish()).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn wanted(lines: &[&str]) -> Wanted {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
        }
        Wanted::of(&headers)
    }

    #[test]
    fn the_client_chooses() {
        use Wanted::{Gzip, Identity, OnlyGzip};
        for (lines, expected) in [
            (&[][..], Identity),
            (&[""], Identity),
            (&["gzip"], Gzip),
            (&["gzip, deflate"], Gzip),
            (&["deflate", "GZIP"], Gzip),
            (&["x-gzip"], Gzip),
            (&["gzip;q=0"], Identity),
            (&["gzip;q=0.000"], Identity),
            (&["gzip; Q=0.001"], Gzip),
            (&["gzip;q=0.5, identity"], Identity),
            (&["gzip;q=0.5, identity;q=0.5"], Gzip),
            (&["gzip;q=0.5, identity;q=0.4"], Gzip),
            (&["identity;q=0, gzip"], OnlyGzip),
            (&["*"], Gzip),
            (&["*;q=0"], Identity),
            (&["gzip, *;q=0"], OnlyGzip),
            (&["gzip;q=0, *"], Identity),
            (&["identity;q=0"], Identity),
            (&["br, zstd"], Identity),
            (&["gzip;q=2"], Identity),
            (&["gzip;level=9"], Identity),
            (&["gzip;q=1.000"], Gzip),
            (&["gzip;q=0.0001"], Identity),
        ] {
            assert_eq!(wanted(lines), expected, "{lines:?}");
        }
    }

    async fn encoded(content_type: &'static str, body: Body, wanted: Wanted) -> Response<Body> {
        let mut response = Response::new(body);
        let content_type = HeaderValue::from_static(content_type);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        encode(response, wanted).await
    }

    #[tokio::test]
    async fn texts_are_compressed() {
        let small = "a".repeat(MIN_GZIP_BYTES - 1);
        let long = "ab".repeat(MIN_GZIP_BYTES);
        let very_long = "abc".repeat(MAX_INLINE_GZIP_BYTES);
        for (content_type, text, wanted, is_compressed) in [
            (
                "application/atom+xml;type=feed;charset=utf-8",
                &long,
                Wanted::Gzip,
                true,
            ),
            ("application/xml;charset=utf-8", &very_long, Wanted::Gzip, true),
            ("text/plain; charset=utf-8", &long, Wanted::Gzip, true),
            ("application/json", &long, Wanted::Gzip, true),
            ("application/json", &long, Wanted::Identity, false),
            ("application/json", &small, Wanted::Gzip, false),
            ("application/json", &small, Wanted::OnlyGzip, true),
            ("application/json", &String::new(), Wanted::OnlyGzip, false),
            ("application/zip", &long, Wanted::OnlyGzip, false),
            ("multipart/mixed; boundary=x", &long, Wanted::Gzip, false),
        ] {
            let response = encoded(content_type, Body::from(text.clone()), wanted).await;
            let coding = response.headers().get(CONTENT_ENCODING).cloned();
            let length = response.headers().get(CONTENT_LENGTH).cloned();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert_eq!(coding.is_some(), is_compressed, "{content_type} {wanted:?}");
            if is_compressed {
                assert_eq!(
                    (coding.unwrap(), length.unwrap()),
                    (HeaderValue::from_static("gzip"), body.len().into())
                );
                let mut read = String::new();
                flate2::read::GzDecoder::new(&*body).read_to_string(&mut read).unwrap();
                assert_eq!(read, *text);
            } else {
                assert_eq!(body, text.as_bytes());
            }
        }
    }

    #[tokio::test]
    async fn what_is_coded_partial_or_streamed_stays() {
        let text = || Body::from("a".repeat(10_000));
        let mut coded = Response::new(text());
        coded
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        coded
            .headers_mut()
            .insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
        assert_eq!(encode(coded, Wanted::Gzip).await.headers()[CONTENT_ENCODING], "br");
        let mut part = Response::new(text());
        part.headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        *part.status_mut() = StatusCode::PARTIAL_CONTENT;
        assert!(
            !encode(part, Wanted::Gzip)
                .await
                .headers()
                .contains_key(CONTENT_ENCODING)
        );
        let pieces = futures::stream::iter([Ok::<_, std::io::Error>("a".repeat(10_000))]);
        let streamed = encoded("text/plain", Body::from_stream(pieces), Wanted::Gzip).await;
        assert!(!streamed.headers().contains_key(CONTENT_ENCODING));
    }
}
