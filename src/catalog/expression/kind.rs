//! The types of values, and which of them go together.

use std::fmt;

/// The type of an expression's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The type of the literal `null`, which goes with every other.
    Null,
    /// True or false.
    Boolean,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A number of 28 decimal digits.
    Decimal,
    /// A number of 32 bits.
    Single,
    /// A number of 64 bits.
    Double,
    /// An instant, in UTC.
    DateTime,
    /// An instant in a zone.
    DateTimeOffset,
    /// A duration.
    Time,
    /// A globally unique id.
    Guid,
    /// Bytes.
    Binary,
    /// A text.
    Text,
    /// A package version: compared as such with texts that are versions, a text everywhere else.
    Version,
}

impl Kind {
    /// Returns the EDM name of the type, `Edm.Int64`; a version is a text there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "Edm.Boolean",
            Self::Int32 => "Edm.Int32",
            Self::Int64 => "Edm.Int64",
            Self::Decimal => "Edm.Decimal",
            Self::Single => "Edm.Single",
            Self::Double => "Edm.Double",
            Self::DateTime => "Edm.DateTime",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Time => "Edm.Time",
            Self::Guid => "Edm.Guid",
            Self::Binary => "Edm.Binary",
            Self::Text | Self::Version => "Edm.String",
        }
    }

    /// Returns the type in which two numbers are computed and compared, `None` where either is none. A null takes the other's
    /// type.
    #[must_use]
    pub fn promoted(self, other: Self) -> Option<Self> {
        let (one, two) = (self.width()?, other.width()?);
        let (lower, higher) = if one <= two { (self, other) } else { (other, self) };
        Some(match (lower, higher) {
            (Self::Decimal, Self::Single) => Self::Double,
            _ => higher,
        })
    }

    /// The place of a number in the order of promotion.
    const fn width(self) -> Option<u8> {
        match self {
            Self::Null => Some(0),
            Self::Int32 => Some(1),
            Self::Int64 => Some(2),
            Self::Decimal => Some(3),
            Self::Single => Some(4),
            Self::Double => Some(5),
            _ => None,
        }
    }

    /// Returns whether this is the type of a whole number, or null.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Null | Self::Int32 | Self::Int64)
    }

    /// Returns whether this is the type of a number, or null.
    #[must_use]
    pub const fn is_number(self) -> bool {
        self.width().is_some()
    }

    /// Returns whether this is the type of a text, or null.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Null | Self::Text | Self::Version)
    }

    /// Returns whether this is the type of an instant, or null.
    #[must_use]
    pub const fn is_instant(self) -> bool {
        matches!(self, Self::Null | Self::DateTime | Self::DateTimeOffset)
    }

    /// Returns whether values of two types can be compared.
    #[must_use]
    pub fn compares_with(self, other: Self) -> bool {
        self == other
            || self == Self::Null
            || other == Self::Null
            || (self.is_number() && other.is_number())
            || (self.is_text() && other.is_text())
            || (self.is_instant() && other.is_instant())
    }

    /// Returns whether values of the type can be more or less than others.
    #[must_use]
    pub const fn has_order(self) -> bool {
        !matches!(self, Self::Boolean | Self::Guid | Self::Binary)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn numbers_are_promoted() {
        use Kind::{Boolean, Decimal, Double, Int32, Int64, Null, Single, Text};
        for (one, two, expected) in [
            (Int32, Int32, Some(Int32)),
            (Int32, Int64, Some(Int64)),
            (Int64, Decimal, Some(Decimal)),
            (Int32, Single, Some(Single)),
            (Int64, Double, Some(Double)),
            (Single, Double, Some(Double)),
            (Decimal, Single, Some(Double)),
            (Decimal, Double, Some(Double)),
            (Null, Int32, Some(Int32)),
            (Null, Null, Some(Null)),
            (Int32, Text, None),
            (Boolean, Boolean, None),
        ] {
            assert_eq!(one.promoted(two), expected, "{one:?} {two:?}");
            assert_eq!(two.promoted(one), expected, "{two:?} {one:?}");
        }
    }
}
