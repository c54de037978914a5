//! Decimals of eight places, in whole numbers: enough for what quarters make of each other.

const ONE: i128 = 100_000_000;

/// The most that .NET's decimals hold, 2^96 - 1.
const MOST: i128 = (1 << 96) - 1;

/// A decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal(i128);

impl Decimal {
    pub(super) fn of(number: i64) -> Self {
        Self(i128::from(number) * ONE)
    }

    pub(super) fn quarters(number: i64) -> Self {
        Self(i128::from(number) * ONE / 4)
    }

    pub(super) fn negated(self) -> Self {
        Self(-self.0)
    }

    /// `None` where the result is too large, or has no value.
    pub(super) fn calculate(self, operator: &str, other: Self) -> Option<Self> {
        let result = match operator {
            "add" => self.0.checked_add(other.0),
            "sub" => self.0.checked_sub(other.0),
            "mul" => self.0.checked_mul(other.0).map(|product| product / ONE),
            "mod" => self.0.checked_rem(other.0),
            other => panic!("{other} of decimals is not generated: it has more places"),
        };
        result.filter(|result| (result / ONE).abs() <= MOST).map(Self)
    }

    pub(super) fn rounded(self, name: &str) -> Self {
        let below = self.0.div_euclid(ONE);
        let rest = self.0.rem_euclid(ONE);
        let goes_up = match name {
            "floor" => false,
            "ceiling" => rest > 0,
            _ => rest > ONE / 2 || (rest == ONE / 2 && below.rem_euclid(2) == 1),
        };
        Self((below + i128::from(goes_up)) * ONE)
    }

    #[expect(clippy::cast_precision_loss, reason = "what promotion to a double is")]
    pub(super) fn double(self) -> f64 {
        self.0 as f64 / ONE as f64
    }
}

/// As filters write it.
impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:08}M", self.0.abs() / ONE, self.0.abs() % ONE)
    }
}
