//! What of a question an upstream's own search can be asked with.
//!
//! Galleries take few filters. Those that Chocolatey's own clients send with a search are known to be taken where Chocolatey's
//! packages are: `substringof('x',tolower(Id))`, `substringof('x',Tags)`, `startswith(tolower(Id),'x')`, two of them joined by `and`,
//! and, of clients that miss a search, `(Id ne null) and substringof('x',tolower(Id))` and the same of `Description` and `Tags`,
//! joined by `or` (NuGet.Core, `PackageRepositoryExtensions.Find`). Of any other filter the part is passed on that can be written
//! in these: what it lets pass is more, and the whole filter is applied here.

use std::fmt::Write as _;

use super::plan::is_id;
use crate::catalog::columns::Column;
use crate::catalog::expression::{Comparison, Function, Literal};
use crate::catalog::{Expression, PassedFilter, Relayed, SearchTerms};

/// The most conditions of one filter that is passed on: choco asks for three places a word.
const MAX_CONDITIONS: usize = 12;

/// Returns what upstreams are asked with for a search for `terms` with a filter.
#[must_use]
pub(super) fn relayed(terms: &SearchTerms, filter: Option<&Expression>) -> Relayed {
    Relayed {
        terms: terms.clone(),
        filter: filter.and_then(passed),
        words: match filter {
            Some(filter) if terms.is_empty() => SearchTerms::words(&looked_for(filter).unwrap_or_default()),
            _ => SearchTerms::default(),
        },
    }
}

/// A condition that is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// A text is in a column; `is_guarded` where the client says first that the column is not null.
    Contains {
        text: String,
        column: &'static str,
        is_guarded: bool,
    },
    /// The id begins with a text.
    Begins {
        text: String,
    },
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

fn passed(filter: &Expression) -> Option<PassedFilter> {
    let condition = weakened(filter)?;
    let mut literals = Vec::new();
    condition.each_text(&mut |text| literals.push(text.to_owned()));
    (literals.len() <= MAX_CONDITIONS).then(|| PassedFilter {
        text: condition.written(&|text| text.replace('\'', "''")),
        shape: condition.written(&|_| String::new()),
        literals: SearchTerms::words(&literals.join(" ")),
    })
}

/// Returns the strongest condition that can be passed on and that is true wherever this one is.
fn weakened(condition: &Expression) -> Option<Condition> {
    match condition {
        Expression::Call(Function::SubstringOf, arguments) => match arguments.as_slice() {
            [Expression::Literal(Literal::Text(text)), searched] => contains(text.as_str(), searched),
            _ => None,
        },
        Expression::Call(Function::StartsWith, arguments) => match arguments.as_slice() {
            [searched, Expression::Literal(Literal::Text(text))] if is_id(searched) => worth_asking(text.as_str())
                .then(|| Condition::Begins {
                    text: text.as_str().to_lowercase(),
                }),
            _ => None,
        },
        // No client sends it there, but what ends with a text has it in it.
        Expression::Call(Function::EndsWith, arguments) => match arguments.as_slice() {
            [searched, Expression::Literal(Literal::Text(text))] if is_id(searched) => {
                contains(text.as_str(), searched)
            }
            _ => None,
        },
        Expression::Compare(Comparison::Equal, operands) => match operands.as_ref() {
            [condition, Expression::Literal(Literal::Boolean(true))]
            | [Expression::Literal(Literal::Boolean(true)), condition] => weakened(condition),
            _ => None,
        },
        Expression::All(conditions) => {
            let guarded: Vec<Column> = conditions.iter().filter_map(not_null).collect();
            let mut passed: Vec<Condition> = Vec::new();
            for condition in conditions {
                let Some(condition) = weakened(condition) else { continue };
                let condition = condition.guarded_by(&guarded);
                if !passed.contains(&condition) {
                    passed.push(condition);
                }
            }
            if passed.len() < 2 {
                passed.pop()
            } else {
                Some(Condition::All(passed))
            }
        }
        Expression::Any(conditions) => {
            let passed: Option<Vec<Condition>> = conditions.iter().map(weakened).collect();
            passed.filter(|passed| passed.len() > 1).map(Condition::Any)
        }
        _ => None,
    }
}

/// Returns whether a text narrows anything.
fn worth_asking(text: &str) -> bool {
    !text.trim().is_empty()
}

fn contains(text: &str, searched: &Expression) -> Option<Condition> {
    let (text, column) = if is_id(searched) {
        (text.to_lowercase(), "tolower(Id)")
    } else {
        match searched {
            Expression::Column(Column::Tags) => (text.to_owned(), "Tags"),
            Expression::Call(Function::ToLower, arguments) => match arguments.as_slice() {
                [Expression::Column(Column::Tags)] => (text.to_lowercase(), "tolower(Tags)"),
                [Expression::Column(Column::Description)] => (text.to_lowercase(), "tolower(Description)"),
                _ => return None,
            },
            _ => return None,
        }
    };
    worth_asking(&text).then_some(Condition::Contains {
        text,
        column,
        is_guarded: false,
    })
}

/// Returns the column of which a condition says that it is not null.
fn not_null(condition: &Expression) -> Option<Column> {
    match condition {
        Expression::Compare(Comparison::NotEqual, operands) => match operands.as_ref() {
            [Expression::Column(column), Expression::Literal(Literal::Null)]
            | [Expression::Literal(Literal::Null), Expression::Column(column)] => Some(*column),
            _ => None,
        },
        _ => None,
    }
}

impl Condition {
    fn guarded_by(self, columns: &[Column]) -> Self {
        match self {
            Self::Contains { text, column, .. } => Self::Contains {
                is_guarded: columns.iter().any(|guarded| column.contains(guarded.name())),
                text,
                column,
            },
            other => other,
        }
    }

    fn each_text(&self, take: &mut impl FnMut(&str)) {
        match self {
            Self::Contains { text, .. } | Self::Begins { text } => take(text),
            Self::All(conditions) | Self::Any(conditions) => {
                for condition in conditions {
                    condition.each_text(take);
                }
            }
        }
    }

    /// Writes the condition in parentheses, as choco does; `quoted` writes what stands between two quotes.
    fn written(&self, quoted: &impl Fn(&str) -> String) -> String {
        let mut written = String::new();
        // Writing to a text does not fail.
        let _ = match self {
            Self::Contains {
                text,
                column,
                is_guarded: false,
            } => write!(written, "(substringof('{}',{column}))", quoted(text)),
            Self::Contains { text, column, .. } => {
                let bare = column.trim_start_matches("tolower(").trim_end_matches(')');
                let text = quoted(text);
                write!(written, "(({bare} ne null) and substringof('{text}',{column}))")
            }
            Self::Begins { text } => write!(written, "(startswith(tolower(Id),'{}'))", quoted(text)),
            Self::All(conditions) => write!(written, "{}", joined(conditions, "and", quoted)),
            Self::Any(conditions) => write!(written, "{}", joined(conditions, "or", quoted)),
        };
        written
    }
}

/// Joins conditions from the left, as LINQ does: `(((a) or (b)) or (c))`.
fn joined(conditions: &[Condition], operator: &str, quoted: &impl Fn(&str) -> String) -> String {
    let mut written = conditions.iter().map(|condition| condition.written(quoted));
    let first = written.next().unwrap_or_default();
    written.fold(first, |left, right| {
        // choco writes the right side bare where it is one call.
        let is_call = right.starts_with("(s") && !right.contains(" and ") && !right.contains(" or ");
        let bare = right.strip_prefix('(').and_then(|right| right.strip_suffix(')'));
        match bare.filter(|_| is_call) {
            Some(bare) => format!("({left} {operator} {bare})"),
            None => format!("({left} {operator} {right})"),
        }
    })
}

/// Returns the first text that a condition looks for in an id, a title, a description, a summary or tags.
fn looked_for(condition: &Expression) -> Option<String> {
    match condition {
        Expression::Call(Function::SubstringOf, arguments) => match arguments.as_slice() {
            [Expression::Literal(Literal::Text(text)), searched] if is_searched(searched) => {
                Some(text.as_str().to_owned())
            }
            _ => None,
        },
        Expression::Call(Function::StartsWith, arguments) => match arguments.as_slice() {
            [searched, Expression::Literal(Literal::Text(text))] if is_searched(searched) => {
                Some(text.as_str().to_owned())
            }
            _ => None,
        },
        Expression::Compare(Comparison::Equal, operands) => match operands.as_ref() {
            [condition, Expression::Literal(Literal::Boolean(true))]
            | [Expression::Literal(Literal::Boolean(true)), condition] => looked_for(condition),
            _ => None,
        },
        Expression::All(conditions) => conditions.iter().find_map(looked_for),
        // The words of one branch find nothing of the others.
        Expression::Any(conditions) => {
            let mut texts = conditions.iter().map(looked_for);
            let first = texts.next()??;
            let same = |text: &str| text.trim().eq_ignore_ascii_case(first.trim());
            texts.all(|text| text.is_some_and(|text| same(&text))).then_some(first)
        }
        _ => None,
    }
}

fn is_searched(expression: &Expression) -> bool {
    match expression {
        Expression::Column(Column::Id | Column::Title | Column::Description | Column::Summary | Column::Tags) => true,
        Expression::Call(Function::ToLower | Function::ToUpper, arguments) => arguments.iter().all(is_searched),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::filter;

    fn of(text: &str) -> Relayed {
        relayed(&SearchTerms::default(), Some(&filter::parse(text).unwrap()))
    }

    #[test]
    fn what_choco_sends_is_passed_on_as_it_came() {
        let fallback = "((((Id ne null) and substringof('git',tolower(Id))) or ((Description ne null) and substringof('git',tolower(Description)))) or ((Tags ne null) and substringof(' git ',tolower(Tags))))";
        for text in [
            "(substringof('git',tolower(Id)))",
            "(substringof('Git',Tags))",
            "(startswith(tolower(Id),'git'))",
            "((substringof('git',tolower(Id))) and substringof('git',Tags))",
            "(substringof('o''neill',tolower(Id)))",
            fallback,
        ] {
            assert_eq!(of(text).filter.unwrap().text, text);
            for flag in ["IsLatestVersion", "IsAbsoluteLatestVersion eq true"] {
                let with_flag = format!("{text} and {flag}");
                assert_eq!(of(&with_flag).filter.unwrap().text, text, "{with_flag}");
            }
        }
    }

    #[test]
    fn of_other_filters_the_weaker_part_is_passed_on() {
        let id = "(substringof('pow',tolower(Id)))";
        for (filter, expected) in [
            ("substringof('Pow',Id)", Some(id)),
            ("IsLatestVersion and endswith(Id,'Pow') eq true", Some(id)),
            ("substringof('pow',toupper(Id)) and DownloadCount gt 7", Some(id)),
            (
                "startswith(Id,'Pow') and endswith(Id,'Get') and not IsPrerelease",
                Some("((startswith(tolower(Id),'pow')) and substringof('get',tolower(Id)))"),
            ),
            ("substringof('pow',Id) and substringof('POW',tolower(Id))", Some(id)),
            (
                "IsLatestVersion and IsAbsoluteLatestVersion and substringof('pow',tolower(Id))",
                Some(id),
            ),
            (
                "substringof('a',Id) or substringof('b',Tags)",
                Some("((substringof('a',tolower(Id))) or substringof('b',Tags))"),
            ),
            ("substringof('a',Id) or DownloadCount gt 7", None),
            ("not substringof('a',Id)", None),
            ("substringof('a',Id) eq false", None),
            ("substringof(' ',Id)", None),
            ("substringof('a',Description)", None),
            ("substringof(Id,'a')", None),
            ("indexof(Id,'a') ge 0", None),
            ("IsLatestVersion", None),
            ("Tags ne null", None),
        ] {
            let passed = of(filter).filter.map(|passed| passed.text);
            assert_eq!(passed.as_deref(), expected, "{filter}");
        }
        let chain = |count: usize| {
            let one = |number| format!("substringof('x{number}',Id)");
            (0..count).map(one).collect::<Vec<_>>().join(" or ")
        };
        assert!(of(&chain(MAX_CONDITIONS)).filter.is_some());
        assert!(of(&chain(MAX_CONDITIONS + 1)).filter.is_none());
    }

    #[test]
    fn what_is_passed_on_can_be_read_and_lets_no_less_pass() {
        for text in [
            "((substringof('git',tolower(Id))) and substringof('x',Tags))",
            "(((Tags ne null) and substringof(' a ',tolower(Tags))) or substringof('b',tolower(Description)))",
            "(startswith(tolower(Id),'a''b'))",
        ] {
            let passed = of(text).filter.unwrap();
            assert_eq!(of(&passed.text).filter.unwrap(), passed, "{text}");
        }
    }

    #[test]
    fn shapes_and_literals_are_told_apart() {
        let [one, two] =
            ["substringof('One',Id)", "substringof('two',tolower(Id))"].map(|text| of(text).filter.unwrap());
        assert_eq!(one.shape, "(substringof('',tolower(Id)))");
        assert_eq!(one.shape, two.shape);
        assert_eq!(two.literals.to_string(), "two");
        let both = of("substringof('a b',Id) and substringof('c',Tags)").filter.unwrap();
        assert_eq!(both.literals.to_string(), "a b c");
    }

    #[test]
    fn words_are_those_that_everything_has() {
        for (filter, words) in [
            ("substringof('git',tolower(Id)) and IsLatestVersion", "git"),
            ("startswith(Id,'Pow') and endswith(Id,'x')", "pow"),
            ("(Tags ne null) and substringof(' vcs ',tolower(Tags)) eq true", "vcs"),
            ("substringof('id:x',Description)", "\"id:x\""),
            ("substringof('a',Id) or substringof('b',Tags)", ""),
            ("substringof('a',Id) or DownloadCount gt 7", ""),
            ("substringof('a',Id) or substringof(' A ',tolower(Tags))", "a"),
            ("DownloadCount gt 7", ""),
        ] {
            assert_eq!(of(filter).words.to_string(), words, "{filter}");
        }
        let terms = SearchTerms::parse("tag:x y");
        let asked = relayed(&terms, Some(&filter::parse("substringof('b',Id)").unwrap()));
        assert_eq!((asked.words.len(), asked.terms), (0, terms));
        assert!(asked.filter.is_some());
    }
}
