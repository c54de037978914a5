//! Which larders a request has come through: so that mirrors that mirror each other notice it, and none waits for itself.
//!
//! Each larder calls itself by a name of chance, and adds it to the `Via` of what it asks (RFC 9110, 7.6.3). Who meets its own
//! name in a request has been asked by itself. The names go with the task that serves the request, and with the tasks that work
//! for it ([`carried`]). Names of other servers are nobody's business and are not passed on.
//!
//! Where two larders that mirror each other are asked for the same at the same moment, each may wait for the other before either
//! sees its name: then the time limits of the upstreams end it.

use std::sync::Arc;

tokio::task_local! {
    static CAME_THROUGH: Arc<str>;
}

const PREFIX: &str = "larder-";

/// The longest way that is followed: each step is 24 bytes or so.
const MOST_STEPS: usize = 16;

/// What a larder calls itself: another name for each one that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonym(Arc<str>);

/// A request that came through this larder before, or through too many others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looped;

impl Pseudonym {
    /// Makes a name of chance.
    #[must_use]
    pub fn random() -> Self {
        // Without randomness all larders have the same name: their chains look like loops, and that is said.
        let number = getrandom::u64().unwrap_or_default();
        Self(format!("{PREFIX}{number:016x}").into())
    }

    /// Returns the larders that a request came through, from its `Via` headers.
    ///
    /// # Errors
    /// [`Looped`].
    pub fn way<'v>(&self, via: impl Iterator<Item = &'v str>) -> Result<Arc<str>, Looped> {
        let names: Vec<&str> = via.flat_map(|line| line.split(',')).filter_map(larder).collect();
        if names.len() > MOST_STEPS || names.contains(&&*self.0) {
            return Err(Looped);
        }
        Ok(written(&names).into())
    }

    /// Returns the `Via` of what is asked on behalf of the request that this task works for.
    #[must_use]
    pub fn header(&self) -> String {
        let way = current();
        if way.is_empty() {
            written(&[&*self.0])
        } else {
            format!("{way}, {}", written(&[&*self.0]))
        }
    }
}

impl Default for Pseudonym {
    fn default() -> Self {
        Self::random()
    }
}

/// Does work on behalf of a request that came through some larders.
pub async fn coming_through<T>(way: Arc<str>, work: impl Future<Output = T>) -> T {
    CAME_THROUGH.scope(way, work).await
}

/// Returns work that, in whatever task, is done on behalf of the request that this task works for.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    CAME_THROUGH.scope(current(), work)
}

fn current() -> Arc<str> {
    CAME_THROUGH.try_with(Arc::clone).unwrap_or_default()
}

/// Returns the name of the larder that an element of `Via` is about: `1.1 larder-0123456789abcdef (comment)`.
fn larder(element: &str) -> Option<&str> {
    let name = element.split_whitespace().nth(1)?;
    let number = name.strip_prefix(PREFIX)?;
    let is_ours = number.len() == 16 && number.bytes().all(|c| c.is_ascii_hexdigit());
    is_ours.then_some(name)
}

fn written(names: &[&str]) -> String {
    let elements: Vec<String> = names.iter().map(|name| format!("1.1 {name}")).collect();
    elements.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "larder-0000000000000001";
    const TWO: &str = "larder-0000000000000002";

    #[tokio::test]
    async fn names_go_along_and_are_known_again() {
        let (one, two) = (Pseudonym(ONE.into()), Pseudonym(TWO.into()));
        assert_eq!(one.header(), format!("1.1 {ONE}"));
        let asked = one.header();
        let way = two.way([asked.as_str()].into_iter()).unwrap();
        let asked = coming_through(way, async {
            let work = carried(async { Pseudonym(TWO.into()).header() });
            tokio::spawn(work).await.unwrap()
        })
        .await;
        assert_eq!(asked, format!("1.1 {ONE}, 1.1 {TWO}"));
        for pseudonym in [&one, &two] {
            assert_eq!(pseudonym.way([asked.as_str()].into_iter()), Err(Looped));
        }
        assert_ne!(Pseudonym::random(), Pseudonym::random());
    }

    #[test]
    fn other_servers_are_passed_over() {
        let one = Pseudonym(ONE.into());
        for (via, expected) in [
            (vec![], ""),
            (vec!["1.1 proxy.corp:3128 (squid), 1.0 fred"], ""),
            (vec!["garbage", "", ",,,"], ""),
            (vec!["1.1 larder-secret", "1.1 larder-00000000000000zz"], ""),
            (
                vec![
                    "1.1 proxy, 1.1 larder-0000000000000002 (x)",
                    "HTTP/1.1 larder-0000000000000003",
                ],
                "1.1 larder-0000000000000002, 1.1 larder-0000000000000003",
            ),
        ] {
            assert_eq!(one.way(via.iter().copied()).as_deref(), Ok(expected), "{via:?}");
        }
        let long = vec![format!("1.1 {TWO}"); MOST_STEPS + 1].join(",");
        assert_eq!(one.way([long.as_str()].into_iter()), Err(Looped));
    }
}
