//! Random questions over two upstreams with rows in common and hosted packages, against the union made in the test.

use std::collections::BTreeSet;

use super::{assert_each_once, by_links, by_skip, count, host, mirror, sorted};
use crate::support::random::Random;
use crate::support::searched::{Filters, Listed, SearchGallery, has_word};

const PARTS: &[&str] = &["git", "tool", "power", "shell", "net", "fox", "x", "lab"];
const TAGS: &[&str] = &["vcs", "admin", "browser", "git", "shell tools"];

/// What a question looks for, and how it is written.
struct Question {
    list: String,
    /// What it looks for where galleries search for words; `None` where everything is asked for.
    word: Option<String>,
    is_filter: bool,
    matches: Matches,
}

type Matches = Box<dyn Fn(&Listed) -> bool>;

fn package(random: &mut Random, number: usize) -> Listed {
    let parts = [*random.pick(PARTS), *random.pick(PARTS)];
    let joint = *random.pick(&["", ".", "-"]);
    let id = format!("{}{joint}{}{number}", parts[0], parts[1]);
    Listed::new(&id, random.pick::<&str>(TAGS), random.next() % 5000)
}

fn question(random: &mut Random) -> Question {
    let text = (*random.pick(&["git", "tool", "ell", "fox", "x", "ower", "lab", "nothing"])).to_owned();
    let order = *random.pick(&[
        "Id",
        "DownloadCount desc,Id",
        "DownloadCount desc",
        "Id desc",
        "Version,Id",
    ]);
    let tail = format!("$orderby={order}{}", super::TAIL);
    let (wanted, other) = (text.clone(), text.clone());
    let in_id = move |row: &Listed| row.id.contains(&wanted);
    let in_tags = move |row: &Listed| row.tags.contains(&other);
    let in_both = {
        let text = text.clone();
        move |row: &Listed| row.id.contains(&text) && row.tags.contains(&text)
    };
    let begins = {
        let text = text.clone();
        move |row: &Listed| row.id.starts_with(&text)
    };
    let anywhere = {
        let text = text.clone();
        move |row: &Listed| row.id.contains(&text) || row.tags.contains(&text)
    };
    let id = format!("(substringof('{text}',tolower(Id)))");
    let tags = format!("substringof('{text}',Tags)");
    let filter = |filter: String| format!("Packages()?$filter={filter} and IsLatestVersion&{tail}");
    let (list, matches, is_filter): (String, Matches, bool) = match random.below(6) {
        0 => (filter(id), Box::new(in_id), true),
        1 => (filter(format!("({tags})")), Box::new(in_tags), true),
        2 => (filter(format!("({id} and {tags})")), Box::new(in_both), true),
        3 => (
            filter(format!("(startswith(tolower(Id),'{text}'))")),
            Box::new(begins),
            true,
        ),
        4 => (
            format!("Search()?$filter=IsLatestVersion&searchTerm='{text}'&{tail}"),
            Box::new(anywhere),
            false,
        ),
        _ => {
            let list = format!("Search()?$filter=IsLatestVersion&searchTerm=''&{tail}");
            return Question {
                list,
                word: None,
                is_filter: false,
                matches: Box::new(|_| true),
            };
        }
    };
    Question {
        list,
        word: Some(text),
        is_filter,
        matches,
    }
}

async fn ask(random: &mut Random, filters: Filters) {
    let shared: Vec<Listed> = (0..25).map(|number| package(random, number)).collect();
    let own = |random: &mut Random, from: usize| -> Vec<Listed> {
        let fresh = (from..from + 45).map(|number| package(random, number));
        fresh.chain(shared.iter().cloned()).collect()
    };
    let (first, second) = (own(random, 100), own(random, 200));
    let one = SearchGallery::start(first.clone(), filters).await;
    let two = SearchGallery::start(second.clone(), filters).await;
    let app = mirror("server.page_size = 30\n", &[("one", &one), ("two", &two)]).await;
    let mut hosted: Vec<Listed> = (300..308).map(|number| package(random, number)).collect();
    // Ids that upstreams have too, with other tags: what is hosted hides theirs.
    hosted.extend(shared.iter().take(3).map(|row| Listed::new(&row.id, "hosted", 0)));
    for row in &hosted {
        host(&app, row).await;
    }
    let is_hosted = |row: &&Listed| hosted.iter().any(|hosted| hosted.id == row.id);
    for _ in 0..12 {
        let question = question(random);
        let list = &question.list;
        let upstreams = first.iter().chain(&second).filter(|row| !is_hosted(row));
        let (mut whole, mut least) = (BTreeSet::new(), BTreeSet::new());
        for row in upstreams.filter(|row| (question.matches)(row)) {
            whole.insert(row.id.clone());
            if question.word.as_ref().is_none_or(|word| has_word(row, word)) {
                least.insert(row.id.clone());
            }
        }
        for row in hosted.iter().filter(|row| (question.matches)(row)) {
            whole.insert(row.id.clone());
            least.insert(row.id.clone());
        }
        let (linked, answer) = by_links(&app, list, async |_| {}).await;
        let (skipped, _) = by_skip(&app, list, async |_| {}).await;
        assert_each_once(&linked, list);
        assert_eq!(sorted(linked.clone()), sorted(skipped.clone()), "{list}");
        if list.contains("$orderby=Id&") {
            assert!(linked.is_sorted() && skipped.is_sorted(), "{list}: {linked:?}");
        }
        let found: BTreeSet<String> = linked.iter().cloned().collect();
        let (counted, count_warning) = count(&app, list).await;
        assert!(counted >= found.len(), "{list}: {counted} of {}", found.len());
        if filters == Filters::Taken && question.is_filter {
            assert_eq!(found, whole, "{list}");
            assert_eq!(answer.warning(), None, "{list}");
        } else {
            // What is known from before may be found though no word of it was asked for.
            assert!(found.is_superset(&least), "{list}: {least:?} in {found:?}");
            assert!(found.is_subset(&whole), "{list}: {found:?} in {whole:?}");
            assert_eq!(
                answer.warning().is_some(),
                question.is_filter,
                "{list}: {:?}",
                answer.warning()
            );
        }
        if !question.is_filter {
            assert_eq!((counted, count_warning), (found.len(), None), "{list}");
        }
    }
    assert_eq!(one.most_at_a_time().max(two.most_at_a_time()), 1);
}

#[tokio::test]
async fn upstreams_that_take_filters_are_searched_wholly() {
    let mut random = Random::seeded();
    for _ in 0..2 {
        ask(&mut random, Filters::Taken).await;
    }
}

#[tokio::test]
async fn upstreams_that_refuse_filters_are_searched_for_words() {
    let mut random = Random::seeded();
    for filters in [Filters::Refused(406), Filters::Refused(400), Filters::Refused(501)] {
        ask(&mut random, filters).await;
    }
}
