//! `kind` and `url`: what an upstream speaks, and where.

use std::fmt;

use toml::de::DeValue;
use url::Url;

use super::access::Login;
use crate::config::document::Section;
use crate::config::error::ConfigError;
use crate::config::value::{Value, quoted, text};
use crate::config::web_url;
use crate::redact;

const PLACEHOLDERS: [&str; 2] = ["@ID", "@VERSION"];

/// What an upstream speaks, and where.
#[derive(Clone)]
pub enum UpstreamKind {
    /// An OData v2 feed.
    V2 {
        /// The root of the feed, ending in a slash; may hold a user and password.
        root: Url,
    },
    /// Plain files whose address follows from id and version.
    Template {
        /// The address of a package.
        template: UrlTemplate,
    },
}

impl fmt::Debug for UpstreamKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V2 { root } => write!(out, "V2({})", redact::url(root)),
            Self::Template { template } => write!(out, "Template({template:?})"),
        }
    }
}

impl UpstreamKind {
    /// Returns the address of the feed, or that of some package.
    pub(in crate::config) fn address(&self) -> Option<Url> {
        match self {
            Self::V2 { root } => Some(root.clone()),
            Self::Template { template } => template.sample().ok(),
        }
    }

    /// Says whether the address has a user or a password in it.
    pub(super) fn login(&self) -> Login {
        let has_login = |url: Url| !url.username().is_empty() || url.password().is_some();
        if self.address().is_some_and(has_login) {
            Login::InAddress
        } else {
            Login::None
        }
    }

    /// Returns the host of the address.
    pub(super) fn host(&self) -> Option<String> {
        let host = |url: &Url| url.host_str().map(str::to_owned);
        match self {
            Self::V2 { root } => host(root),
            Self::Template { template } => template.sample().ok().as_ref().and_then(host),
        }
    }

    pub(super) fn read(section: &mut Section<'_>) -> Result<Self, ConfigError> {
        Ok(match section.require("kind", "\"v2\"")? {
            KindName::V2 => Self::V2 {
                root: section.require::<FeedRoot>("url", "\"https://...\"")?.0,
            },
            KindName::Template => Self::Template {
                template: section.require("url", "\"https://.../@ID.@VERSION.nupkg\"")?,
            },
        })
    }
}

enum KindName {
    V2,
    Template,
}

impl Value for KindName {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "v2" => Ok(Self::V2),
            "template" => Ok(Self::Template),
            other => Err(format!("must be \"v2\" or \"template\", not {other:?}")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::V2 => quoted("v2"),
            Self::Template => quoted("template"),
        }
    }
}

struct FeedRoot(Url);

impl Value for FeedRoot {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        if PLACEHOLDERS.iter().any(|placeholder| text.contains(placeholder)) {
            return Err("must be the root of a feed: @ID and @VERSION are for kind = \"template\"".to_owned());
        }
        web_url::directory(text).map(Self)
    }

    fn show(&self) -> String {
        quoted(&redact::url(&self.0).to_string())
    }
}

/// The address of a package in which `@ID` and `@VERSION`, both there behind the host, stand for its id and version. A
/// URL once those are replaced by percent-encoded text; may hold a user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate(String);

impl UrlTemplate {
    /// Returns the template as text, secrets and all.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the address of some package.
    fn sample(&self) -> Result<Url, String> {
        web_url::web(&self.0.replace("@ID", "id").replace("@VERSION", "1.0"))
    }
}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", redact::url_text(&self.0))
    }
}

impl std::str::FromStr for UrlTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        for placeholder in PLACEHOLDERS {
            if !text.contains(placeholder) {
                return Err(format!("must have {placeholder} in it where kind = \"template\""));
            }
        }
        let behind_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = behind_scheme.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        if PLACEHOLDERS.iter().any(|placeholder| authority.contains(placeholder)) {
            return Err("must have @ID and @VERSION behind the host only".to_owned());
        }
        let template = Self(text.to_owned());
        if template.sample()?.fragment().is_some() {
            return Err("must not have a # part".to_owned());
        }
        Ok(template)
    }
}

impl Value for UrlTemplate {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        text(value)?.parse()
    }

    fn show(&self) -> String {
        quoted(&redact::url_text(&self.0).to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn templates() {
        for (text, good) in [
            ("https://example.com/@ID/@ID.@VERSION.nupkg", true),
            ("https://u:p@example.com/get?id=@ID&v=@VERSION", true),
            ("http://127.0.0.1:80/@ID-@VERSION", true),
            ("https://example.com/@ID.nupkg", false),
            ("https://example.com/@VERSION.nupkg", false),
            ("https://@ID.example.com/@VERSION", false),
            ("https://@ID:@VERSION@example.com/", false),
            ("https://example.com?@ID@VERSION", true),
            ("https://example.com/@ID#@VERSION", false),
            ("ftp://example.com/@ID/@VERSION", false),
            ("/@ID/@VERSION", false),
            ("@ID@VERSION", false),
        ] {
            assert_eq!(text.parse::<UrlTemplate>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn debug_hides_credentials() {
        let root = UpstreamKind::V2 {
            root: Url::parse("https://u:s3cret@h/").unwrap(),
        };
        let template: UrlTemplate = "https://u:s3cret@h/@ID/@VERSION?sig=s3cret".parse().unwrap();
        let shown = format!(
            "{root:?} {template:?} {:?}",
            UpstreamKind::Template {
                template: template.clone()
            }
        );
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(!template.show().contains("s3cret"));
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(text in any::<String>()) {
            let value = DeValue::String(text.into());
            let _ = UrlTemplate::read(&value);
            let _ = FeedRoot::read(&value);
            let _ = KindName::read(&value);
        }
    }
}
