//! Parses `$filter`, and the expressions of `$orderby`, into typed expressions.
//!
//! Knows OData v2's grammar and precedence; refuses to know what is asked with it. Parentheses are taken apart with a stack
//! of their own and only what lies between them goes through the Pratt parser, so that no input nests calls deeply.

mod names;

use pratt::{Affix, Associativity, PrattError, PrattParser, Precedence};

pub use self::names::Meant;

use self::names::{Infix, Meaning, Prefix};
use super::lexer::{Lexer, LexicalError, Word};
use crate::catalog::Expression;
use crate::catalog::expression::{Arithmetic, Comparison, Function, TypeError};
use crate::limits::{MAX_FILTER_DEPTH, MAX_FILTER_NODES};

/// Why a text is no expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {position}: {problem}")]
pub struct FilterError {
    /// The character at which it shows, counted from 1.
    pub position: usize,
    /// What is wrong.
    pub problem: FilterProblem,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterProblem {
    /// A literal or character is wrong.
    #[error(transparent)]
    Lexical(#[from] LexicalError),
    /// Types do not go together.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// A name is no property.
    #[error("packages have no property '{name}'{meant}")]
    UnknownProperty {
        /// The name.
        name: String,
        /// The one that may have been meant.
        meant: Meant,
    },
    /// A name is no function.
    #[error("there is no function '{name}'{meant}")]
    UnknownFunction {
        /// The name.
        name: String,
        /// The one that may have been meant.
        meant: Meant,
    },
    /// A function of OData that this server, like the galleries, does not have.
    #[error("the function '{0}' is not supported")]
    Unsupported(&'static str),
    /// A value is missing.
    #[error("a property, a literal or a function is missing here")]
    MissingOperand,
    /// Something follows that joins nothing.
    #[error("an operator is missing here")]
    MissingOperator,
    /// A parenthesis is not closed.
    #[error("the parenthesis that opens here is not closed")]
    Unclosed,
    /// A parenthesis closes nothing.
    #[error("this parenthesis closes nothing")]
    Unopened,
    /// A comma outside of a call.
    #[error("a comma separates the arguments of a function, and nothing else")]
    StrayComma,
    /// The expression is too long.
    #[error("the expression has more than {MAX_FILTER_NODES} operators, names and literals; ask in several requests")]
    TooLong,
    /// The expression nests too deeply.
    #[error("the expression nests deeper than {MAX_FILTER_DEPTH} levels; take parentheses away")]
    TooDeep,
}

type Problem = (usize, FilterProblem);

/// Parses a filter: an expression that is a condition.
pub fn parse(text: &str) -> Result<Expression, FilterError> {
    let expression = parse_expression(text)?;
    expression.condition("$filter").map_err(|error| FilterError {
        position: 1,
        problem: error.into(),
    })
}

/// Parses an expression of any type.
pub fn parse_expression(text: &str) -> Result<Expression, FilterError> {
    let locate = |(at, problem): Problem| FilterError {
        position: text.get(..at).map_or(0, |before| before.chars().count()) + 1,
        problem,
    };
    read(text).map_err(locate)
}

/// An expression, how deep it nests, and where it starts.
#[derive(Debug)]
struct Operand {
    expression: Expression,
    depth: usize,
    at: usize,
}

/// What the Pratt parser is fed with: all that lies between two parentheses, those inside already done.
#[derive(Debug)]
enum Item {
    Operand(Operand),
    Prefix(Prefix, usize),
    Infix(Infix, usize),
}

/// An open parenthesis: of a call, or of a group.
struct Frame {
    at: usize,
    function: Option<Function>,
    arguments: Vec<Operand>,
    items: Vec<Item>,
}

impl Frame {
    fn new(at: usize, function: Option<Function>) -> Self {
        Self {
            at,
            function,
            arguments: Vec::new(),
            items: Vec::new(),
        }
    }
}

/// Reads words into frames; a closing parenthesis turns the innermost frame into an operand of the one around it.
fn read(text: &str) -> Result<Expression, Problem> {
    let mut lexer = Lexer::new(text);
    let mut outer: Vec<Frame> = Vec::new();
    let mut frame = Frame::new(0, None);
    let mut nodes = 0;
    let mut pending = next(&mut lexer)?;
    while let Some((at, word)) = pending.take() {
        nodes += usize::from(!matches!(word, Word::Open | Word::Close | Word::Comma));
        if nodes > MAX_FILTER_NODES {
            return Err((at, FilterProblem::TooLong));
        }
        pending = next(&mut lexer)?;
        let is_call = matches!(pending, Some((_, Word::Open)));
        match word {
            Word::Open => open(&mut outer, &mut frame, Frame::new(at, None))?,
            Word::Name(name) if is_call && names::operator(name).is_none() => {
                let function = names::function(name).map_err(|problem| (at, problem))?;
                open(&mut outer, &mut frame, Frame::new(at, Some(function)))?;
                pending = next(&mut lexer)?;
            }
            Word::Close => {
                let around = outer.pop().ok_or((at, FilterProblem::Unopened))?;
                let inner = std::mem::replace(&mut frame, around);
                frame.items.push(Item::Operand(close(inner, at)?));
            }
            Word::Comma => {
                if frame.function.is_none() {
                    return Err((at, FilterProblem::StrayComma));
                }
                let argument = parse_items(std::mem::take(&mut frame.items), at)?;
                frame.arguments.push(argument);
            }
            word => frame.items.push(item(word, at)?),
        }
    }
    if !outer.is_empty() {
        return Err((frame.at, FilterProblem::Unclosed));
    }
    Ok(parse_items(frame.items, text.len())?.expression)
}

fn next<'a>(lexer: &mut Lexer<'a>) -> Result<Option<(usize, Word<'a>)>, Problem> {
    match lexer.next() {
        Ok(token) => Ok(token.map(|token| (token.at, token.word))),
        Err((at, error)) => Err((at, error.into())),
    }
}

fn open(outer: &mut Vec<Frame>, frame: &mut Frame, inner: Frame) -> Result<(), Problem> {
    if outer.len() >= MAX_FILTER_DEPTH {
        return Err((inner.at, FilterProblem::TooDeep));
    }
    outer.push(std::mem::replace(frame, inner));
    Ok(())
}

fn close(mut frame: Frame, at: usize) -> Result<Operand, Problem> {
    let Some(function) = frame.function else {
        return parse_items(frame.items, at);
    };
    if !(frame.items.is_empty() && frame.arguments.is_empty()) {
        frame.arguments.push(parse_items(frame.items, at)?);
    }
    let depth = frame.arguments.iter().map(|argument| argument.depth).max();
    let arguments = frame.arguments.into_iter().map(|argument| argument.expression);
    let expression = Expression::call(function, arguments.collect());
    operand(expression, depth.unwrap_or(0) + 1, frame.at)
}

fn operand(expression: Result<Expression, TypeError>, depth: usize, at: usize) -> Result<Operand, Problem> {
    if depth > MAX_FILTER_DEPTH {
        return Err((at, FilterProblem::TooDeep));
    }
    match expression {
        Ok(expression) => Ok(Operand { expression, depth, at }),
        Err(error) => Err((at, error.into())),
    }
}

fn item(word: Word<'_>, at: usize) -> Result<Item, Problem> {
    let expression = match word {
        Word::Literal(literal) => literal.into(),
        Word::Minus => return Ok(Item::Prefix(Prefix::Minus, at)),
        Word::Name(name) => match names::meaning(name).map_err(|problem| (at, problem))? {
            Meaning::Prefix(prefix) => return Ok(Item::Prefix(prefix, at)),
            Meaning::Infix(infix) => return Ok(Item::Infix(infix, at)),
            Meaning::Constant(literal) => literal.into(),
            Meaning::Column(column) => column.into(),
        },
        Word::Open | Word::Close | Word::Comma => return Err((at, FilterProblem::MissingOperand)),
    };
    operand(Ok(expression), 1, at).map(Item::Operand)
}

/// Parses what lies between parentheses or commas; `end` is where it ends.
fn parse_items(mut items: Vec<Item>, end: usize) -> Result<Operand, Problem> {
    // An argument that is a name or a literal, of which a chain of ids has hundreds, needs no parser.
    if let [Item::Operand(_)] = items.as_slice()
        && let Some(Item::Operand(operand)) = items.pop()
    {
        return Ok(operand);
    }
    // Prefixes in a row are the one thing for which the Pratt parser calls itself without limit.
    let mut prefixes = 0;
    for item in &items {
        prefixes = match item {
            Item::Prefix(_, at) if prefixes >= MAX_FILTER_DEPTH => return Err((*at, FilterProblem::TooDeep)),
            Item::Prefix(..) => prefixes + 1,
            _ => 0,
        };
    }
    let mut items = items.into_iter().peekable();
    let parsed = Grammar.parse_peekable(&mut items).map_err(|error| match error {
        PrattError::UserError(Located(problem)) => problem,
        PrattError::EmptyInput => (end, FilterProblem::MissingOperand),
        PrattError::UnexpectedInfix(item) | PrattError::UnexpectedPostfix(item) => {
            (item.at(), FilterProblem::MissingOperand)
        }
        PrattError::UnexpectedNilfix(item) | PrattError::UnexpectedPrefix(item) => {
            (item.at(), FilterProblem::MissingOperator)
        }
    })?;
    match items.next() {
        None => Ok(parsed),
        Some(item) => Err((item.at(), FilterProblem::MissingOperator)),
    }
}

impl Item {
    fn at(&self) -> usize {
        match self {
            Self::Operand(Operand { at, .. }) | Self::Prefix(_, at) | Self::Infix(_, at) => *at,
        }
    }
}

/// A problem in the shape that the Pratt parser passes on.
#[derive(Debug)]
struct Located(Problem);

impl std::fmt::Display for Located {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.1.fmt(f)
    }
}

struct Grammar;

impl<I: Iterator<Item = Item>> PrattParser<I> for Grammar {
    type Error = Located;
    type Input = Item;
    type Output = Operand;

    /// OData v2's precedence; `not` binds tighter than comparisons, so clients write `not (Id eq 'x')`.
    fn query(&mut self, item: &Item) -> Result<Affix, Located> {
        let infix = |precedence| Affix::Infix(Precedence(precedence), Associativity::Left);
        Ok(match item {
            Item::Operand(_) => Affix::Nilfix,
            Item::Prefix(..) => Affix::Prefix(Precedence(7)),
            Item::Infix(Infix::Or, _) => infix(1),
            Item::Infix(Infix::And, _) => infix(2),
            Item::Infix(Infix::Compare(Comparison::Equal | Comparison::NotEqual), _) => infix(3),
            Item::Infix(Infix::Compare(_), _) => infix(4),
            Item::Infix(Infix::Calculate(Arithmetic::Add | Arithmetic::Subtract), _) => infix(5),
            Item::Infix(Infix::Calculate(_), _) => infix(6),
        })
    }

    fn primary(&mut self, item: Item) -> Result<Operand, Located> {
        match item {
            Item::Operand(operand) => Ok(operand),
            other => Err(Located((other.at(), FilterProblem::MissingOperand))),
        }
    }

    fn infix(&mut self, left: Operand, item: Item, right: Operand) -> Result<Operand, Located> {
        let Item::Infix(infix, at) = item else {
            return Err(Located((item.at(), FilterProblem::MissingOperator)));
        };
        let chain = |operand: &Operand| match (infix, &operand.expression) {
            (Infix::Or, Expression::Any(_)) | (Infix::And, Expression::All(_)) => operand.depth,
            _ => operand.depth + 1,
        };
        let depth = chain(&left).max(chain(&right));
        let (left, right) = (left.expression, right.expression);
        let expression = match infix {
            Infix::Or => Expression::or(left, right),
            Infix::And => Expression::and(left, right),
            Infix::Compare(operator) => Expression::compare(operator, left, right),
            Infix::Calculate(operator) => Expression::calculate(operator, left, right),
        };
        operand(expression, depth, at).map_err(Located)
    }

    fn prefix(&mut self, item: Item, inner: Operand) -> Result<Operand, Located> {
        let expression = match item {
            Item::Prefix(Prefix::Minus, _) => inner.expression.minus(),
            _ => inner.expression.negate(),
        };
        operand(expression, inner.depth + 1, item.at()).map_err(Located)
    }

    fn postfix(&mut self, _: Operand, item: Item) -> Result<Operand, Located> {
        Err(Located((item.at(), FilterProblem::MissingOperator)))
    }
}

#[cfg(test)]
mod tests;
