use futures::TryStreamExt as _;
use proptest::prelude::*;

use super::*;
use crate::limits::MAX_PADDING_BYTES;

/// Reads a body that arrives in these pieces.
fn read(boundary: &str, pieces: &[&[u8]]) -> Result<Vec<u8>, PayloadError> {
    let mut parser = Parser::new(boundary)?;
    let longest = pieces.iter().map(|piece| piece.len()).max().unwrap_or_default();
    let mut pieces = pieces.iter();
    let mut package = Vec::new();
    loop {
        match parser.step()? {
            Step::Chunk(chunk) => package.extend_from_slice(&chunk),
            Step::Done => return Ok(package),
            Step::NeedMore => match pieces.next() {
                Some(piece) => parser.push(piece),
                None => parser.end()?,
            },
        }
        let buffered = parser.pending.len();
        assert!(
            buffered <= longest + MAX_PART_HEADER_BYTES + MAX_BOUNDARY_BYTES,
            "{buffered}"
        );
    }
}

/// Shows what a body holds, whole and byte by byte.
fn outcome(boundary: &str, body: &[u8]) -> String {
    let show = |read: Result<Vec<u8>, PayloadError>| match read {
        Ok(package) => package.escape_ascii().to_string(),
        Err(error) => format!("{error:?}"),
    };
    let whole = show(read(boundary, &[body]));
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(show(read(boundary, &bytes)), whole, "byte by byte");
    whole
}

/// What it is, the body, the package or the refusal.
const BODIES: &[(&str, &str, &str)] = &[
    (
        "NuGet 2: nothing behind the closing boundary",
        "--b\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package\"\r\nContent-Type: application/octet-stream\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "NuGet.Client: unquoted names, the extended name, CRLF at the end",
        "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=package; filename=package.nupkg; filename*=utf-8''package.nupkg\r\n\r\nPK\r\n--b--\r\n",
        "PK",
    ),
    (
        "Paket: a bare line feed before the closing boundary",
        "--b\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package\"\r\nContent-Type: application/octet-stream\r\n\r\nPK\n--b--",
        "PK",
    ),
    (
        "only bare line feeds",
        "--b\nContent-Disposition: form-data; filename=x\n\nPK\n--b--\n",
        "PK",
    ),
    (
        "only an extended name",
        "--b\r\nContent-Disposition: form-data; filename*=utf-8''x\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "a folded header",
        "--b\r\nContent-Disposition: form-data;\r\n filename=x\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "names in capitals",
        "--b\r\nCONTENT-DISPOSITION:FORM-DATA;FILENAME=X\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "no name, but a type",
        "--b\r\nContent-Type: application/zip\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "no name at all",
        "--b\r\nContent-Disposition: form-data; name=package\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    ("no header at all", "--b\r\n\r\nPK\r\n--b--", "PK"),
    (
        "form fields before and behind",
        "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nsecret\r\n--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nPK\r\n--b\r\n\r\nmore\r\n--b--",
        "PK",
    ),
    (
        "a text field before a nameless file",
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nsecret\r\n--b\r\nContent-Type: application/zip\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "of two fields the first that is not empty",
        "--b\r\n\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--",
        "one",
    ),
    (
        "an empty file input before the file",
        "--b\r\nContent-Disposition: form-data; name=a; filename=x\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; name=b; filename=y\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "of two files the first",
        "--b\r\nContent-Type: application/zip\r\n\r\none\r\n--b\r\nContent-Type: application/zip\r\n\r\ntwo\r\n--b--",
        "one",
    ),
    (
        "a preamble and an epilogue",
        "hello\r\n--b\r\nContent-Type: a/b\r\n\r\nPK\r\n--b--\r\nbye\r\n--b\r\nbye",
        "PK",
    ),
    (
        "an empty preamble line",
        "\r\n--b\r\nContent-Type: a/b\r\n\r\nPK\r\n--b--",
        "PK",
    ),
    (
        "blanks behind the boundary",
        "--b \t\r\nContent-Type: a/b\r\n\r\nPK\r\n--b  \r\n\r\nx\r\n--b--  ",
        "PK",
    ),
    (
        "lookalikes in the file",
        "--b\r\nContent-Type: a/b\r\n\r\n\r\n--bc\r\n\n--b-\r\n--b\r-\r\n -- b--\r\n--b--",
        "\\r\\n--bc\\r\\n\\n--b-\\r\\n--b\\r-\\r\\n -- b--",
    ),
    (
        "line ends at both ends of the file",
        "--b\r\nContent-Type: a/b\r\n\r\n\r\n\r\n\r\n--b--",
        "\\r\\n\\r\\n",
    ),
    (
        "a boundary right behind the header",
        "--b\r\nContent-Type: a/b\r\n\r\n--b--",
        "NoPart",
    ),
    (
        "empty parts only",
        "--b\r\nContent-Type: a/b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--",
        "NoPart",
    ),
    ("no part", "--b--", "NoPart"),
    ("nothing", "", "Truncated"),
    ("no boundary line", "PK", "Truncated"),
    ("cut in the boundary", "--b", "Truncated"),
    ("cut in the header", "--b\r\nContent-Type: a/b\r\n", "Truncated"),
    ("cut in the file", "--b\r\nContent-Type: a/b\r\n\r\nPK", "Truncated"),
    (
        "cut in the closing boundary",
        "--b\r\nContent-Type: a/b\r\n\r\nPK\r\n--b-",
        "Truncated",
    ),
    (
        "cut behind the file",
        "--b\r\nContent-Type: a/b\r\n\r\nPK\r\n--b\r\n",
        "Truncated",
    ),
    ("cut in a field", "--b\r\n\r\nsecret", "Truncated"),
];

#[test]
fn bodies() {
    for (what, body, expected) in BODIES {
        assert_eq!(outcome("b", body.as_bytes()), *expected, "{what}");
    }
}

#[test]
fn a_long_part_is_the_package_whatever_it_is_called() {
    for (len, expected_len) in [
        (MAX_FIELD_BYTES - 1, 4),
        (MAX_FIELD_BYTES, 4),
        (MAX_FIELD_BYTES + 1, MAX_FIELD_BYTES + 1),
    ] {
        let long = "x".repeat(len);
        let body = format!("--b\r\n\r\n{long}\r\n--b\r\nContent-Type: a/b\r\n\r\nfile\r\n--b--");
        assert_eq!(outcome("b", body.as_bytes()).len(), expected_len, "{len}");
    }
}

#[test]
fn limits() {
    let file = "--b\r\nContent-Type: a/b\r\n\r\nPK\r\n";
    let fits = MAX_SURROUNDING_BYTES - 100;
    for (what, body, expected) in [
        (
            "a large header",
            format!(
                "--b\r\nX: {}\r\n\r\nPK\r\n--b--",
                "x".repeat(MAX_PART_HEADER_BYTES - 10)
            ),
            "PK",
        ),
        (
            "a larger header",
            format!("--b\r\nX: {}\r\n\r\nPK\r\n--b--", "x".repeat(MAX_PART_HEADER_BYTES)),
            "HeadersTooLarge",
        ),
        (
            "an endless header",
            format!("--b\r\n{}", "X: x\r\n".repeat(MAX_PART_HEADER_BYTES)),
            "HeadersTooLarge",
        ),
        ("a long preamble", format!("{}\n{file}--b--", "x".repeat(fits)), "PK"),
        (
            "a longer preamble",
            format!("{}\n{file}--b--", "\n--bx".repeat(fits)),
            "SurroundingsTooLarge",
        ),
        ("a long epilogue", format!("{file}--b--{}", "x".repeat(fits)), "PK"),
        (
            "a longer epilogue",
            format!("{file}--b--{}", "x".repeat(MAX_SURROUNDING_BYTES)),
            "SurroundingsTooLarge",
        ),
        (
            "a long part behind",
            format!("{file}--b\r\n\r\n{}\r\n--b--", "x".repeat(MAX_SURROUNDING_BYTES)),
            "SurroundingsTooLarge",
        ),
        (
            "many parts",
            format!("{}{file}--b--", "--b\r\n\r\nx\r\n".repeat(fits)),
            "SurroundingsTooLarge",
        ),
        (
            "wide padding",
            format!("{file}--b{}\r\n\r\n--b--", " ".repeat(MAX_PADDING_BYTES)),
            "PK",
        ),
        (
            "wider padding is content",
            format!("{file}--b{}\r\n--b--", " ".repeat(MAX_PADDING_BYTES + 1)),
            &format!("PK\\r\\n--b{}", " ".repeat(MAX_PADDING_BYTES + 1)),
        ),
    ] {
        assert_eq!(outcome("b", body.as_bytes()), expected, "{what}");
    }
}

async fn open(content_type: Option<&'static str>, body: &'static str) -> String {
    let content_type = content_type.map(HeaderValue::from_static);
    let stream = futures::stream::iter(
        body.as_bytes()
            .chunks(3)
            .map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece))),
    );
    let read = async {
        let payload = Payload::open(content_type.as_ref(), Body::from_stream(stream))?;
        let chunks: Vec<Bytes> = payload.into_stream().try_collect().await?;
        Ok::<_, PayloadError>(chunks.concat())
    };
    read.await
        .map_or_else(|error| format!("{error:?}"), |bytes| String::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn content_types() {
    let form = "--b\r\nContent-Type: a/b\r\n\r\nPK\r\n--b--";
    for (content_type, body, expected) in [
        (None, "PK", "PK"),
        (Some(""), "PK", "PK"),
        (Some("application/octet-stream"), "PK", "PK"),
        (Some("application/octet-stream; boundary=b"), form, form),
        (Some("application/zip"), "", ""),
        (Some("multipart/form-data; boundary=b"), form, "PK"),
        (Some("Multipart/Mixed; Boundary=\"b\""), form, "PK"),
        (Some("multipart/form-data"), form, "NoBoundary"),
        (Some("multipart/form-data; boundary="), form, "NoBoundary"),
        (Some("multipart/form-data; boundary=c"), form, "Truncated"),
    ] {
        assert_eq!(open(content_type, body).await, expected, "{content_type:?}");
    }
    let long = HeaderValue::try_from(format!(
        "multipart/form-data; boundary={}",
        "b".repeat(MAX_BOUNDARY_BYTES + 1)
    ));
    let opened = Payload::open(Some(&long.unwrap()), Body::empty());
    assert!(matches!(opened, Err(PayloadError::NoBoundary)));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    for content_type in ["application/octet-stream", "multipart/form-data; boundary=b"] {
        let pieces = [
            Ok(Bytes::from("--b\r\nContent-Type: a/b\r\n\r\nPK")),
            Err(std::io::Error::other("gone")),
        ];
        let body = Body::from_stream(futures::stream::iter(pieces));
        let payload = Payload::open(Some(&HeaderValue::from_static(content_type)), body).unwrap();
        let read: Result<Vec<Bytes>, _> = payload.into_stream().try_collect().await;
        assert!(matches!(read, Err(PayloadError::Body(_))), "{content_type}: {read:?}");
    }
}

/// Cuts a body at these places.
fn cut<'a>(body: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(body.len() + 1)).collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}

/// Bytes that come close to a boundary more often than chance would have it.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["\r", "\n", "\r\n", "-", "--", "--b", "--bx", " ", "\t", ":", ";", "filename=x", "content-type:", "\r\n\r\n"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 0_usize..5000).prop_map(|(byte, count)| vec![byte; count]),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_file_comes_back_however_it_is_cut(file in tricky(), places in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let body = [b"--bOunDary\r\nContent-Type: a/b\r\n\r\n".as_slice(), &file, b"\r\n--bOunDary--\r\n"].concat();
        let read = read("bOunDary", &cut(&body, &places));
        match read {
            Ok(package) => prop_assert_eq!(package, file),
            Err(error) => prop_assert!(file.is_empty() && matches!(error, PayloadError::NoPart), "{error:?}"),
        }
    }

    #[test]
    fn garbage_never_panics_and_reads_the_same_however_it_is_cut(body in tricky(), places in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let whole = read("b", &[&body]).map_err(|error| error.to_string());
        let parts = read("b", &cut(&body, &places)).map_err(|error| error.to_string());
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn any_header_value_is_read(value in any::<String>()) {
        let _ = is_file(value.as_bytes());
    }
}
