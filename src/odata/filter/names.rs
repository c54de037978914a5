//! The names that filters are written with: operators, constants, properties and functions, all in any case; and what was
//! meant by a name that is none of these.

use super::FilterProblem;
use crate::catalog::columns::{Column, PROPERTIES};
use crate::catalog::expression::{Arithmetic, Comparison, Function, Literal};
use crate::odata::lexer::excerpt;

/// An operator before its one operand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Prefix {
    Not,
    Minus,
}

/// An operator between its two operands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Infix {
    Or,
    And,
    Compare(Comparison),
    Calculate(Arithmetic),
}

/// What a name is where no parenthesis follows it.
pub(super) enum Meaning {
    Prefix(Prefix),
    Infix(Infix),
    Constant(Literal),
    Column(Column),
}

/// Returns whether a name is an operator; `neq`, `gte` and `lte` are `PhpNuget`'s spellings.
pub(super) fn operator(name: &str) -> Option<Meaning> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let infix = match name.len() {
        2 if is("eq") => Infix::Compare(Comparison::Equal),
        2 if is("or") => Infix::Or,
        2 if is("ne") => Infix::Compare(Comparison::NotEqual),
        2 if is("gt") => Infix::Compare(Comparison::Greater),
        2 if is("ge") => Infix::Compare(Comparison::GreaterOrEqual),
        2 if is("lt") => Infix::Compare(Comparison::Less),
        2 if is("le") => Infix::Compare(Comparison::LessOrEqual),
        3 if is("and") => Infix::And,
        3 if is("not") => return Some(Meaning::Prefix(Prefix::Not)),
        3 if is("neq") => Infix::Compare(Comparison::NotEqual),
        3 if is("gte") => Infix::Compare(Comparison::GreaterOrEqual),
        3 if is("lte") => Infix::Compare(Comparison::LessOrEqual),
        3 if is("add") => Infix::Calculate(Arithmetic::Add),
        3 if is("sub") => Infix::Calculate(Arithmetic::Subtract),
        3 if is("mul") => Infix::Calculate(Arithmetic::Multiply),
        3 if is("div") => Infix::Calculate(Arithmetic::Divide),
        3 if is("mod") => Infix::Calculate(Arithmetic::Modulo),
        _ => return None,
    };
    Some(Meaning::Infix(infix))
}

/// Says what a name is where no parenthesis follows it.
pub(super) fn meaning(name: &str) -> Result<Meaning, FilterProblem> {
    if let Some(operator) = operator(name) {
        return Ok(operator);
    }
    if let Some(constant) = constant(name) {
        return Ok(Meaning::Constant(constant));
    }
    let unknown = || FilterProblem::UnknownProperty {
        name: excerpt(name),
        meant: Meant(nearest(name, PROPERTIES.iter().map(|property| property.name))),
    };
    Column::named(name).map(Meaning::Column).ok_or_else(unknown)
}

fn constant(name: &str) -> Option<Literal> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        4 if is("null") => Some(Literal::Null),
        4 if is("true") => Some(Literal::Boolean(true)),
        5 if is("false") => Some(Literal::Boolean(false)),
        _ => None,
    }
}

/// Returns the function of a name.
pub(super) fn function(name: &str) -> Result<Function, FilterProblem> {
    let last = name.rsplit('/').next().unwrap_or(name);
    Function::named(name).ok_or_else(|| {
        // The galleries' engine knows these words, and has no use for them either (OData/WebApi, FilterBinderTests).
        match UNSUPPORTED.iter().find(|known| known.eq_ignore_ascii_case(last)) {
            Some(known) => FilterProblem::Unsupported(known),
            None => FilterProblem::UnknownFunction {
                name: excerpt(name),
                meant: Meant(later_name(name).or_else(|| nearest(name, Function::names()))),
            },
        }
    })
}

/// Functions of OData v2 that make no sense for packages: they have no derived types, no collections, and durations of .NET have
/// no years and months.
const UNSUPPORTED: [&str; 6] = ["cast", "isof", "any", "all", "years", "months"];

/// Functions of OData v4 that have another name in v2.
fn later_name(name: &str) -> Option<&'static str> {
    name.eq_ignore_ascii_case("contains")
        .then_some("substringof(part,text)")
}

/// The name that may have been meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant(pub Option<&'static str>);

impl std::fmt::Display for Meant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(name) => write!(f, "; did you mean '{name}'?"),
            None => Ok(()),
        }
    }
}

/// Returns the known name that takes the fewest changes, where these are few.
fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    /// No known name is longer; a longer one is not compared, for that takes the product of both lengths.
    const LONGEST: usize = 40;
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let distance = |known: &'static str| (strsim::osa_distance(&lower, &known.to_lowercase()), known);
    let (changes, nearest) = known.map(distance).min_by_key(|(changes, _)| *changes)?;
    (changes * 3 <= name.chars().count()).then_some(nearest)
}
