//! Private ids on every route, asked for byte by byte: no client asks them all.

use super::published::{PUSHERS, hosted_id, reserved_id};
use crate::support::feed::Feed;
use crate::support::larder::LarderProcess;
use crate::support::nupkg::Nupkg;
use crate::support::raw_http;

/// No route shows the origin's higher version of a private id, nor an unlisted version as the latest.
pub(super) fn are_never_overtaken(mirror: &LarderProcess) {
    for pusher in PUSHERS {
        for id in [reserved_id(pusher), hosted_id(pusher)] {
            for target in lists_of(&id) {
                let answer = raw_http::get(mirror.authority(), &target).expect_status(200);
                let names = Feed::parse(&answer.text()).names();
                assert!(
                    names.contains(&format!("{id} 1.0.0")),
                    "{target} does not show {id} 1.0.0: {names:?}"
                );
                assert!(
                    !names.contains(&format!("{id} 9.0.0")),
                    "{target} shows {id} 9.0.0: {names:?}"
                );
                let shows_unlisted = names.contains(&format!("{id} 2.0.0"));
                assert!(
                    !shows_unlisted || target.contains("FindPackagesById()?id"),
                    "{target}: {names:?}"
                );
            }
            for target in [
                format!("/api/v2/Packages(Id='{id}',Version='9.0.0')"),
                format!("/api/v2/package/{id}/9.0.0"),
            ] {
                raw_http::get(mirror.authority(), &target).expect_status(404);
            }
            let count = format!("/api/v2/Packages()/$count?$filter=Id%20eq%20'{id}'%20and%20Version%20eq%20'9.0.0'");
            assert_eq!(
                raw_http::get(mirror.authority(), &count).expect_status(200).text(),
                "0",
                "{count}"
            );
            let latest = raw_http::get(mirror.authority(), &format!("/api/v2/package/{id}")).expect_status(200);
            let expected = Nupkg::new(&id, "1.0.0").pack().bytes;
            assert!(latest.body == expected, "/api/v2/package/{id} is not {id} 1.0.0");
        }
        // Unlisted is not gone: who asks for the version gets it.
        let target = format!("/api/v2/package/{}/2.0.0", reserved_id(pusher));
        let unlisted = raw_http::get(mirror.authority(), &target).expect_status(200);
        assert!(
            unlisted.body == Nupkg::new(&reserved_id(pusher), "2.0.0").pack().bytes,
            "{target}"
        );
    }
}

/// Every list in which a version of `id` can show up.
fn lists_of(id: &str) -> Vec<String> {
    let parameters = "targetFramework=''&includePrerelease=true";
    vec![
        format!("/api/v2/FindPackagesById()?id='{id}'&semVerLevel=2.0.0"),
        format!("/api/v2/FindPackagesById()?$filter=IsLatestVersion&$orderby=Version%20desc&$top=1&id='{id}'"),
        format!("/api/v2/Packages()?$filter=(tolower(Id)%20eq%20'{id}')%20and%20IsLatestVersion"),
        format!("/api/v2/Packages()?$filter=(tolower(Id)%20eq%20'{id}')%20and%20IsAbsoluteLatestVersion"),
        format!("/api/v2/Search()?$filter=IsLatestVersion&$skip=0&$top=30&searchTerm='{id}'&{parameters}"),
        format!("/api/v2/Search()?$orderby=Id,Version%20desc&$skip=0&$top=30&searchTerm='{id}'&{parameters}"),
        format!("/api/v2/Search()?$filter=startswith(tolower(Id),'{id}')&$skip=0&$top=30&searchTerm=''&{parameters}"),
    ]
}
