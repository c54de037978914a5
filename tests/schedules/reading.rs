//! A body that is read while it arrives: readers get its very bytes, its end only when it was verified, and never wait for
//! ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::rand::Rng as _;
use shuttle::sync::Mutex;

use crate::flights::{Flight as _, Flights, Joined, Lost};
use crate::passage::{Begun, Ending, Passage, Reach, Step};
use crate::try_all;

const BODY: &[u8] = b"abcdefghijklmnopqrstuvwx";
const PART: usize = 4;
const REACH: Reach = Reach {
    hold_back: 7,
    tail: 3,
    tail_parts: 2,
};

const READERS: usize = 2;

/// A file that grows.
type Disk = Mutex<Vec<u8>>;
type Body = Passage<Disk, &'static str, Lost>;

/// How the one who fetches it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Kept,
    /// It was verified, and could not be kept.
    Unkept,
    /// It was not what it should be.
    Failed,
    /// Its upstream broke off.
    Broken,
    /// The task panicked.
    Dropped,
}

#[test]
fn readers_get_the_body_or_an_error() {
    try_all(|| {
        let ends = [End::Kept, End::Unkept, End::Failed, End::Broken, End::Dropped];
        let end = ends[shuttle::rand::thread_rng().gen_range(0..ends.len())];
        let flights = Arc::new(Flights::<&str, Body>::default());
        let seen = Arc::new(Seen::default());
        let Joined::Leads(lead, body) = flights.join("key", 10, || Body::new(REACH)) else {
            panic!("nobody led before");
        };
        let readers: Vec<_> = (0..READERS)
            .map(|_| spawn(read(Arc::clone(&body), Arc::clone(&seen))))
            .collect();
        drop(body);
        let disk = Arc::new(Disk::default());
        let writer = spawn(async move {
            lead.flight().promise(Arc::clone(&disk), BODY.len() as u64);
            let mut unwritten = Vec::new();
            for (number, part) in BODY.chunks(PART).enumerate() {
                if number == 4 && end == End::Broken {
                    return lead.land(|body| body.end(Ending::Failed(Lost::Crowded)));
                }
                if number == 4 && end == End::Dropped {
                    return;
                }
                lead.flight().add(Bytes::from_static(part));
                unwritten.push(part);
                // The disk is behind by two parts.
                if unwritten.len() == 3 {
                    write(&disk, lead.flight(), unwritten.drain(..1));
                }
                yield_now().await;
                if number == 1 {
                    // What has come is passed on while no more comes.
                    until(|| seen.begun.load(Ordering::SeqCst) == READERS).await;
                }
            }
            write(&disk, lead.flight(), unwritten.drain(..));
            if end == End::Failed {
                return lead.land(|body| body.end(Ending::Failed(Lost::Crowded)));
            }
            seen.verified.store(true, Ordering::SeqCst);
            lead.flight().verify(disk);
            // Nobody waits for it to be kept.
            until(|| seen.done.load(Ordering::SeqCst) == READERS).await;
            lead.land(|body| {
                body.end(match end {
                    End::Kept => Ending::Kept("record"),
                    _ => Ending::Unkept(Lost::Crowded),
                });
            });
        });
        block_on(async move {
            writer.await.expect("a writer that ends");
            for reader in readers {
                let read = reader.await.expect("a reader that ends");
                let is_there = matches!(end, End::Kept | End::Unkept);
                assert_eq!(read.is_ok(), is_there, "{end:?}: {read:?}");
            }
        });
        let next = flights.join("key", 10, || Body::new(REACH));
        assert!(matches!(next, Joined::Leads(..)), "the key is free");
    });
}

/// What the readers have seen, and what they may.
#[derive(Default)]
struct Seen {
    begun: AtomicUsize,
    done: AtomicUsize,
    verified: AtomicBool,
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        yield_now().await;
    }
}

fn write(disk: &Disk, body: &Body, parts: impl Iterator<Item = &'static [u8]>) {
    let written = {
        let mut disk = disk.lock().expect("a disk");
        disk.extend(parts.flatten());
        disk.len() as u64
    };
    body.written(written);
}

/// Reads a body to its end, as a client's connection does.
async fn read(body: Arc<Body>, seen: Arc<Seen>) -> Result<(), Lost> {
    let Begun::Passing { file, length } = body.begun().await? else {
        panic!("it is passed on before it is kept");
    };
    assert_eq!(length, BODY.len() as u64);
    seen.begun.fetch_add(1, Ordering::SeqCst);
    let mut place = 0;
    loop {
        let step = body.step(place as u64).await?;
        let read = match step {
            Step::Part(part) => part.to_vec(),
            Step::Written { until } => {
                let disk = file.lock().expect("a disk");
                let until = usize::try_from(until).expect("a short body");
                disk.get(place..until).expect("what was written can be read").to_vec()
            }
            Step::End => break,
        };
        assert!(
            !read.is_empty() && BODY[place..].starts_with(&read),
            "{place}: {read:?}"
        );
        place += read.len();
        let held_back = usize::try_from(REACH.hold_back).expect("a short body");
        assert!(
            place <= BODY.len() - held_back || seen.verified.load(Ordering::SeqCst),
            "the end was passed on before it was verified"
        );
        yield_now().await;
    }
    assert_eq!(place, BODY.len());
    seen.done.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

#[test]
fn the_first_ending_stays() {
    try_all(|| {
        let body = Arc::new(Body::new(REACH));
        let waiting = spawn({
            let body = Arc::clone(&body);
            async move { (body.kept().await, body.kept().await) }
        });
        let losing = spawn({
            let body = Arc::clone(&body);
            async move { body.lose() }
        });
        body.end(Ending::Kept("record"));
        block_on(async move {
            losing.await.expect("an end");
            let (first, second) = waiting.await.expect("an end");
            assert_eq!(first, second);
        });
    });
}
