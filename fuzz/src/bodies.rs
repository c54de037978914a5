//! Multipart bodies: pushes and batches.

use axum::body::Body;
use axum::http::HeaderValue;
use bytes::Bytes;
use futures::FutureExt as _;
use larder::http::multipart::Payload;
use larder::limits::MAX_BATCH_PARTS;
use larder::odata::batch::{self, Answer, Answers, Request};

/// A push in a form with the boundary `b`.
pub(crate) fn multipart(data: &[u8]) {
    let whole = package(vec![data]);
    for length in [1, 2, 3, 7] {
        let cut = package(data.chunks(length).collect());
        assert_eq!(cut, whole, "read the same in pieces of {length}");
    }
    if let Ok(package) = whole {
        assert!(package.len() <= data.len());
        assert!(
            memchr::memmem::find(data, &package).is_some(),
            "the package is in the body as it is"
        );
    }
}

/// Returns what a body that arrives in these pieces holds.
fn package(pieces: Vec<&[u8]>) -> Result<Vec<u8>, String> {
    let pieces: Vec<_> = pieces
        .into_iter()
        .map(Bytes::copy_from_slice)
        .map(Ok::<_, std::io::Error>)
        .collect();
    let body = Body::from_stream(futures::stream::iter(pieces));
    let form = HeaderValue::from_static("multipart/form-data; boundary=b");
    let mut payload = Payload::open(Some(&form), body).map_err(|error| error.to_string())?;
    let mut package = Vec::new();
    loop {
        let chunk = payload
            .chunk()
            .now_or_never()
            .expect("a body in memory makes nobody wait");
        match chunk.map_err(|error| error.to_string())? {
            Some(bytes) => package.extend_from_slice(&bytes),
            None => return Ok(package),
        }
    }
}

/// A batch with the boundary `b`.
pub(crate) fn batch(data: &[u8]) {
    let Ok(parts) = batch::parse("b", data) else { return };
    assert!(parts.len() <= MAX_BATCH_PARTS);
    let mut written = Vec::new();
    let mut answers = Answers::new(1);
    // A name that begins as the boundary does would end the part, were it written at the beginning of a line.
    let is_writable = |request: &&Request| !request.fields.iter().any(|(name, _)| name.starts_with("--b"));
    let requests = parts.iter().filter_map(|part| part.request.as_ref().ok());
    let readable: Vec<&Request> = requests.filter(is_writable).collect();
    for request in &readable {
        let fields = request
            .fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let head = format!(
            "{} {} HTTP/1.1\r\n{}",
            request.method,
            request.target,
            fields.collect::<String>()
        );
        written.extend_from_slice(format!("--b\r\nContent-Type: application/http\r\n\r\n{head}\r\n").as_bytes());
        answers.push(&Answer {
            content_id: None,
            status: 200,
            reason: "OK",
            fields: Vec::new(),
            body: request.target.as_bytes(),
        });
    }
    written.extend_from_slice(b"--b--");
    let again = batch::parse("b", &written).expect("a batch that was written can be read");
    let read: Vec<_> = again.iter().filter_map(|part| part.request.as_ref().ok()).collect();
    assert_eq!(read, readable);
    let boundary = answers.content_type().replace("multipart/mixed; boundary=", "");
    let answered = batch::parse(&boundary, &answers.finish()).expect("answers that were written can be read");
    assert_eq!(answered.len(), readable.len());
}
