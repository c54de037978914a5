//! One piece of work for all who need the same at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

/// Runs work for a key once, however many ask for it meanwhile; all get the same outcome.
///
/// The work is a task of its own: it goes on when those who asked have gone.
#[derive(Debug)]
pub(super) struct Coalescer<K, V> {
    running: Arc<Mutex<HashMap<K, Shared<BoxFuture<'static, V>>>>>,
}

impl<K, V> Default for Coalescer<K, V> {
    fn default() -> Self {
        Self {
            running: Arc::default(),
        }
    }
}

impl<K, V> Coalescer<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns the outcome of the work that runs for `key`, starting `work` where none does. `on_panic` makes the outcome of
    /// work that panicked.
    pub(super) async fn run(
        &self,
        key: K,
        work: impl FnOnce() -> BoxFuture<'static, V>,
        on_panic: impl FnOnce(String) -> V + Send + 'static,
    ) -> V {
        let shared = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(shared) = running.get(&key) {
                shared.clone()
            } else {
                let task = tokio::spawn(work());
                let (all, done) = (Arc::clone(&self.running), key.clone());
                let outcome = async move {
                    let outcome = task.await;
                    all.lock().unwrap_or_else(PoisonError::into_inner).remove(&done);
                    outcome.unwrap_or_else(|failed| on_panic(failed.to_string()))
                };
                let shared = outcome.boxed().shared();
                running.insert(key, shared.clone());
                // Whoever asked may go away: this keeps the entry moving until it is removed.
                tokio::spawn(shared.clone().map(drop));
                shared
            }
        };
        shared.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        let outcome = coalescer
            .run("key", || async { panic!("no") }.boxed(), |_| "panicked".to_owned())
            .await;
        assert_eq!(outcome, "panicked");
        let outcome = coalescer
            .run("key", || async { "fine".to_owned() }.boxed(), |_| String::new())
            .await;
        assert_eq!(outcome, "fine");
    }
}
