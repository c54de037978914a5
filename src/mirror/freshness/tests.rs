use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: u64 = 86_400;

fn present(age_seconds: u64, address: Address) -> (Finding, Moment) {
    let learnt = Moment::now();
    let finding = Finding::Present(Said::now(learnt, 0.5), address);
    (finding, learnt + Duration::from_secs(age_seconds))
}

#[test]
fn what_is_there_ages() {
    let lifetimes = Lifetimes::default();
    for (age, online, offline) in [
        (0, Freshness::Fresh, Freshness::Fresh),
        (599, Freshness::Fresh, Freshness::Fresh),
        (600, Freshness::Stale, Freshness::Kept),
        (4_199, Freshness::Stale, Freshness::Kept),
        (4_200, Freshness::Old, Freshness::Kept),
        (30 * DAY + 599, Freshness::Old, Freshness::Kept),
        (30 * DAY + 600, Freshness::Expired, Freshness::Kept),
        (9_000 * DAY, Freshness::Expired, Freshness::Kept),
    ] {
        let (finding, now) = present(age, Address::Current);
        assert_eq!(decide(&finding, now, &lifetimes, Connection::Online), online, "{age} s");
        assert_eq!(
            decide(&finding, now, &lifetimes, Connection::Offline),
            offline,
            "{age} s"
        );
    }
}

#[test]
fn settings_have_their_say() {
    let lifetimes = Lifetimes::default();
    let zero = Duration::ZERO;
    for (settings, age, expected) in [
        // Asked every time: nothing is served before the upstream was asked.
        (
            Lifetimes {
                present: zero,
                ..lifetimes
            },
            0,
            Freshness::Old,
        ),
        (
            Lifetimes {
                present: zero,
                ..lifetimes
            },
            30 * DAY - 1,
            Freshness::Old,
        ),
        (
            Lifetimes {
                present: zero,
                ..lifetimes
            },
            30 * DAY,
            Freshness::Expired,
        ),
        (
            Lifetimes {
                stale_while_revalidate: zero,
                ..lifetimes
            },
            600,
            Freshness::Old,
        ),
        (
            Lifetimes {
                stale_if_error: zero,
                ..lifetimes
            },
            599,
            Freshness::Fresh,
        ),
        (
            Lifetimes {
                stale_if_error: zero,
                ..lifetimes
            },
            600,
            Freshness::Stale,
        ),
        (
            Lifetimes {
                stale_if_error: zero,
                ..lifetimes
            },
            4_200,
            Freshness::Expired,
        ),
        (
            Lifetimes {
                present: Duration::MAX,
                ..lifetimes
            },
            DAY,
            Freshness::Fresh,
        ),
    ] {
        let (finding, now) = present(age, Address::Current);
        assert_eq!(
            decide(&finding, now, &settings, Connection::Online),
            expected,
            "{settings:?} {age} s"
        );
    }
}

#[test]
fn what_another_address_said_is_never_fresh() {
    let lifetimes = Lifetimes::default();
    for (age, expected) in [
        (0, Freshness::Old),
        (700, Freshness::Old),
        (31 * DAY, Freshness::Expired),
    ] {
        let (finding, now) = present(age, Address::Former);
        assert_eq!(
            decide(&finding, now, &lifetimes, Connection::Online),
            expected,
            "{age} s"
        );
    }
}

#[test]
fn absence_is_believed_longer_each_time() {
    let lifetimes = Lifetimes::default();
    let mut now = Moment::now();
    let mut finding = Finding::Nothing;
    assert_eq!(decide(&finding, now, &lifetimes, Connection::Online), Freshness::Miss);
    for minutes in [1, 2, 4, 8, 10, 10, 10] {
        finding = finding.absent_again(now);
        let last = now + minutes * Duration::from_secs(59);
        assert_eq!(
            decide(&finding, last, &lifetimes, Connection::Online),
            Freshness::Absent
        );
        now += minutes * MINUTE;
        for reach in [Connection::Online, Connection::Offline] {
            assert_eq!(decide(&finding, now, &lifetimes, reach), Freshness::Miss, "{minutes}");
        }
    }
    for _ in 0..100 {
        finding = finding.absent_again(now);
    }
    assert_eq!(finding.lifetime(&lifetimes), 10 * MINUTE);
    // Once it was there, counting begins anew.
    let there = Finding::Present(Said::now(now, 0.5), Address::Current);
    assert_eq!(there.absent_again(now).lifetime(&lifetimes), MINUTE);
}

#[test]
fn a_clock_that_is_set_makes_nothing_fresh_for_ever() {
    let (lifetimes, now) = (Lifetimes::default(), Moment::now());
    let at = Instant::from_timestamp(1_000_000_000, 0).unwrap();
    for (wall_passed, then, later) in [
        (0, Freshness::Fresh, Freshness::Stale),
        (300, Freshness::Fresh, Freshness::Stale),
        (700, Freshness::Stale, Freshness::Stale),
        (86_400, Freshness::Old, Freshness::Old),
        // Set back, by a little and by ten years.
        (-1, Freshness::Stale, Freshness::Stale),
        (-315_360_000, Freshness::Stale, Freshness::Stale),
    ] {
        let wall = at + TimeDelta::seconds(wall_passed);
        let said = Said::noted(at, wall, now, 0.5, &lifetimes);
        let finding = Finding::Present(said, Address::Current);
        assert_eq!(
            decide(&finding, now, &lifetimes, Connection::Online),
            then,
            "{wall_passed} s"
        );
        let after = now + 15 * MINUTE;
        assert_eq!(
            decide(&finding, after, &lifetimes, Connection::Online),
            later,
            "{wall_passed} s"
        );
        let hours = now + 120 * MINUTE;
        assert_eq!(
            decide(&finding, hours, &lifetimes, Connection::Online),
            Freshness::Old,
            "{wall_passed} s"
        );
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,20}"
}

proptest! {
    #[test]
    fn lifetimes_are_stretched_by_a_tenth_at_most(
        id in name(),
        source in name(),
        seconds in 0_i64..4_000_000_000,
        lifetime in 0_u64..315_360_000,
    ) {
        let (source, id): (SourceName, PackageId) = (source.parse().unwrap(), id.parse().unwrap());
        let at = Instant::from_timestamp(seconds, 0).unwrap();
        let chance = chance(&source, &id, at);
        prop_assert!((0.0..=1.0).contains(&chance));
        prop_assert!((chance - super::chance(&source, &id, at)).abs() < f64::EPSILON, "the same for the same");
        let lifetimes = Lifetimes { present: Duration::from_secs(lifetime), ..Lifetimes::default() };
        let finding = Finding::Present(Said::now(Moment::now(), chance), Address::Current);
        let stretched = finding.lifetime(&lifetimes).as_secs_f64();
        let base = Duration::from_secs(lifetime).as_secs_f64();
        prop_assert!(stretched >= base * 0.9 - 1e-6 && stretched <= base * 1.1 + 1e-6, "{stretched} of {base}");
    }
}

#[test]
fn what_is_learnt_together_is_not_stale_together() {
    let source = "gallery".parse().unwrap();
    let at = Instant::from_timestamp(1_000_000_000, 0).unwrap();
    let mut tenths = [0; 10];
    for number in 0..1_000 {
        let id = format!("package{number}").parse().unwrap();
        let chance = chance(&source, &id, at);
        let tenth = (1..10).find(|tenth| chance < f64::from(*tenth) / 10.0);
        tenths[usize::from(tenth.unwrap_or(10_u8)) - 1] += 1;
    }
    assert!(tenths.iter().all(|count| (50..150).contains(count)), "{tenths:?}");
}
