use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::limits::MAX_BATCH_PARTS;

const HTTP: &str = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n";

/// Shows each part: its `Content-ID`, then its request or why it has none.
fn shown(body: &str) -> Vec<String> {
    let parts = parse("b", body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"));
    let show = |part: &Part| {
        let id = part
            .content_id
            .as_ref()
            .map(|id| format!("[{id}] "))
            .unwrap_or_default();
        match &part.request {
            Ok(request) => {
                let fields = request.fields.iter().map(|(name, value)| format!(" {name}={value}"));
                format!(
                    "{id}{} {}{}",
                    request.method,
                    request.target,
                    fields.collect::<String>()
                )
            }
            Err(error) => format!("{id}{error:?}"),
        }
    };
    parts.iter().map(show).collect()
}

#[test]
fn requests_are_read_as_clients_write_them() {
    for (what, body, expected) in [
        (
            "NuGet 2: no empty line behind the head",
            format!("--b\r\n{HTTP}\r\nGET http://x/api/v2/GetUpdates()?a=b HTTP/1.1\r\n\r\n--b--\r\n"),
            &["GET http://x/api/v2/GetUpdates()?a=b"][..],
        ),
        (
            "with a version of its own",
            format!("--b\r\n{HTTP}\r\nGET http://x/ HTTP/1.1\r\nDataServiceVersion: 2.0;NetFx\r\n\r\n--b--\r\n"),
            &["GET http://x/ DataServiceVersion=2.0;NetFx"],
        ),
        (
            "mono: bare line feeds",
            format!("--b\r\n{HTTP}\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n--b--\r\n").replace("\r\n", "\n"),
            &["GET /x Host=h"],
        ),
        (
            "ODataLib: an empty line behind the head, another before the boundary",
            format!("--b\r\n{HTTP}\r\nGET Packages() HTTP/1.1\r\nAccept: a/b\r\n\r\n\r\n--b--"),
            &["GET Packages() Accept=a/b"],
        ),
        (
            "the standard's examples: no version, names in any case, no trailing line end",
            "--b\r\ncontent-type:Application/HTTP; msgtype=request\r\n\r\nGET /service/Customers\r\nhost: h\r\n\r\n--b--".to_owned(),
            &["GET /service/Customers host=h"],
        ),
        (
            "a preamble, an epilogue, blanks behind the boundary",
            format!("hello\r\n\r\n--b \t\r\n{HTTP}\r\nGET /x HTTP/1.1\r\n\r\n--b--\r\n--b\r\nbye"),
            &["GET /x"],
        ),
        (
            "several, with ids on either side",
            format!(
                "--b\r\n{HTTP}Content-ID: 1\r\n\r\nGET /x HTTP/1.1\r\n\r\n--b\r\n{HTTP}\r\nGET /y HTTP/1.1\r\nContent-ID: 2\r\n\r\n--b--"
            ),
            &["[1] GET /x", "GET /y Content-ID=2"],
        ),
        ("no type at all", "--b\r\n\r\nGET /x HTTP/1.1\r\n\r\n--b--".to_owned(), &["GET /x"]),
        (
            "a body is not looked at",
            format!("--b\r\n{HTTP}\r\nPOST /x HTTP/1.1\r\nContent-Length: 6\r\n\r\nA: b\r\n\r\n--b--"),
            &["POST /x Content-Length=6"],
        ),
        ("no part", "--b--".to_owned(), &[]),
    ] {
        assert_eq!(shown(&body), expected, "{what}");
    }
}

#[test]
fn a_bad_part_spoils_no_other() {
    let good = format!("--b\r\n{HTTP}\r\nGET /x HTTP/1.1\r\n\r\n");
    let change_set = "Content-Type: multipart/mixed; boundary=c\r\nContent-ID: 7\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\nPUT /x HTTP/1.1\r\n\r\n<entry/>\r\n--c--\r\n";
    for (bad, expected) in [
        (change_set, "[7] ChangeSet"),
        ("Content-Type: text/plain\r\n\r\nGET /x HTTP/1.1\r\n", "NoRequest"),
        ("Content-Transfer-Encoding: base64\r\n\r\nR0VUIC94\r\n", "NoRequest"),
        ("Content-Type: application/http\r\n\r\n", "NoRequest"),
        ("Content-Type: application/http\r\n\r\n\r\n\r\n", "NoRequest"),
        ("Content-Type: application/http\r\n\r\nGET\r\n", "NoRequest"),
        ("Content-Type: application/http\r\n\r\nGET /x FTP/1.1\r\n", "NoRequest"),
        (
            "Content-Type: application/http\r\n\r\nGET /x y HTTP/1.1\r\n",
            "NoRequest",
        ),
        (
            "Content-Type: application/http\r\n\r\nGET /\u{e4} HTTP/1.1\r\n",
            "GET /\u{e4}",
        ),
        ("Content-Type: application/http\r\n", "NoRequest"),
        ("", "NoRequest"),
    ] {
        let body = format!("{good}--b\r\n{bad}\r\n{good}--b--\r\n");
        assert_eq!(shown(&body), ["GET /x", expected, "GET /x"], "{bad}");
    }
    let body = [good.as_bytes(), b"--b\r\n\r\nGET /\xff HTTP/1.1\r\n\r\n--b--"].concat();
    let parts = parse("b", &body).unwrap();
    assert_eq!(parts[1].request, Err(PartError::NoRequest));
}

#[test]
fn what_is_no_batch_is_refused_as_a_whole() {
    let part = format!("--b\r\n{HTTP}\r\nGET /x HTTP/1.1\r\n\r\n");
    for (boundary, body, expected) in [
        ("b", String::new(), BatchError::Truncated),
        ("b", "GET /x HTTP/1.1".to_owned(), BatchError::Truncated),
        ("b", part.clone(), BatchError::Truncated),
        ("b", format!("{part}--b"), BatchError::Truncated),
        ("b", format!("{part}--b-"), BatchError::Truncated),
        ("c", format!("{part}--b--"), BatchError::Truncated),
        ("", format!("{part}--b--"), BatchError::NoBoundary),
        (&"b".repeat(201), format!("{part}--b--"), BatchError::NoBoundary),
        (
            "b",
            format!("{}--b--", part.repeat(MAX_BATCH_PARTS + 1)),
            BatchError::TooManyParts,
        ),
    ] {
        assert_eq!(parse(boundary, body.as_bytes()), Err(expected), "{body}");
    }
    let most = format!("{}--b--", part.repeat(MAX_BATCH_PARTS));
    assert_eq!(parse("b", most.as_bytes()).unwrap().len(), MAX_BATCH_PARTS);
}

#[test]
fn answers_are_written_as_clients_read_them() {
    let mut answers = Answers::new(0xabc);
    answers.push(&Answer {
        content_id: Some("1"),
        status: 200,
        reason: "OK",
        fields: vec![
            ("x-nuget-warning", "one"),
            ("content-type", "a/b"),
            ("x-nuget-warning", "two"),
        ],
        body: b"<feed/>",
    });
    answers.push(&Answer {
        content_id: None,
        status: 599,
        reason: "",
        fields: Vec::new(),
        body: b"",
    });
    let boundary = "batchresponse_00000000000000000000000000000abc";
    assert_eq!(answers.content_type(), format!("multipart/mixed; boundary={boundary}"));
    let expected = format!(
        "--{boundary}\r\n{HTTP}Content-ID: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: a/b\r\nx-nuget-warning: one, two\r\nContent-Length: 7\r\n\r\n<feed/>\r\n--{boundary}\r\n{HTTP}\r\nHTTP/1.1 599 Status\r\nContent-Length: 0\r\n\r\n\r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(answers.finish()).unwrap(), expected);
}

fn word() -> impl Strategy<Value = String> {
    "[!-~]{1,20}"
}

proptest! {
    #[test]
    fn any_request_comes_back(
        requests in prop::collection::vec((word(), word(), prop::collection::vec(("[A-Za-z-]{1,9}", word()), 0..4)), 0..5),
        line_end in prop::sample::select(vec!["\r\n", "\n"]),
    ) {
        let mut body = String::new();
        for (method, target, fields) in &requests {
            write!(body, "--bOunDary\r\n{HTTP}\r\n{method} {target} HTTP/1.1\r\n").unwrap();
            for (name, value) in fields {
                write!(body, "{name}: {value}\r\n").unwrap();
            }
            body.push_str("\r\n\r\n");
        }
        body.push_str("--bOunDary--\r\n");
        let parts = parse("bOunDary", body.replace("\r\n", line_end).as_bytes()).unwrap();
        let read: Vec<_> = parts
            .into_iter()
            .map(|part| part.request.unwrap())
            .map(|request| (request.method, request.target, request.fields))
            .collect();
        prop_assert_eq!(read, requests);
    }

    #[test]
    fn no_body_panics(pieces in prop::collection::vec(prop_oneof![
        4 => prop::sample::select(vec!["\r", "\n", "\r\n", "\r\n\r\n", "--b", "--b--", "--b\r\n", " ", ":", "GET /x HTTP/1.1", "content-type: application/http"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ], 0..40)) {
        if let Ok(parts) = parse("b", &pieces.concat()) {
            prop_assert!(parts.len() <= MAX_BATCH_PARTS);
        }
    }

    #[test]
    fn written_answers_lie_between_their_boundaries(bodies in prop::collection::vec(any::<Vec<u8>>(), 0..5)) {
        let mut answers = Answers::new(7);
        for body in &bodies {
            answers.push(&Answer { content_id: None, status: 200, reason: "OK", fields: Vec::new(), body });
        }
        let content_type = answers.content_type();
        let boundary = crate::mime::parameter(&content_type, "boundary").unwrap();
        prop_assert_eq!(parse(&boundary, &answers.finish()).unwrap().len(), bodies.len());
    }
}
