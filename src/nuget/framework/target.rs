//! Whether a project for one framework can use what is made for another (NuGet.Client, `CompatibilityProvider` and
//! `FrameworkExpander`).

use super::equivalence::{equivalents, equivalents_up_to};
use super::identifier::Identifier;
use super::name::{Framework, Plain, Version};
use super::support::supported;

/// The framework of a project, with all that it can use worked out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    framework: Framework,
    expanded: Vec<Plain<'static>>,
    /// The members of a portable framework, each of which must do.
    members: Vec<Target>,
}

impl Target {
    /// Works out what a framework can use.
    #[must_use]
    pub fn new(framework: Framework) -> Self {
        let (expanded, members) = match framework.portable() {
            None => (expand(framework.plain()), Vec::new()),
            Some(portable) => (
                portable.standard().into_iter().map(standard).collect(),
                portable.members().iter().cloned().map(Self::new).collect(),
            ),
        };
        Self {
            framework,
            expanded,
            members,
        }
    }

    /// Returns whether a project for this framework can use what is made for `candidate`.
    ///
    /// ```
    /// use larder::nuget::framework::{Framework, Target};
    /// let [Some(net472), Some(standard)] = ["net472", "netstandard2.0"].map(Framework::parse) else { panic!() };
    /// assert!(Target::new(net472.clone()).accepts(&standard));
    /// assert!(!Target::new(standard).accepts(&net472));
    /// ```
    #[must_use]
    pub fn accepts(&self, candidate: &Framework) -> bool {
        if self.framework == *candidate {
            return true;
        }
        match (self.framework.portable(), candidate.portable()) {
            (_, None) => self.accepts_plain(candidate),
            (None, Some(theirs)) => theirs.takers().iter().any(|member| self.accepts(member)),
            (Some(ours), Some(theirs)) => {
                let takers = theirs.takers();
                let is_taken = |member: &Self| takers.iter().any(|taker| member.accepts(taker));
                !ours.has_unknown() && ours.counts().0 <= theirs.counts().1 && self.members.iter().all(is_taken)
            }
        }
    }

    fn accepts_plain(&self, candidate: &Framework) -> bool {
        let plain = candidate.plain();
        self.is_met_by(plain, candidate.platform())
            || other_names(plain).into_iter().any(|name| self.is_met_by(name, None))
    }

    fn is_met_by(&self, candidate: Plain<'_>, platform: Option<(&str, Version)>) -> bool {
        self.is_met_directly(candidate, platform) || self.expanded.iter().any(|target| is_up_to(*target, candidate))
    }

    fn is_met_directly(&self, candidate: Plain<'_>, platform: Option<(&str, Version)>) -> bool {
        let own = self.framework.plain();
        match (self.framework.platform(), platform) {
            // From .NET 6 on, platforms take nothing of what came before them, but for two.
            (Some((ours, _)), _) if own.version >= [6, 0, 0, 0] && own.identifier != candidate.identifier => {
                match candidate.identifier {
                    Identifier::MonoAndroid => ours == "android",
                    Identifier::Tizen => ours == "tizen",
                    _ => false,
                }
            }
            (_, None) => is_up_to(own, candidate),
            (None, Some(_)) => false,
            (Some((ours, our_version)), Some((theirs, their_version))) => {
                is_up_to(own, candidate) && ours == theirs && is_version_up_to(our_version, their_version)
            }
        }
    }
}

/// Returns whether two frameworks are of one kind, and the candidate's version is no higher.
fn is_up_to(target: Plain<'_>, candidate: Plain<'_>) -> bool {
    target.identifier == candidate.identifier
        && target.profile == candidate.profile
        && is_version_up_to(target.version, candidate.version)
}

fn is_version_up_to(target: Version, candidate: Version) -> bool {
    candidate <= target
}

fn standard(version: Version) -> Plain<'static> {
    Plain {
        identifier: Identifier::NetStandard,
        version,
        profile: "",
    }
}

/// Returns all that a framework can use beside itself.
fn expand(framework: Plain<'_>) -> Vec<Plain<'static>> {
    closure(framework, |one| {
        let mut found = equivalents(one);
        found.extend(equivalents_up_to(one));
        found.extend(supported(one));
        found
    })
}

fn other_names(framework: Plain<'_>) -> Vec<Plain<'static>> {
    closure(framework, equivalents)
}

/// Follows steps from one framework to others until there is nothing new.
fn closure(start: Plain<'_>, step: impl Fn(Plain<'_>) -> Vec<Plain<'static>>) -> Vec<Plain<'static>> {
    let mut found: Vec<Plain<'static>> = Vec::new();
    let mut pending = step(start);
    while let Some(next) = pending.pop() {
        if next != start && !found.contains(&next) {
            pending.extend(step(next));
            found.push(next);
        }
    }
    found
}

#[cfg(test)]
mod tests;
