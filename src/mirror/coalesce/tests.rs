use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::FutureExt as _;
use tokio::sync::Semaphore;

use super::*;

#[tokio::test]
async fn many_ask_one_works() {
    let (works, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let coalescer = Arc::new(Coalescer::<&str, usize>::default());
    let ask = || {
        let (coalescer, works, gate) = (Arc::clone(&coalescer), Arc::clone(&works), Arc::clone(&gate));
        tokio::spawn(async move {
            let work = move || {
                async move {
                    let _open = gate.acquire().await.unwrap();
                    works.fetch_add(1, Ordering::SeqCst) + 1
                }
                .boxed()
            };
            coalescer.run("key", work, |_| 0).await
        })
    };
    let first = ask();
    let others: Vec<_> = (0..10).map(|_| ask()).collect();
    tokio::task::yield_now().await;
    // The first one gives up: the work goes on for the others.
    first.abort();
    gate.add_permits(1);
    for other in others {
        assert_eq!(other.await.unwrap(), 1);
    }
    assert_eq!(works.load(Ordering::SeqCst), 1);
    assert_eq!(ask().await.unwrap(), 2, "what is done is not kept");
}

#[tokio::test]
async fn a_panic_reaches_everybody_and_blocks_nobody() {
    let coalescer = Coalescer::<&str, String>::default();
    let on_loss = |lost: Lost| format!("{lost:?}");
    let outcome = coalescer.run("key", || async { panic!("no") }.boxed(), on_loss).await;
    assert_eq!(outcome, "Dropped");
    let outcome = coalescer
        .run("key", || async { "fine".to_owned() }.boxed(), on_loss)
        .await;
    assert_eq!(outcome, "fine");
}

type Body = Passage<&'static str, &'static str, Lost>;

const REACH: Reach = Reach {
    hold_back: 10,
    tail: 8,
    tail_parts: 3,
};

fn body(bytes: &[&'static [u8]]) -> Body {
    let body = Body::new(REACH);
    body.promise(Arc::new("file"), 30);
    for part in bytes {
        body.add(Bytes::from_static(part));
    }
    body
}

fn step(body: &Body, place: u64) -> Option<Result<Step, Lost>> {
    body.step(place).now_or_never()
}

fn part(bytes: &'static [u8]) -> Step {
    Step::Part(Bytes::from_static(bytes))
}

#[test]
fn what_has_come_is_passed_on_and_the_end_held_back() {
    let body = body(&[b"0123456789", b"abcdefghij", b"ABCDEFGHI"]);
    assert_eq!(step(&body, 0), Some(Ok(part(b"0123456789"))));
    assert_eq!(step(&body, 13), Some(Ok(part(b"defghij"))));
    assert_eq!(step(&body, 20), None, "the last ten wait");
    body.add(Bytes::from_static(b"J"));
    assert_eq!(step(&body, 20), None);
    body.verify(Arc::new("file"));
    assert_eq!(step(&body, 20), Some(Ok(part(b"ABCDEFGHI"))));
    assert_eq!(step(&body, 29), Some(Ok(part(b"J"))));
    assert_eq!(step(&body, 30), Some(Ok(Step::End)));
}

#[test]
fn what_was_written_leaves_memory_but_for_the_tail() {
    let body = body(&[b"01234", b"56789", b"abcde", b"fghij"]);
    body.written(4);
    assert_eq!(
        step(&body, 0),
        Some(Ok(part(b"01234"))),
        "not all of the part was written"
    );
    body.written(20);
    let written = |until| Some(Ok(Step::Written { until }));
    assert_eq!((step(&body, 0), step(&body, 9)), (written(10), written(10)));
    assert_eq!(step(&body, 10), Some(Ok(part(b"abcde"))));
    for byte in 0..5_u8 {
        body.add(Bytes::from(vec![byte]));
    }
    body.written(25);
    assert_eq!(step(&body, 0), written(20), "only what may be passed on");
}

#[test]
fn who_waits_is_told_how_it_ends() {
    let begun = |body: &Body| match body.begun().now_or_never() {
        None => "waits".to_owned(),
        Some(Ok(Begun::Passing { length, .. })) => format!("passing {length}"),
        Some(Ok(Begun::Kept(kept))) => format!("kept {kept}"),
        Some(Err(lost)) => format!("{lost:?}"),
    };
    let waiting = Body::new(REACH);
    assert_eq!(begun(&waiting), "waits");
    waiting.add(Bytes::from_static(b"0123456789abcdef"));
    assert_eq!(begun(&waiting), "waits", "no length was promised");
    waiting.verify(Arc::new("file"));
    assert_eq!(begun(&waiting), "waits", "it is kept first");
    waiting.end(Ending::Unkept(Lost::Crowded));
    assert_eq!(begun(&waiting), "passing 16");
    assert!(step(&waiting, 0).is_some_and(|step| step.is_ok()));
    assert!(waiting.kept().now_or_never().is_some_and(|kept| kept.is_err()));

    let passing = body(&[b"0"]);
    assert_eq!(begun(&passing), "passing 30");
    passing.end(Ending::Failed(Lost::Crowded));
    passing.end(Ending::Kept("record"));
    assert_eq!(begun(&passing), "Crowded", "the first ending stays");
    assert_eq!(step(&passing, 0), Some(Err(Lost::Crowded)), "also where bytes are left");

    let kept = body(&[]);
    kept.end(Ending::Kept("record"));
    assert_eq!(begun(&kept), "kept record");
}

#[test]
fn a_lead_that_goes_takes_its_followers_along_and_nobody_else() {
    let flights = Flights::<&str, Body>::default();
    let begin = || Body::new(REACH);
    let Joined::Leads(lead, _) = flights.join("key", 2, begin) else {
        panic!("nobody led before");
    };
    let Joined::Follows(follower) = flights.join("key", 2, begin) else {
        panic!("somebody leads");
    };
    let Joined::Follows(_other) = flights.join("key", 2, begin) else {
        panic!("two may follow");
    };
    assert!(matches!(flights.join("key", 2, begin), Joined::Crowded));
    drop(lead);
    assert!(follower.kept().now_or_never().is_some_and(|kept| kept.is_err()));
    let Joined::Leads(next, _) = flights.join("key", 2, begin) else {
        panic!("the key is free");
    };
    assert!(matches!(flights.join("key", 2, begin), Joined::Follows(_)));
    next.land(|flight| flight.end(Ending::Kept("record")));
    assert!(matches!(flights.join("key", 2, begin), Joined::Leads(..)));
}
