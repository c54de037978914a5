//! Reads the tables of the suite: what is asked, by whom, and what must come of it.
//!
//! A table is a text, so that a request stands in it as it goes over the wire and a case is one line:
//!
//! ```text
//! ## Chocolatey CLI 2                                    whose requests follow
//! on feed                                                the packages that they are sent to (tables/feed.txt)
//! 22 nothing found is an empty list | GET /api/v2/FindPackagesById()?id='nosuch' | none
//! 85 a version is unlisted                               a case of several steps, on a feed of its own
//!   PUT /api/v2/package <- git 2.40.0 | 201
//!   DELETE /api/v2/package/git/2.40.0 | 204
//! ```
//!
//! A step is a method and a target, headers in braces, `<-` and a body; then, after the bar, what must hold (see [`Clause`]).
//! `see` names a test elsewhere that shows the same, `not` says why a case does not apply.

/// Some cases under one heading.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) cases: Vec<Case>,
}

/// One number of a table.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) number: String,
    pub(super) title: String,
    pub(super) ground: Ground,
    pub(super) steps: Vec<Step>,
    /// Tests elsewhere that show it, as `module::test`.
    pub(super) elsewhere: Vec<String>,
    /// Why it does not apply.
    pub(super) not_applicable: Option<String>,
    /// Why the answer is another one than the original gives, on purpose.
    pub(super) differs: Option<String>,
    /// Why it is not served.
    pub(super) not_served: Option<String>,
}

/// The packages that a case is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ground {
    /// One of the shared feeds, named as its table.
    Shared(&'static str),
    /// A larder of its own, of which each default is overridden by these lines of configuration.
    Own(String),
}

/// A request and what must hold in its answer.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The line, to be shown.
    pub(super) line: String,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) status: u16,
    pub(super) clauses: Vec<Clause>,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    Nothing,
    /// A package, described as in the feeds' tables, in the envelope of the client.
    Package(String),
    /// A text as it stands.
    Text(String),
    /// A `$batch` of GETs.
    Batch(Vec<String>),
}

/// What must hold in an answer. `{root}` stands for the feed's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Clause {
    /// `rows A 1, B 2`: these entries in this order, and no next link. `none` is the empty list.
    Rows(Vec<String>),
    /// `first A 1, B 2`: the first entries.
    First(Vec<String>),
    /// `length 100`: so many entries on this page.
    Length(usize),
    /// `total 160`: the number of all rows, in the feed.
    Total(u64),
    /// `number 12`: nothing but this number.
    Number(u64),
    /// `walk 160`: so many rows in all, each once, when the next links are followed to the end.
    Walk(usize),
    /// `next $skip=100`: a next link that has this, once it is decoded.
    Next(String),
    /// `entry A 1`: a document of this one entry.
    Entry(String),
    /// `file A 1`: the bytes of this package.
    File(String),
    /// `property Tags= git ` of the first entry.
    Property(String, String),
    /// `lacks-property Title`: no entry has it.
    LacksProperty(String),
    /// `says text`, `lacks text`: what the body has and has not.
    Says(String),
    Lacks(String),
    /// `reason text`: part of the status line's last part.
    Reason(String),
    /// `header Name: text`: part of a header.
    Header(String, String),
    /// `results A 1, B 2`: these entries in this order, in verbose JSON.
    Results(Vec<String>),
    /// `json [..]`: this document.
    Json(serde_json::Value),
    /// `service`, `metadata`: the documents that clients probe a feed by.
    Service,
    Metadata,
}

/// Reads a table; panics with the line where it is wrong.
pub(super) fn parse(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut ground = Ground::Own(String::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || (line.starts_with('#') && !line.starts_with("## ")) {
            continue;
        }
        if let Some(heading) = line.strip_prefix("## ") {
            sections.push(Section {
                heading: heading.to_owned(),
                cases: Vec::new(),
            });
        } else if let Some(name) = line.strip_prefix("on ") {
            ground = parse_ground(name);
        } else if line.starts_with("  ") {
            let case = sections.last_mut().and_then(|section| section.cases.last_mut());
            case.unwrap_or_else(|| panic!("a step without a case: {line}"))
                .add(trimmed);
        } else {
            let section = sections
                .last_mut()
                .unwrap_or_else(|| panic!("a case without a heading: {line}"));
            section.cases.push(parse_case(line, &ground));
        }
    }
    sections
}

fn parse_ground(name: &str) -> Ground {
    match name.split_once(' ').map_or((name, ""), |(name, rest)| (name, rest)) {
        ("feed", _) => Ground::Shared("feed"),
        ("gallery", _) => Ground::Shared("gallery"),
        ("server", _) => Ground::Shared("server"),
        ("odd", _) => Ground::Shared("odd"),
        ("nothing", configuration) => Ground::Own(configuration.replace("; ", "\n")),
        _ => panic!("no such ground: {name}"),
    }
}

fn parse_case(line: &str, ground: &Ground) -> Case {
    let (head, step) = match line.split_once(" | ") {
        Some((head, step)) => (head, Some(step)),
        None => (line, None),
    };
    let (number, title) = head.split_once(' ').unwrap_or((head, ""));
    let mut case = Case {
        number: number.to_owned(),
        title: title.trim().to_owned(),
        ground: ground.clone(),
        steps: Vec::new(),
        elsewhere: Vec::new(),
        not_applicable: None,
        differs: None,
        not_served: None,
    };
    if let Some(step) = step {
        case.add(step.trim());
    }
    case
}

impl Case {
    fn add(&mut self, line: &str) {
        if let Some(test) = line.strip_prefix("see ") {
            self.elsewhere.push(test.to_owned());
            return;
        }
        if let Some(why) = line.strip_prefix("not ") {
            self.not_applicable = Some(why.to_owned());
            return;
        }
        let (request, outcome) = line.split_once(" | ").unwrap_or_else(|| panic!("no outcome: {line}"));
        let mut step = parse_request(request.trim());
        line.clone_into(&mut step.line);
        for clause in outcome.split("; ").map(str::trim) {
            if let Some(why) = clause.strip_prefix("differs: ") {
                self.differs = Some(why.to_owned());
            } else if let Some(why) = clause.strip_prefix("not served: ") {
                self.not_served = Some(why.to_owned());
            } else if let Ok(status) = clause.parse() {
                step.status = status;
            } else {
                step.clauses.push(parse_clause(clause));
            }
        }
        self.steps.push(step);
    }
}

fn parse_request(text: &str) -> Step {
    let (request, body) = match text.split_once(" <- ") {
        Some((request, body)) => (request, parse_body(body)),
        None => (text, Body::Nothing),
    };
    let mut request = request.trim();
    let mut headers = Vec::new();
    while let Some((before, header)) = request.strip_suffix('}').and_then(|rest| rest.rsplit_once(" {")) {
        let (name, value) = header.split_once(": ").unwrap_or_else(|| panic!("no header: {text}"));
        headers.insert(0, (name.to_owned(), value.to_owned()));
        request = before;
    }
    let (method, target) = request.split_once(' ').unwrap_or_else(|| panic!("no method: {text}"));
    Step {
        line: String::new(),
        method: method.to_owned(),
        target: lengthened(target),
        headers,
        body,
        status: 200,
        clauses: Vec::new(),
    }
}

/// Writes out what is too long for a line: `{200 ids}` is a chain of so many comparisons, `{200 names}` and `{200 versions}`
/// are lists for `GetUpdates`. Of the ids the feed's table has the first 120.
fn lengthened(target: &str) -> String {
    let mut target = target.to_owned();
    while let Some((count, what)) = target
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .and_then(|(inside, _)| inside.split_once(' '))
        .map(|(count, what)| (count.to_owned(), what.to_owned()))
    {
        let numbers = 1..=count.parse::<u32>().unwrap_or_else(|_| panic!("no number: {target}"));
        let (items, separator): (Vec<String>, _) = match what.as_str() {
            "ids" => {
                let items = numbers.map(|number| format!("(tolower(Id)%20eq%20'zz.{number:03}')"));
                (items.collect(), "%20or%20")
            }
            "names" => (numbers.map(|number| format!("ZZ.{number:03}")).collect(), "%7C"),
            "versions" => (numbers.map(|_| "0.9".to_owned()).collect(), "%7C"),
            _ => panic!("what is {what}?"),
        };
        target = target.replace(&format!("{{{count} {what}}}"), &items.join(separator));
    }
    target
}

fn parse_body(text: &str) -> Body {
    if let Some(parts) = text.strip_prefix("batch ") {
        Body::Batch(parts.split(" ++ ").map(str::to_owned).collect())
    } else if let Some(text) = text.strip_prefix("text ") {
        Body::Text(text.to_owned())
    } else {
        Body::Package(text.to_owned())
    }
}

fn parse_clause(text: &str) -> Clause {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.to_owned();
    let list = || rest.split(", ").map(str::to_owned).collect();
    let pair = |separator| {
        let (name, value) = rest.split_once(separator).unwrap_or_else(|| panic!("no pair: {text}"));
        (name.to_owned(), value.to_owned())
    };
    let number = || rest.parse().unwrap_or_else(|_| panic!("no number: {text}"));
    match word {
        "rows" => Clause::Rows(list()),
        "none" => Clause::Rows(Vec::new()),
        "results" => Clause::Results(list()),
        "first" => Clause::First(list()),
        "length" => Clause::Length(usize::try_from(number()).expect("a length")),
        "total" => Clause::Total(number()),
        "number" => Clause::Number(number()),
        "walk" => Clause::Walk(usize::try_from(number()).expect("a length")),
        "next" => Clause::Next(rest),
        "entry" => Clause::Entry(rest),
        "file" => Clause::File(rest),
        "property" => {
            let (name, value) = pair("=");
            Clause::Property(name, value)
        }
        "lacks-property" => Clause::LacksProperty(rest),
        "says" => Clause::Says(rest),
        "lacks" => Clause::Lacks(rest),
        "reason" => Clause::Reason(rest),
        "header" => {
            let (name, value) = pair(": ");
            Clause::Header(name, value)
        }
        "json" => Clause::Json(serde_json::from_str(&rest).unwrap_or_else(|error| panic!("{error}: {text}"))),
        "service" => Clause::Service,
        "metadata" => Clause::Metadata,
        _ => panic!("no clause: {text}"),
    }
}
