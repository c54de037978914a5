use super::*;
use crate::catalog::Row;
use crate::catalog::row::pad_tags;
use crate::catalog::testing::{row, text};
use proptest::prelude::*;

fn git() -> Row {
    Row {
        title: Some(text("Git for Windows")),
        tags: Some(text(&pad_tags("VCS, dvcs PSCommand_Get-Git"))),
        description: Some(text("Fast version control, see http://example.com")),
        summary: Some(text("Distributed")),
        authors: Some(text("The Git Authors")),
        ..row("Git.Install", "2.40")
    }
}

fn rank(terms: &str, row: &Row) -> Option<Rank> {
    Matcher::new(&SearchTerms::parse(terms)).rank(row)
}

#[test]
fn texts_are_read_as_galleries_read_them() {
    for (read, written) in [
        ("", ""),
        ("  Git   VCS ", "git vcs"),
        ("git git", "git"),
        ("\"Version  Control\"", "\"version control\""),
        ("id:Git", "id:git"),
        ("ID: Git", "id:git"),
        ("Id:\"azure.storage\"", "id:azure.storage"),
        ("\"Id:hello\"", "\"id:hello\""),
        (
            "\"hello you\" id:beautiful little:creatures",
            "\"hello you\" id:beautiful \"little:creatures\"",
        ),
        (
            "PackageId:Git tags:a authors:x owners:y",
            "packageid:git tag:a author:x owner:y",
        ),
        (
            "title:a description:\"b c\" summary:d version:1.0",
            "title:a description:\"b c\" summary:d version:1.0",
        ),
        ("id:tag:x", "tag:x"),
        ("id:", ""),
        ("id:\"\" x", "x"),
        ("pest*", "pest"),
        ("*pest*", "pest"),
        ("pow*get", "pow get"),
        ("*", ""),
        ("tag:PSCommand_*", "pscommand_"),
        ("tag:a,b", "tag:a tag:b"),
        ("tag:\"a b\"", "tag:a tag:b"),
        ("git, vcs;", "git vcs"),
        ("\"not closed", "\"not closed\""),
        ("half\"quoted phrase\"", "half \"quoted phrase\""),
        ("http://x", "\"http://x\""),
        (":x", "\":x\""),
        ("C++ O'Neill .net", "c++ o'neill .net"),
        ("Ünï", "ünï"),
    ] {
        let terms = SearchTerms::parse(read);
        assert_eq!(terms.to_string(), written, "{read}");
        assert_eq!(terms.is_empty(), written.is_empty(), "{read}");
    }
    assert_eq!(SearchTerms::words("id:X \"y").to_string(), "\"id:x\" y");
}

#[test]
fn every_term_must_match_somewhere() {
    for (terms, is_found) in [
        ("", true),
        ("GIT", true),
        ("stall", true),
        ("windows git", true),
        ("distributed authors dvcs fast", true),
        ("git mercurial", false),
        ("\"version control\"", true),
        ("\"control version\"", false),
        ("id:install", true),
        ("id:windows", false),
        ("packageid:git", false),
        ("packageid:GIT.install", true),
        ("packageid:git*", true),
        ("tag:vcs", true),
        ("tags:DVCS", true),
        ("tag:vc", false),
        ("tag:vc*", true),
        ("tag:vcs,dvcs", true),
        ("tag:cvs", false),
        ("tag:pscommand_get-git", true),
        ("title:windows", true),
        ("title:fast", false),
        ("description:\"fast version\"", true),
        ("summary:distributed", true),
        ("summary:fast", false),
        ("author:\"git authors\"", true),
        ("author:fast", false),
        ("version:2.40.0.0", true),
        ("version:2.4", false),
        ("version:x", false),
        ("http://example.com", true),
        ("pest*", false),
        ("g*windows", true),
    ] {
        assert_eq!(rank(terms, &git()).is_some(), is_found, "{terms}");
    }
}

#[test]
fn places_have_ranks() {
    let titled = |id: &str, title: &str| Row {
        title: Some(text(title)),
        ..row(id, "1.0")
    };
    for (terms, row, expected) in [
        ("git", titled("Git", "x"), Rank::ExactId),
        ("git", titled("git.install", "git"), Rank::IdPrefix),
        ("git", titled("TortoiseGit", "git"), Rank::IdWord),
        ("git", titled("posh-git", "git"), Rank::IdWord),
        ("zip", titled("7zip", "zip"), Rank::IdWord),
        ("git", titled("legit.git", "git"), Rank::IdWord),
        ("git", titled("legit", "git"), Rank::InsideId),
        ("git", titled("x", "Legit"), Rank::Title),
        ("dvcs", git(), Rank::Tags),
        ("fast", git(), Rank::Elsewhere),
        ("web pages", titled("WebPages", "x"), Rank::ExactId),
        ("web pages", titled("web.pages", "x"), Rank::ExactId),
        ("web pages", titled("WebPages.Data", "x"), Rank::IdPrefix),
        ("web pages", titled("Pages", "Web"), Rank::Title),
        ("git fast", git(), Rank::Elsewhere),
        ("git tag:vcs", git(), Rank::IdPrefix),
        ("tag:vcs", git(), Rank::Elsewhere),
        ("packageid:git.install", git(), Rank::ExactId),
        ("id:install", git(), Rank::IdWord),
    ] {
        assert_eq!(rank(terms, &row), Some(expected), "{terms}: {}", row.id);
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(text in "([a-z\":,*;]|id:|tag:|packageid:|\\PC| ){0,30}") {
        let terms = SearchTerms::parse(&text);
        // What may go on is written as a word that finds no less.
        prop_assume!(terms.terms().iter().all(|term| !term.is_open));
        let again = SearchTerms::parse(&terms.to_string());
        prop_assert_eq!(again.to_string(), terms.to_string());
    }
}
