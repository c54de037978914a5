//! What makes two constants the same, so that what was asked before is known again.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::Literal;

/// A `NaN` alone is not the same as itself: a question that has one is never known again, and answered all the same.
impl Eq for Literal {}

impl Hash for Literal {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        discriminant(self).hash(hasher);
        match self {
            Self::Null => {}
            Self::Boolean(is_true) => is_true.hash(hasher),
            Self::Int32(number) => number.hash(hasher),
            Self::Int64(number) => number.hash(hasher),
            Self::Decimal(number) => number.hash(hasher),
            // The two zeros are equal.
            Self::Single(number) => (number + 0.0).to_bits().hash(hasher),
            Self::Double(number) => (number + 0.0).to_bits().hash(hasher),
            Self::DateTime(instant) => instant.hash(hasher),
            Self::DateTimeOffset(instant) => instant.hash(hasher),
            Self::Time(duration) => duration.hash(hasher),
            Self::Guid(bytes) => bytes.hash(hasher),
            Self::Binary(bytes) => bytes.hash(hasher),
            Self::Text(text) => text.as_str().hash(hasher),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;
    use crate::catalog::{Column, Expression};

    #[test]
    fn what_is_the_same_has_the_same_hash() {
        let hash = |expression: &Expression| {
            let mut hasher = DefaultHasher::new();
            expression.hash(&mut hasher);
            hasher.finish()
        };
        let different: [Expression; 9] = [
            Literal::text("Git").into(),
            Literal::text("git").into(),
            Literal::Int32(1).into(),
            Literal::Int64(1).into(),
            Literal::Double(0.0).into(),
            Literal::Single(0.0).into(),
            Literal::Null.into(),
            Column::Id.into(),
            Column::Tags.into(),
        ];
        for (at, one) in different.iter().enumerate() {
            for (other_at, other) in different.iter().enumerate() {
                assert_eq!(one == other, at == other_at);
                assert_eq!(hash(one) == hash(other), at == other_at, "{one:?} {other:?}");
            }
        }
        let (zero, other): (Expression, Expression) = (Literal::Double(0.0).into(), Literal::Double(-0.0).into());
        assert_eq!((&zero, hash(&zero)), (&other, hash(&other)));
    }
}
