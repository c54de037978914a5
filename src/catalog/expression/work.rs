//! How much a query may compute, and is expected to: a count, not a clock, so that the same question over the same packages
//! has the same outcome.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Expression, Function};
use crate::limits::{MAX_FILTER_WORK, STEPS_PER_CALL, STEPS_PER_COMPARISON, STEPS_PER_SEARCH};

/// What is left of the steps that one query may take. A step is about a nanosecond's work: a comparison, or what
/// [`limits`](crate::limits) says of texts.
///
/// Once it is spent, functions yield null without looking at their texts, and every verdict is void: whoever holds the
/// budget asks [`Work::is_spent`] and refuses the query.
#[derive(Debug)]
pub struct Work {
    left: AtomicU64,
    is_stopped: AtomicBool,
}

impl Default for Work {
    fn default() -> Self {
        Self::new(MAX_FILTER_WORK)
    }
}

impl Work {
    /// Grants a number of steps, at least one.
    #[must_use]
    pub const fn new(steps: u64) -> Self {
        Self {
            left: AtomicU64::new(if steps == 0 { 1 } else { steps }),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// Takes steps away. Returns whether there were as many.
    ///
    /// Two threads that charge at the same time may lose each other's steps: a budget that many share is a bit larger, and
    /// nobody pays for a locked addition.
    pub(in crate::catalog) fn charge(&self, steps: u64) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        let rest = left.saturating_sub(steps);
        self.left.store(rest, Ordering::Relaxed);
        rest > 0
    }

    /// Ends the evaluation wherever it is: nobody waits for the answer any more.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Returns whether the steps did not suffice, or nobody waits any more.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0 || self.is_stopped.load(Ordering::Relaxed)
    }
}

impl Expression {
    /// Returns about how many steps this takes for a version; what makes longer texts of texts counts as endless.
    #[must_use]
    pub fn expected_steps(&self) -> u64 {
        /// The bytes of a text that is searched.
        const USUAL_BYTES: u64 = 1024;
        let all = |operands: &[Self]| {
            let steps = operands.iter().map(Self::expected_steps);
            steps.fold(STEPS_PER_COMPARISON, u64::saturating_add)
        };
        match self {
            Self::Literal(_) | Self::Column(_) => 1,
            Self::Not(operand) | Self::Negate(operand) => operand.expected_steps(),
            Self::All(operands) | Self::Any(operands) => all(operands),
            Self::Compare(_, operands) | Self::Calculate(_, operands) => all(operands.as_slice()),
            Self::Call(Function::Concat | Function::Replace, _) => u64::MAX,
            Self::Call(Function::ToLower, arguments) => all(arguments).saturating_add(STEPS_PER_CALL),
            Self::Call(_, arguments) => all(arguments).saturating_add(STEPS_PER_SEARCH + USUAL_BYTES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Work;

    #[test]
    fn a_budget_is_spent_once_and_for_all() {
        let work = Work::new(3);
        assert!(work.charge(2) && !work.is_spent());
        assert!(!work.charge(1) && work.is_spent());
        assert!(!work.charge(0));
        let stopped = Work::new(u64::MAX);
        stopped.stop();
        assert!(stopped.is_spent());
    }
}
