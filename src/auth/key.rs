//! API keys and their digests. A key is shown to nobody but the one it is made for; a digest shows nothing of its key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha512};
use subtle::ConstantTimeEq as _;

const PREFIX: &str = "larder_";
const RANDOM_BYTES: usize = 32;
const LONGEST: usize = 512;

/// An API key as a client sends it. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct ApiKey(String);

/// Why a key is refused or cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A header could not carry it.
    #[error("an API key is 1 to {LONGEST} printable ASCII characters without spaces")]
    Form,
    /// The system gives no random numbers.
    #[error("cannot make a key: the system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

impl ApiKey {
    /// Parses a key: 1 to 512 printable ASCII characters without spaces.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(KeyError::Form);
        }
        Ok(Self(text.to_owned()))
    }

    /// Makes a key of 256 random bits, in letters that need no escaping in URLs, shells and headers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut random = [0_u8; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(KeyError::Random)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random))))
    }

    /// Returns the key itself, to be printed once or sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns what is stored of the key and compared with it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(&self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApiKey(***)")
    }
}

/// The SHA-512 of a key. Keys are random, so they need neither salt nor a slow hash.
#[derive(Clone)]
pub struct KeyDigest([u8; 64]);

impl KeyDigest {
    /// Returns the digest of text that may be a key.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha512::digest(text.as_bytes()).into())
    }

    /// Reads a digest written by [`KeyDigest::to_base64`].
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the digest as text.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Says whether both are digests of the same key, in a time that does not tell how alike they are.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyDigest(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_may_be() {
        let longest = "k".repeat(512);
        let too_long = "k".repeat(513);
        for (text, good) in [
            ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", true),
            ("a", true),
            (longest.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("a b", false),
            ("a\n", false),
            ("schlüssel", false),
        ] {
            assert_eq!(ApiKey::parse(text).is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn made_keys_differ_and_are_plain() {
        let (first, second) = (ApiKey::generate().unwrap(), ApiKey::generate().unwrap());
        assert_ne!(first.expose(), second.expose());
        let random = first.expose().strip_prefix("larder_").unwrap();
        assert_eq!(random.len(), 43);
        assert!(
            random.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c)),
            "{random}"
        );
        assert!(ApiKey::parse(first.expose()).is_ok());
    }

    #[test]
    fn digests_match_their_own_key_only() {
        let key = ApiKey::parse("abc").unwrap();
        assert!(key.digest().matches(&KeyDigest::of("abc")));
        assert!(!key.digest().matches(&KeyDigest::of("abd")));
        assert!(!key.digest().matches(&KeyDigest::of("")));
        // FIPS 180-2, C.1: the digest of "abc".
        assert!(
            key.digest()
                .to_base64()
                .starts_with("3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0")
        );
        let back = KeyDigest::from_base64(&key.digest().to_base64()).unwrap();
        assert!(back.matches(&key.digest()));
        assert!(KeyDigest::from_base64("YWJj").is_none());
        assert!(KeyDigest::from_base64("!").is_none());
    }

    #[test]
    fn debug_shows_nothing() {
        let key = ApiKey::parse("s3cret").unwrap();
        assert_eq!(format!("{key:?} {:?}", key.digest()), "ApiKey(***) KeyDigest(***)");
    }
}
