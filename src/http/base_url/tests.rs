use std::path::Path;

use axum::http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::config::Config;

fn config(public_url: &str) -> Config {
    let text =
        format!("[server]\npublic_url = \"{public_url}\"\ntrusted_proxies = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n");
    Config::parse(&text, Path::new("/srv")).unwrap()
}

fn headers(lines: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

fn ask(target: &str, lines: &str, peer: &str) -> String {
    let (uri, headers) = (target.parse().unwrap(), headers(lines));
    let (peer, local) = (peer.parse().unwrap(), "127.0.0.1:8624".parse().unwrap());
    let asked = Asked {
        version: Version::HTTP_11,
        uri: &uri,
        headers: &headers,
        peer,
        local,
    };
    BaseUrl::of(&asked, &config("").server).map_or_else(|error| error.to_string(), |url| url.to_string())
}

#[test]
fn hosts_of_the_request() {
    let refused = "the request's Host header is not a host with or without a port";
    for (lines, expected) in [
        ("host: example.com", "http://example.com"),
        ("host: Example.COM:8624", "http://example.com:8624"),
        ("host: example.com:", "http://example.com"),
        ("host: my_host", "http://my_host"),
        ("host: 127.0.0.1:80", "http://127.0.0.1:80"),
        ("host: [::1]:8624", "http://[::1]:8624"),
        ("host: [::1]", "http://[::1]"),
        ("host: ", refused),
        ("host: :80", refused),
        ("host: a b", refused),
        ("host: a/b", refused),
        ("host: a?b", refused),
        ("host: a<b", refused),
        ("host: u@example.com", refused),
        ("host: example.com:99999", refused),
        ("host: example.com:+80", refused),
        ("host: example.com::80", refused),
        ("host: example.com::", refused),
        ("host: ::1", refused),
        ("host: [example.com]", refused),
        ("host: 10.0.0.1.2", refused),
        ("host: [::1", refused),
        ("host: [::1]x", refused),
        ("host: ]:80", refused),
        ("host: a,b", refused),
        ("host: a\nhost: a", "the request has more than one Host header"),
        ("x: y", "the request has no Host header"),
    ] {
        assert_eq!(ask("/api/v2/", lines, "192.0.2.1"), expected, "{lines}");
    }
    assert_eq!(
        ask("/", &format!("host: {}", "a".repeat(MAX_HOST_BYTES + 1)), "192.0.2.1"),
        refused
    );
    assert_eq!(
        ask("http://Example.com:81/api/v2/", "host: other", "192.0.2.1"),
        "http://example.com:81"
    );
}

#[test]
fn http_1_0_needs_no_host() {
    let (uri, headers) = ("/".parse().unwrap(), HeaderMap::new());
    for (local, expected) in [
        ("127.0.0.1:8624", "http://127.0.0.1:8624"),
        ("[::1]:80", "http://[::1]:80"),
    ] {
        let (peer, local) = ([127, 0, 0, 1].into(), local.parse().unwrap());
        let asked = Asked {
            version: Version::HTTP_10,
            uri: &uri,
            headers: &headers,
            peer,
            local,
        };
        assert_eq!(BaseUrl::of(&asked, &config("").server).unwrap().as_str(), expected);
    }
}

#[test]
fn a_configured_url_wins() {
    let (uri, headers) = ("/".parse().unwrap(), headers("host: a b\nforwarded: host=evil"));
    let (peer, local) = ([10, 0, 0, 1].into(), ([127, 0, 0, 1], 80).into());
    let asked = Asked {
        version: Version::HTTP_11,
        uri: &uri,
        headers: &headers,
        peer,
        local,
    };
    for (public_url, expected) in [
        ("https://example.com", "https://example.com"),
        ("https://example.com/nuget/", "https://example.com/nuget"),
        ("http://example.com:8080/a/b", "http://example.com:8080/a/b"),
    ] {
        assert_eq!(
            BaseUrl::of(&asked, &config(public_url).server).unwrap().as_str(),
            expected
        );
    }
}

#[test]
fn only_trusted_proxies_are_believed() {
    let x = "host: inner\nx-forwarded-proto: https\nx-forwarded-host: outer\nx-forwarded-prefix: /p/";
    let forwarded = "host: inner\nforwarded: for=192.0.2.1;proto=https;host=outer";
    for (peer, lines, expected) in [
        ("10.1.2.3", x, "https://outer/p"),
        ("::ffff:10.1.2.3", x, "https://outer/p"),
        ("2001:db8::1", x, "https://outer/p"),
        ("192.0.2.1", x, "http://inner"),
        ("127.0.0.1", x, "http://inner"),
        ("10.1.2.3", forwarded, "https://outer"),
        ("192.0.2.1", forwarded, "http://inner"),
    ] {
        assert_eq!(ask("/", lines, peer), expected, "{peer} {lines}");
    }
}

#[test]
fn what_proxies_say() {
    for (lines, expected) in [
        ("x-forwarded-proto: https", "https://inner"),
        ("x-forwarded-host: outer:8443", "http://outer:8443"),
        ("x-forwarded-prefix: /a/b", "http://inner/a/b"),
        ("x-forwarded-prefix: /", "http://inner"),
        // The client's own word stands left of the proxy's.
        (
            "x-forwarded-host: evil, outer\nx-forwarded-for: 192.0.2.1",
            "http://outer",
        ),
        ("x-forwarded-host: evil\nx-forwarded-host: outer", "http://outer"),
        // Two proxies: what the outer one got counts.
        (
            "x-forwarded-for: 192.0.2.1, 10.0.0.2\nx-forwarded-host: evil, outer, middle",
            "http://outer",
        ),
        (
            "x-forwarded-for: 192.0.2.1, 10.0.0.2:99\nx-forwarded-host: outer, middle",
            "http://outer",
        ),
        (
            "x-forwarded-for: 192.0.2.1, 10.0.0.2\nx-forwarded-host: outer",
            "http://outer",
        ),
        // An address that is none ends the chain.
        (
            "x-forwarded-for: 10.0.0.3, unknown\nx-forwarded-host: evil, outer",
            "http://outer",
        ),
        ("forwarded: host=outer", "http://outer"),
        ("forwarded: Host=\"outer:8443\"; Proto=\"https\"", "https://outer:8443"),
        (
            "forwarded: for=192.0.2.1;host=evil, for=192.0.2.2;host=outer",
            "http://outer",
        ),
        (
            "forwarded: for=192.0.2.1;host=outer, for=10.0.0.2;host=middle",
            "http://outer",
        ),
        (
            "forwarded: for=192.0.2.1;host=outer\nforwarded: for=\"[2001:db8::7]:99\";host=middle",
            "http://outer",
        ),
        (
            "forwarded: for=192.0.2.1;proto=https, for=10.0.0.2;host=middle",
            "https://middle",
        ),
        (
            "forwarded: for=10.0.0.1;host=evil, for=_hidden;host=outer",
            "http://outer",
        ),
        ("forwarded: for=\"a,b;c\";host=outer", "http://outer"),
        ("forwarded: for=192.0.2.1", "http://inner"),
        (
            "forwarded: proto=https\nx-forwarded-host: evil\nx-forwarded-prefix: /p",
            "https://inner/p",
        ),
        (
            "x-forwarded-proto: ftp",
            "the request's X-Forwarded-Proto header is not http or https",
        ),
        (
            "forwarded: proto=ftp",
            "the request's Forwarded header is not http or https",
        ),
        (
            "x-forwarded-host: a/b",
            "the request's X-Forwarded-Host header is not a host with or without a port",
        ),
        (
            "forwarded: host=\"a b\"",
            "the request's Forwarded header is not a host with or without a port",
        ),
        (
            "x-forwarded-prefix: p",
            "the request's X-Forwarded-Prefix header is not an absolute path",
        ),
        (
            "x-forwarded-prefix: //evil",
            "the request's X-Forwarded-Prefix header is not an absolute path",
        ),
        (
            "x-forwarded-prefix: /a/../b",
            "the request's X-Forwarded-Prefix header is not an absolute path",
        ),
        (
            "x-forwarded-prefix: /a?b",
            "the request's X-Forwarded-Prefix header is not an absolute path",
        ),
        (
            "x-forwarded-prefix: /\"",
            "the request's X-Forwarded-Prefix header is not an absolute path",
        ),
    ] {
        assert_eq!(
            ask("/", &format!("host: inner\n{lines}"), "10.0.0.1"),
            expected,
            "{lines}"
        );
    }
}

proptest! {
    #[test]
    fn a_root_is_always_a_url(
        name in prop::sample::select(vec!["host", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix"]),
        value in "[ -~]{0,40}|(host|for|proto|;|,|\"|=|a|\\[|\\]|:|10\\.0\\.0\\.1|/){0,12}",
    ) {
        let mut headers = headers("");
        headers.insert(HOST, HeaderValue::from_static("inner"));
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(&value).unwrap());
        let (uri, peer) = ("/".parse().unwrap(), [10, 0, 0, 1].into());
        let asked = Asked { version: Version::HTTP_11, uri: &uri, headers: &headers, peer, local: ([127, 0, 0, 1], 1).into() };
        if let Ok(base) = BaseUrl::of(&asked, &config("").server) {
            let parsed = url::Url::parse(base.as_str());
            prop_assert!(parsed.is_ok(), "{base}: {parsed:?}");
            prop_assert!(!base.as_str().ends_with('/') && base.as_str().is_ascii());
        }
    }
}
