//! The upstream does what it is told, byte for byte: what the fault tests rely on.

use std::time::Duration;

use bytes::Bytes;

use super::{Gate, Pace, Reply, ScriptedUpstream};

async fn get(url: &str, headers: &[(&str, &str)]) -> reqwest::Result<(u16, Bytes)> {
    let client = larder::upstream::client::local_client().expect("a client");
    let mut request = client.get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.bytes().await?))
}

#[tokio::test]
async fn answers_are_made_from_requests_and_counted() {
    let upstream = ScriptedUpstream::start().await;
    upstream.answer("/made", |request| Reply::ok(request.parameter("x").unwrap_or_default()));
    let (_, body) = get(&upstream.url("/made?x=a%20b"), &[("X-Canary", "1")])
        .await
        .expect("an answer");
    assert_eq!(body, "a b");
    let request = &upstream.requests()[0];
    assert!(request.head.starts_with("GET /made?x=a%20b HTTP/1.1\r\n") && request.connection == 1);
    let counted = upstream.counted();
    assert_eq!(
        (counted.connections, counted.most_open, counted.most_answering),
        (1, 1, 1)
    );
    assert_eq!(counted.received, request.head.len());
    assert_eq!(
        counted.sent,
        "HTTP/1.1 200 Scripted\r\nContent-Length: 3\r\n\r\na b".len()
    );
}

#[tokio::test]
async fn bodies_are_resumed_where_the_validator_fits() {
    let upstream = ScriptedUpstream::start().await;
    upstream.on("/", Reply::ok("0123456789").resumable("\"e\""));
    let url = upstream.url("/");
    let rest = ("Range", "bytes=4-");
    for (headers, expected) in [
        (vec![], (200, "0123456789")),
        (vec![rest, ("If-Range", "\"e\"")], (206, "456789")),
        (vec![rest, ("If-Range", "\"f\"")], (200, "0123456789")),
        (vec![rest], (200, "0123456789")),
    ] {
        let (status, body) = get(&url, &headers).await.expect("an answer");
        assert_eq!((status, &body[..]), (expected.0, expected.1.as_bytes()));
    }
}

#[tokio::test]
async fn gates_admit_one_after_the_other_and_slow_bytes_come_slowly() {
    let upstream = ScriptedUpstream::start().await;
    let gate = Gate::new();
    upstream.on("/", Reply::ok("body").head_gate(&gate));
    let url = upstream.url("/");
    let (first, second) = (
        tokio::spawn({
            let url = url.clone();
            async move { get(&url, &[]).await }
        }),
        tokio::spawn({
            let url = url.clone();
            async move { get(&url, &[]).await }
        }),
    );
    gate.reached_by(2).await;
    assert_eq!(upstream.counted().most_answering, 2);
    gate.admit(1);
    tokio::select! {
        one = first => assert_eq!(one.expect("a task").expect("an answer").0, 200),
        one = second => assert_eq!(one.expect("a task").expect("an answer").0, 200),
    }
    gate.open();
    assert_eq!((gate.arrivals(), upstream.counted().most_answering), (2, 2));

    let pace = Pace {
        bytes: 1,
        every: Duration::from_millis(1),
    };
    let slow = Reply::ok("body").slow_head(pace).slow(2, pace);
    upstream.on("/", slow);
    assert_eq!(get(&url, &[]).await.expect("an answer").1, "body");
}
