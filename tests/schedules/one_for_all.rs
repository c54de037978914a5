//! One leads, the others follow, and nobody is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use shuttle::future::{block_on, spawn, yield_now};

use crate::board::Board;
use crate::coalescer::Coalescer;
use crate::flights::{Flight, Flights, Joined};
use crate::try_all;

#[test]
fn what_many_ask_for_is_done_once_at_a_time() {
    try_all(|| {
        let coalescer = Arc::new(Coalescer::<&str, usize>::default());
        let (running, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = {
            let coalescer = Arc::clone(&coalescer);
            move || {
                let (coalescer, running, done) = (Arc::clone(&coalescer), Arc::clone(&running), Arc::clone(&done));
                async move {
                    let work = move || {
                        async move {
                            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two work at once");
                            yield_now().await;
                            running.fetch_sub(1, Ordering::SeqCst);
                            done.fetch_add(1, Ordering::SeqCst)
                        }
                        .boxed()
                    };
                    coalescer.run("key", work, |lost| panic!("{lost:?}")).await
                }
            }
        };
        let asking: Vec<_> = (0..3)
            .map(|_| {
                let ask = ask.clone();
                spawn(async move {
                    let (first, second) = (ask().await, ask().await);
                    assert!(first < second, "what is done is asked for anew");
                })
            })
            .collect();
        // One hangs up, perhaps the first of all: the others do not notice.
        let gone = spawn(ask());
        gone.abort();
        block_on(async {
            for asking in asking {
                asking.await.expect("an outcome");
            }
        });
    });
}

struct Outcome(Board<Option<bool>>);

impl Outcome {
    fn begin() -> Self {
        Self(Board::new(None))
    }

    fn end(&self, is_well: bool) {
        self.0.change(|outcome| {
            outcome.get_or_insert(is_well);
        });
    }
}

impl Flight for Outcome {
    fn lose(&self) {
        self.end(false);
    }
}

#[test]
fn a_lead_that_is_dropped_blocks_nobody() {
    try_all(|| {
        let flights = Arc::new(Flights::<&str, Outcome>::default());
        let leading = Arc::new(AtomicUsize::new(0));
        let taking_part: Vec<_> = (0..4)
            .map(|number| {
                let (flights, leading) = (Arc::clone(&flights), Arc::clone(&leading));
                spawn(async move {
                    match flights.join("key", 10, Outcome::begin) {
                        Joined::Leads(lead, outcome) => {
                            assert_eq!(leading.fetch_add(1, Ordering::SeqCst), 0, "two lead at once");
                            yield_now().await;
                            let is_well = number % 2 == 0;
                            assert!(lead.flight().0.look(|outcome| outcome.is_none()));
                            leading.fetch_sub(1, Ordering::SeqCst);
                            if is_well {
                                lead.land(|outcome| outcome.end(true));
                            } else {
                                // As a panic does.
                                drop(lead);
                            }
                            assert_eq!(outcome.0.until(|outcome| *outcome).await, is_well);
                        }
                        Joined::Follows(outcome) => drop(outcome.0.until(|outcome| *outcome).await),
                        Joined::Crowded => panic!("ten may take part"),
                    }
                })
            })
            .collect();
        block_on(async {
            for one in taking_part {
                one.await.expect("an end");
            }
        });
        assert!(matches!(flights.join("key", 10, Outcome::begin), Joined::Leads(..)));
    });
}
