//! Work that nobody waits for, and its end: it is told to stop, and waited for, before the index is closed.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of a mirror that go on by themselves.
#[derive(Debug, Default)]
pub(super) struct Background {
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Background {
    /// Begins a task. It is dropped at its next await once larder stops.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Ends all tasks, and whatever is begun later at once.
    pub(super) async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
