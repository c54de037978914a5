use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::catalog::Shadow;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/srv/larder"))
}

fn refusal(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

fn values(config: &Config) -> BTreeMap<&str, (&str, &Origin)> {
    config
        .settings()
        .iter()
        .map(|setting| (setting.key.as_str(), (setting.value.as_str(), &setting.origin)))
        .collect()
}

const SMALLEST: &str = r#"
[[upstream]]
name = "community"
kind = "v2"
url = "https://community.chocolatey.org/api/v2/"
[[feed]]
name = "choco"
upstreams = ["community"]
"#;

#[test]
fn the_shipped_file_holds_every_key_with_its_default() {
    let shipped = parse(SHIPPED).unwrap();
    let defaults = parse(SMALLEST).unwrap();
    let shipped = values(&shipped);
    let defaults = values(&defaults);
    assert_eq!(shipped.keys().collect::<Vec<_>>(), defaults.keys().collect::<Vec<_>>());
    for (key, (value, origin)) in &shipped {
        assert_eq!(*value, defaults[key].0, "{key}");
        let name = key.rsplit('.').next().unwrap();
        match origin {
            Origin::File(place) => assert!(is_explained(place.line), "{key} has no comment above it"),
            Origin::Default => assert!(SHIPPED.contains(&format!("\n# {name} = ")), "{key} is not in the file"),
        }
    }
    assert_eq!(
        shipped.len(),
        server::KEYS.len()
            + storage::KEYS.len()
            + limits::KEYS.len()
            + 2 * (timing::FRESHNESS_KEYS.len() + timing::TIMEOUT_KEYS.len())
            + upstream::limits::KEYS.len()
            + upstream::KEYS.len()
            + upstream::SYNC_KEYS.len()
            - 4
            + 7
    );
}

fn is_explained(line: usize) -> bool {
    SHIPPED.lines().nth(line - 2).unwrap().starts_with("# ")
}

#[test]
fn what_the_shipped_file_means() {
    let config = parse(SHIPPED).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8624");
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.server.page_size, 100);
    assert_eq!(config.storage.data, PathBuf::from("/srv/larder/data"));
    assert_eq!(
        config.storage.packages_dir(),
        PathBuf::from("/srv/larder/data/packages")
    );
    assert_eq!(config.storage.index_cache, ByteSize::from_mib(128));
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.limits.max_package.bytes(), 350 * 1024 * 1024);
    assert_eq!(config.freshness, Freshness::default());
    assert_eq!(config.timeouts, Timeouts::default());
    assert_eq!(config.timeouts.connect, Duration::from_millis(3_500));
    let [upstream] = config.upstreams() else {
        panic!("one upstream")
    };
    assert!(matches!(&upstream.kind, UpstreamKind::V2 { root } if root.host_str() == Some("community.chocolatey.org")));
    assert_eq!(config.default_feed().name.as_str(), "choco");
    assert_eq!(config.default_feed().upstreams, std::slice::from_ref(&upstream.name));
    assert_eq!(config.default_feed().delete, DeletePolicy::Unlist);
}

const FULL: &str = r#"
        server = { listen = "[::]:0", public_url = "https://packages.example.com/larder", page_size = 40,
                   trusted_proxies = ["10.0.0.0/8", "::1"] }
        storage.data = "/var/lib/larder"
        limits.max_package = 1000000
        [[upstream]]
        name = "vendor"
        kind = "template"
        url = "https://u:s3cret@downloads.example.com/@ID/@ID.@VERSION.nupkg"
        user_agent = "contoso"
        internal_hosts = ["CDN.corp", "fd00::7", "[fd00::8]"]
        freshness = { metadata = "5m", negative = "20m", stale_if_error = "1d" }
        allow = ["vendor.*", "fabrikam"]
        deny = ["vendor.secret"]
        api_key = { env = "VENDOR_KEY" }
        headers = { X-Team = "s3cret", x-other.file = "other.txt" }
        proxy = "http://u:s3cret@proxy.corp:3128"
        ca = "ca.pem"
        [upstream.timeouts]
        connect = "1s"
        [upstream.limits]
        preset = "community"
        downloads_per_minute = 60
        packages = { Big = 2 }
        longest_wait = "5s"
        [[upstream]]
        name = "community"
        kind = "v2"
        url = "https://community.chocolatey.org/api/v2"
        [[feed]]
        name = "choco"
        default = true
        upstreams = ["community", "vendor"]
        include = ["private"]
        reserved = ["contoso.*", "fabrikam"]
        shadow = "version"
        delete = "off"
        [[feed]]
        name = "private"
        delete = "remove"
        "#;

#[test]
fn a_full_file() {
    let config = parse(FULL).unwrap();
    assert_eq!(config.server.listen.port(), 0);
    assert_eq!(
        config.server.public_url.as_ref().unwrap().as_str(),
        "https://packages.example.com/larder/"
    );
    assert!(config.server.trusted_proxies[0].contains(&"10.1.2.3".parse::<std::net::IpAddr>().unwrap()));
    assert_eq!(config.server.trusted_proxies[1].prefix_len(), 128);
    assert_eq!(config.storage.data, PathBuf::from("/var/lib/larder"));
    assert_eq!(config.limits.max_package.bytes(), 1_000_000);
    let community = config.upstream(&"community".parse().unwrap()).unwrap();
    assert!(matches!(&community.kind, UpstreamKind::V2 { root } if root.path() == "/api/v2/"));
    let vendor = config.upstream(&"vendor".parse().unwrap()).unwrap();
    assert_eq!(vendor.access.user_agent.as_ref().unwrap().as_str(), "contoso");
    assert_eq!(vendor.access.internal_hosts, ["cdn.corp", "fd00::7", "fd00::8"]);
    assert!(vendor.ids.admit("Fabrikam") && !vendor.ids.admit("vendor.secret") && !vendor.ids.admit("git"));
    assert!(community.ids.admit("git"));
    let credentials = &vendor.access.credentials;
    assert_eq!(credentials.api_key, Some(Secret::Env("VENDOR_KEY".to_owned())));
    assert_eq!(credentials.headers[1].1, Secret::File("/srv/larder/other.txt".into()));
    assert_eq!(vendor.access.ca.as_deref(), Some(Path::new("/srv/larder/ca.pem")));
    assert_eq!(vendor.freshness.metadata, Duration::from_secs(300));
    assert_eq!(vendor.freshness.negative, Duration::from_secs(1_200));
    assert_eq!(
        vendor.freshness.negative_longest,
        Duration::from_secs(1_200),
        "it follows"
    );
    assert_eq!(vendor.freshness.stale_if_error, Duration::from_secs(86_400));
    assert_eq!(vendor.freshness.search, config.freshness.search);
    assert_eq!(vendor.timeouts.connect, Duration::from_secs(1));
    let limits = &vendor.limits;
    assert_eq!((limits.requests_per_minute, limits.downloads_per_minute), (600, 60));
    assert_eq!(limits.packages, [("big".to_owned(), 2)].into());
    assert_eq!((limits.concurrency, limits.longest_wait), (8, Duration::from_secs(5)));
    assert_eq!(community.limits.downloads_per_minute, 18);
    assert!(matches!(&vendor.kind, UpstreamKind::Template { template } if template.as_str().contains("s3cret")));
    let choco = config.default_feed();
    assert!(choco.reserves("Contoso.Agent") && choco.reserves("FABRIKAM") && !choco.reserves("git"));
    assert_eq!(
        choco.upstreams.iter().map(SourceName::as_str).collect::<Vec<_>>(),
        ["community", "vendor"]
    );
    let private = config.feed(&"private".parse().unwrap()).unwrap();
    assert!(!private.is_default && private.upstreams.is_empty());
    assert_eq!(private.delete, DeletePolicy::Remove);
    assert_eq!((choco.shadow, private.shadow), (Shadow::Version, Shadow::Id));
    assert_eq!(config.members(choco).len(), 2);
}

#[test]
fn what_is_shown_of_a_full_file() {
    let config = parse(FULL).unwrap();
    let shown = values(&config);
    assert_eq!(
        shown["upstream.vendor.url"].0,
        "\"https://***@downloads.example.com/@ID/@ID.@VERSION.nupkg\""
    );
    for (key, expected) in [
        ("upstream.vendor.allow", "[\"vendor.*\", \"fabrikam\"]"),
        ("upstream.vendor.api_key", "{ env = \"VENDOR_KEY\" }"),
        (
            "upstream.vendor.headers",
            "{ \"X-Team\" = \"***\", \"x-other\" = { file = \"other.txt\" } }",
        ),
        ("upstream.vendor.proxy", "\"http://***@proxy.corp:3128\""),
        ("upstream.vendor.password", "none"),
        ("upstream.community.allow", "[\"*\"]"),
        ("feed.choco.include", "[\"private\"]"),
        ("feed.choco.shadow", "\"version\""),
    ] {
        assert_eq!(shown[key].0, expected, "{key}");
    }
    assert_eq!(shown["feed.choco.reserved"].0, "[\"contoso.*\", \"fabrikam\"]");
    assert_eq!(shown["server.listen"].1.to_string(), "mirror.toml:2");
    assert_eq!(shown["feed.choco.delete"].1.to_string(), "mirror.toml:37");
    assert_eq!(shown["feed.private.reserved"].1, &Origin::Default);
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn feeds_that_need_not_be_written() {
    let none = parse("").unwrap();
    assert_eq!(none.default_feed().name.as_str(), "default");
    assert!(none.default_feed().upstreams.is_empty());

    let upstreams = "[[upstream]]\nname = \"b\"\nkind = \"v2\"\nurl = \"http://b/\"\n\
                     [[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/\"\n";
    let all = parse(upstreams).unwrap();
    assert_eq!(
        all.default_feed()
            .upstreams
            .iter()
            .map(SourceName::as_str)
            .collect::<Vec<_>>(),
        ["b", "a"]
    );
    assert_eq!(
        values(&all)["feed.default.upstreams"],
        ("[\"b\", \"a\"]", &Origin::Default)
    );

    let only = parse("[[feed]]\nname = \"only\"\n").unwrap();
    assert_eq!(only.default_feed().name.as_str(), "only");
    assert_eq!(values(&only)["feed.only.default"], ("true", &Origin::Default));
}

#[test]
fn for_testing_takes_a_free_port() {
    let config = Config::for_testing(Path::new("/tmp/t")).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:0");
    assert_eq!(config.storage.spool_dir(), PathBuf::from("/tmp/t/data/spool"));
}

const REFUSALS: &[(&str, &str)] = &[
    (
        "[server]\nlisen = 1",
        "mirror.toml:2: unknown key \"lisen\" in [server]; the nearest known key is \"listen\"",
    ),
    (
        "[server]\n\npagesize = 1",
        "mirror.toml:3: unknown key \"pagesize\" in [server]; the nearest known key is \"page_size\"",
    ),
    (
        "[sever]",
        "mirror.toml:1: unknown key \"sever\" in the file; the nearest known key is \"server\"",
    ),
    ("listen = \"x\"", "mirror.toml:1: unknown key \"listen\" in the file"),
    (
        "[[feed]]\nname = \"a\"\nreserve = []",
        "mirror.toml:3: unknown key \"reserve\" in [[feed]]; the nearest known key is \"reserved\"",
    ),
    (
        "[[upstream]]\nNAME = \"a\"",
        "mirror.toml:2: unknown key \"NAME\" in [[upstream]]; the nearest known key is \"name\"",
    ),
    ("[server", "mirror.toml:1: this is not TOML: "),
    (
        "[server]\npage_size = 1\npage_size = 2",
        "mirror.toml:3: this is not TOML: duplicate key",
    ),
    (
        "[server]\nlisten = \"localhost:80\"",
        "mirror.toml:2: server.listen must be an IP address and a port",
    ),
    (
        "[server]\nlisten = 80",
        "server.listen must be text in quotes, not a number",
    ),
    (
        "[server]\npage_size = 0",
        "mirror.toml:2: server.page_size must be from 1 to 1000, not 0",
    ),
    ("[server]\npage_size = 1001", "server.page_size must be from 1 to 1000"),
    (
        "[server]\npage_size = \"40\"",
        "server.page_size must be a whole number, not text",
    ),
    (
        "[server]\npage_size = -1",
        "server.page_size must be a whole number from 0 up, not -1",
    ),
    (
        "[server]\npage_size = 5000000000",
        "server.page_size must be 4294967295 or less",
    ),
    (
        "[server]\ntrusted_proxies = \"::1\"",
        "server.trusted_proxies must be a list in square brackets",
    ),
    (
        "[server]\ntrusted_proxies = [\"::1\", \"proxy\"]",
        "server.trusted_proxies has an entry (number 2) that must be an address",
    ),
    (
        "[server]\npublic_url = \"example.com\"",
        "server.public_url must be a URL",
    ),
    (
        "[server]\npublic_url = \"https://u:s3cret@example.com\"",
        "server.public_url must not hold a user or password",
    ),
    ("[storage]\ndata = \"\"", "storage.data must name a path"),
    (
        "[storage]\nindex_cache = \"1KiB\"",
        "storage.index_cache must be 1MiB or more, not 1KiB",
    ),
    (
        "[limits]\nmax_package = 0",
        "limits.max_package must be 1KiB or more, not 0B",
    ),
    (
        "[limits]\nmax_package = \"350\"",
        "limits.max_package must be a size, such as \"350MiB\"",
    ),
    (
        "[limits]\nmax_zip_entries = 65534",
        "limits.max_zip_entries must be from 1 to 65533",
    ),
    (
        "[freshness]\nmetadata = 600",
        "freshness.metadata must be a duration with a unit",
    ),
    (
        "[freshness]\nnegative = \"2m\"\nnegative_longest = \"1m\"",
        "mirror.toml:3: freshness.negative_longest must be no shorter than negative",
    ),
    (
        "[timeouts]\nconnect = \"0s\"",
        "timeouts.connect must be longer than nothing",
    ),
    ("[[server]]\n", "server must be a section: write [server] once"),
    ("server = 1\n", "server must be a section: write [server] once"),
    (
        "[feed]\nname = \"a\"",
        "feed must be a list of sections: write [[feed]]",
    ),
    ("feed = [1]", "feed must be a list of sections: write [[feed]]"),
    (
        "\n[[feed]]\n",
        "mirror.toml:2: [[feed]] needs the key \"name\"; add name = \"choco\"",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"",
        "mirror.toml:1: [[upstream]] needs the key \"url\"",
    ),
    (
        "[[feed]]\nname = \"../etc\"",
        "feed.name must be a name (1 to 64 lower-case letters",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v3\"\nurl = \"http://a/\"",
        "mirror.toml:3: upstream.a.kind must be \"v2\" or \"template\", not \"v3\"",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/@ID\"",
        "upstream.a.url must be the root of a feed",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"template\"\nurl = \"http://a/@ID\"",
        "upstream.a.url must have @VERSION in it",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"ftp://a/\"",
        "mirror.toml:4: upstream.a.url must start with http:// or https://",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/\"\nuser_agent = \"\\n\"",
        "upstream.a.user_agent must be printable ASCII",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/\"\ninternal_hosts = [\"http://b/\"]",
        "must be a host's name or address alone",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/\"\nlimits.preset = \"nuget\"",
        "mirror.toml:5: upstream.a.limits.preset must be \"none\", \"community\" or \"nuget.org\", not \"nuget\"",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/\"\nlimits.concurrency = 0",
        "upstream.a.limits.concurrency must be from 1 to 1000, not 0",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/\"\nlimits.packages = { git = \"5\" }",
        "upstream.a.limits.packages has git, whose number must be a whole number, not text",
    ),
    (
        "[[upstream]]\nname = \"a\"\nkind = \"v2\"\nurl = \"http://a/\"\nlimits.longest_wait = \"1h\"",
        "upstream.a.limits.longest_wait must be 30s or less",
    ),
    (
        "[[feed]]\nname = \"a\"\ndefault = false",
        "feed.default must be true for one feed",
    ),
    (
        "[[feed]]\nname = \"a\"\n[[feed]]\nname = \"b\"",
        "feed.default must be true for one feed",
    ),
    (
        "[[feed]]\nname = \"a\"\ndefault = true\n[[feed]]\nname = \"b\"\ndefault = true",
        "mirror.toml:6: feed.b.default is true, but feed a is the default already",
    ),
    (
        "[[feed]]\nname = \"a\"\n[[feed]]\nname = \"a\"",
        "mirror.toml:4: feed.a.name is a, the name of a feed (mirror.toml:2) too",
    ),
    (
        "[[feed]]\nname = \"a\"\nupstreams = [\"u\"]",
        "names the upstream u, which is not configured; there is none",
    ),
    (
        "[[feed]]\nname = \"a\"\nreserved = [\"a*b\"]",
        "feed.a.reserved has an entry (number 1) that must be a package id",
    ),
    (
        "[[feed]]\nname = \"a\"\nshadow = \"ids\"",
        "feed.a.shadow must be \"id\" or \"version\"",
    ),
    (
        "[[feed]]\nname = \"a\"\ndelete = \"hide\"",
        "feed.a.delete must be \"unlist\", \"remove\" or \"off\"",
    ),
];

#[test]
fn refusals_say_where_and_what() {
    let upstream = "[[upstream]]\nname = \"u\"\nkind = \"v2\"\nurl = \"http://u/\"\n";
    for (text, expected) in REFUSALS {
        let shown = refusal(text);
        assert!(
            shown.contains(expected),
            "{text:?}\n gives  {shown}\n wanted {expected}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    for (feed, expected) in [
        (
            "name = \"u\"",
            "mirror.toml:6: feed.u.name is u, the name of an upstream (mirror.toml:2) too",
        ),
        (
            "name = \"a\"\nupstreams = [\"v\"]",
            "mirror.toml:7: feed.a.upstreams names the upstream v, which is not configured; the nearest there is is u",
        ),
        (
            "name = \"a\"\nupstreams = [\"u\", \"u\"]",
            "feed.a.upstreams names u twice",
        ),
    ] {
        let shown = refusal(&format!("{upstream}[[feed]]\n{feed}"));
        assert!(
            shown.contains(expected),
            "{feed:?}\n gives  {shown}\n wanted {expected}"
        );
    }
    let clash = refusal(&upstream.replace("\"u\"", "\"default\""));
    assert!(
        clash.contains("is default, the name of an upstream (mirror.toml:2) too"),
        "{clash}"
    );
}

#[test]
fn refusals_of_an_upstreams_door() {
    let upstream = "[[upstream]]\nname = \"u\"\nkind = \"v2\"\nurl = \"http://u/\"\n";
    for (keys, expected) in [
        ("allow = []", "mirror.toml:5: upstream.u.allow must not be empty"),
        (
            "deny = [\"a*b\"]",
            "upstream.u.deny has an entry (number 1) that must be a package id",
        ),
        (
            "username = \"s3cret\"",
            "upstream.u.username needs a password beside it",
        ),
        (
            "password = \"s3cret\"",
            "upstream.u.password needs a username beside it",
        ),
        ("api_key = \"\"", "upstream.u.api_key must not be empty"),
        (
            "api_key = [\"s3cret\"]",
            "upstream.u.api_key must be text in quotes, or say where",
        ),
        (
            "bearer = { value = \"s3cret\" }",
            "upstream.u.bearer must be text in quotes, or say where",
        ),
        (
            "bearer = \"s3cret\"\nusername = \"a\"\npassword = \"s3cret\"",
            "mirror.toml:5: upstream.u.bearer goes into the header that user and password go into",
        ),
        (
            "bearer = \"s3cret\"\nheaders = { authorization = \"s3cret\" }",
            "upstream.u.headers sets authorization, which another key sets already",
        ),
        (
            "api_key = \"s3cret\"\nheaders = { X-NUGET-APIKEY = \"s3cret\" }",
            "upstream.u.headers sets X-NUGET-APIKEY, which another key sets already",
        ),
        (
            "headers = { Host = \"s3cret\" }",
            "upstream.u.headers has Host, which is for larder to set",
        ),
        (
            "headers = { \"a b\" = \"s3cret\" }",
            "upstream.u.headers has \"a b\", which is no name of a header",
        ),
        (
            "headers = { a = \"s3cret\", A = \"s3cret\" }",
            "upstream.u.headers has ",
        ),
        (
            "headers = { a = 1 }",
            "upstream.u.headers has a, whose value must be text in quotes",
        ),
        (
            "headers = \"a\"",
            "upstream.u.headers must be headers with their values",
        ),
        (
            "proxy = \"proxy:3128\"",
            "upstream.u.proxy must start with http:// or https://",
        ),
        (
            "proxy = \"http://u:s3cret@proxy/x\"",
            "upstream.u.proxy must be the scheme, host and port",
        ),
        ("proxy = false", "upstream.u.proxy must be text in quotes"),
        ("ca = \"\"", "upstream.u.ca must name a path"),
    ] {
        let shown = refusal(&format!("{upstream}{keys}"));
        assert!(
            shown.contains(expected),
            "{keys:?}\n gives  {shown}\n wanted {expected}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let with_login = upstream.replace("//u", "//a:s3cret@u");
    for key in [
        "bearer = \"x\"",
        "username = \"x\"\npassword = \"y\"",
        "headers.Authorization = \"x\"",
    ] {
        assert!(parse(&format!("{with_login}{key}")).is_err(), "{key}");
    }
}

#[test]
fn an_upstream_that_is_this_larder_is_refused() {
    for (server, url, expected) in [
        ("", "http://127.0.0.1:8624/feeds/a/api/v2/", Some("server.listen")),
        ("", "http://localhost:8624/api/v2/", Some("server.listen")),
        ("", "http://127.0.0.1:8625/api/v2/", None),
        ("", "http://10.0.0.1:8624/api/v2/", None),
        ("listen = \"127.0.0.1:0\"", "http://127.0.0.1:8624/", None),
        (
            "listen = \"0.0.0.0:80\"",
            "http://127.0.0.1/api/v2/",
            Some("server.listen"),
        ),
        ("listen = \"[::]:80\"", "http://[::1]/api/v2/", Some("server.listen")),
        (
            "listen = \"[::]:80\"",
            "http://localhost/api/v2/",
            Some("server.listen"),
        ),
        ("listen = \"10.0.0.1:80\"", "http://localhost/", None),
        (
            "public_url = \"https://packages.corp/larder/\"",
            "https://packages.corp:443/larder/api/v2/",
            Some("server.public_url"),
        ),
        (
            "public_url = \"https://packages.corp/larder/\"",
            "https://packages.corp/nexus/",
            None,
        ),
    ] {
        let text = format!("[server]\n{server}\n[[upstream]]\nname = \"u\"\nkind = \"v2\"\nurl = \"{url}\"\n");
        match (parse(&text), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(key)) => {
                let expected = format!("mirror.toml:6: upstream.u.url is where this larder itself is ({key})");
                assert!(error.to_string().starts_with(&expected), "{error}");
            }
            (parsed, _) => panic!("{server} {url}: {parsed:?}"),
        }
    }
}

#[test]
fn files_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mirror.toml");
    let absent = Config::load(&file).unwrap_err();
    assert!(matches!(absent, ConfigError::Absent { .. }));
    assert!(absent.to_string().contains("--print-default"), "{absent}");

    std::fs::write(&file, b"[server]\n\xff").unwrap();
    assert!(matches!(Config::load(&file), Err(ConfigError::Unreadable { .. })));
    assert!(matches!(Config::load(dir.path()), Err(ConfigError::Unreadable { .. })));

    std::fs::write(&file, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(matches!(Config::load(&file), Err(ConfigError::TooLarge { .. })));

    // As Notepad writes it.
    std::fs::write(
        &file,
        "\u{feff}[server]\r\nlisten = \"127.0.0.1:0\"\r\npage_size = 0\r\n",
    )
    .unwrap();
    let refused = Config::load(&file).unwrap_err().to_string();
    assert!(refused.contains("mirror.toml:3: server.page_size"), "{refused}");

    std::fs::write(&file, SHIPPED).unwrap();
    assert_eq!(Config::load(&file).unwrap().storage.data, dir.path().join("data"));
}

#[test]
fn depth_is_limited() {
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(refusal(&deep).contains("not TOML"));
}

proptest! {
    #[test]
    fn garbage_is_refused_without_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn a_damaged_file_is_refused_or_read(at in 0..SHIPPED.len(), put in "[\\[\\]\"=#a-z0-9\n]{0,4}", cut in 0..20_usize) {
        let mut bytes = SHIPPED.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }
}
