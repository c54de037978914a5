//! One outcome for all who ask.

use std::hash::Hash;

use futures::future::BoxFuture;

use super::board::Board;
use super::flights::{Flight, Flights, Joined, Lost};
use super::sync::spawn;

/// How many may wait for one outcome. Each is a client's connection; this many at one key are no company but a fault.
const MOST_WAITERS: usize = 10_000;

/// Runs work for a key once, however many ask for it meanwhile; all get the same outcome.
///
/// The work is a task of its own: it goes on when those who asked have gone.
#[derive(Debug)]
pub(crate) struct Coalescer<K, V> {
    flights: Flights<K, Outcome<V>>,
}

impl<K, V> Default for Coalescer<K, V> {
    fn default() -> Self {
        Self {
            flights: Flights::default(),
        }
    }
}

impl<K, V> Coalescer<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Returns the outcome of the work that runs for `key`, starting `work` where none does. `on_loss` makes the outcome
    /// where there is none.
    pub(crate) async fn run(
        &self,
        key: K,
        work: impl FnOnce() -> BoxFuture<'static, V>,
        on_loss: impl FnOnce(Lost) -> V,
    ) -> V {
        let outcome = match self.flights.join(key, MOST_WAITERS, Outcome::default) {
            Joined::Leads(lead, outcome) => {
                let work = work();
                spawn(async move {
                    let value = work.await;
                    lead.land(|outcome| outcome.set(Ok(value)));
                });
                outcome
            }
            Joined::Follows(outcome) => outcome,
            Joined::Crowded => return on_loss(Lost::Crowded),
        };
        outcome.board.until(Clone::clone).await.unwrap_or_else(on_loss)
    }
}

#[derive(Debug)]
struct Outcome<V> {
    board: Board<Option<Result<V, Lost>>>,
}

impl<V> Default for Outcome<V> {
    fn default() -> Self {
        Self {
            board: Board::new(None),
        }
    }
}

impl<V> Outcome<V> {
    /// Sets the outcome; the first one stays.
    fn set(&self, outcome: Result<V, Lost>) {
        self.board.change(|known| {
            known.get_or_insert(outcome);
        });
    }
}

impl<V> Flight for Outcome<V> {
    fn lose(&self) {
        self.set(Err(Lost::Dropped));
    }
}
