//! Digests of whole packages: the one larder keeps, and the ones upstreams announce.
//!
//! SHA-512 in base64 is `PackageHash` (NuGetGallery, `CryptographyService`); hex names files. Weaker algorithms that an
//! upstream may announce are recognised, so that they can be passed over by name.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512 as Sha512Function};

/// The SHA-512 of a package.
///
/// ```
/// use larder::nuget::digest::{Sha512, Sha512Hasher};
/// let mut hasher = Sha512Hasher::default();
/// hasher.update(b"abc");
/// let digest = hasher.finish();
/// assert!(digest.hex().starts_with("ddaf35a193617aba"));
/// assert_eq!(digest.base64().parse(), Ok(digest));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha512([u8; 64]);

/// A text that is no SHA-512 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a SHA-512 digest: 88 characters of base64 are needed")]
pub struct DigestError {
    text: String,
}

impl Sha512 {
    /// Returns the digest in base64, 88 characters: the form of `PackageHash`.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Returns the digest in lower-case hexadecimal, 128 characters.
    #[must_use]
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(128);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl FromStr for Sha512 {
    type Err = DigestError;

    /// Parses base64.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        decode(text.trim()).map(Self).ok_or_else(|| DigestError {
            text: text.chars().take(100).collect(),
        })
    }
}

fn decode<const N: usize>(base64: &str) -> Option<[u8; N]> {
    // Longer texts need not be decoded to know that they are wrong.
    if base64.len() > 100 {
        return None;
    }
    STANDARD.decode(base64).ok()?.try_into().ok()
}

impl fmt::Display for Sha512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base64())
    }
}

impl fmt::Debug for Sha512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha512({})", self.base64())
    }
}

/// Makes a [`Sha512`] of bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Sha512Hasher(Sha512Function);

impl Sha512Hasher {
    /// Adds a piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Sha512 {
        Sha512(self.0.finalize().into())
    }
}

/// What an upstream says of a package's hash (`PackageHash` and `PackageHashAlgorithm`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnnouncedHash {
    /// SHA-512: most galleries.
    Sha512(Sha512),
    /// SHA-256.
    Sha256([u8; 32]),
    /// Another algorithm, a text that is no digest, or nothing at all: nothing to verify with.
    Other,
}

impl AnnouncedHash {
    /// Parses the two properties. Where the algorithm is absent the hash's length tells it.
    #[must_use]
    pub fn parse(hash: Option<&str>, algorithm: Option<&str>) -> Self {
        let hash = hash.unwrap_or_default().trim();
        let algorithm: String = algorithm
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let sha512 = || decode(hash).map(|digest| Self::Sha512(Sha512(digest)));
        let sha256 = || decode(hash).map(Self::Sha256);
        let parsed = match algorithm.as_str() {
            "sha512" => sha512(),
            "sha256" => sha256(),
            "" => sha512().or_else(sha256),
            _ => None,
        };
        parsed.unwrap_or(Self::Other)
    }

    /// Returns a checker for the bytes that are about to come.
    #[must_use]
    pub fn checker(&self) -> HashChecker {
        HashChecker {
            expected: self.clone(),
            sha256: matches!(self, Self::Sha256(_)).then(Sha256::new),
            sha512: Sha512Hasher::default(),
        }
    }
}

/// Whether bytes were the announced ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// The hash is the announced one.
    Agrees,
    /// The hash is another.
    Differs,
    /// Nothing usable was announced.
    Unannounced,
}

/// Hashes bytes that come in pieces, and compares with what was announced.
#[derive(Debug, Clone)]
pub struct HashChecker {
    expected: AnnouncedHash,
    sha256: Option<Sha256>,
    sha512: Sha512Hasher,
}

impl HashChecker {
    /// Adds a piece.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        self.sha512.update(bytes);
    }

    /// Returns the SHA-512 of all pieces, and how they compare with what was announced.
    #[must_use]
    pub fn finish(self) -> (Sha512, Agreement) {
        let digest = self.sha512.finish();
        let agrees = match (&self.expected, self.sha256) {
            (AnnouncedHash::Sha512(expected), _) => Some(*expected == digest),
            (AnnouncedHash::Sha256(expected), Some(sha256)) => Some(*expected == <[u8; 32]>::from(sha256.finalize())),
            _ => None,
        };
        let agreement = match agrees {
            Some(true) => Agreement::Agrees,
            Some(false) => Agreement::Differs,
            None => Agreement::Unannounced,
        };
        (digest, agreement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ABC_512: &str = "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
    const ABC_256: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    fn agreement(hash: Option<&str>, algorithm: Option<&str>) -> Agreement {
        let mut checker = AnnouncedHash::parse(hash, algorithm).checker();
        checker.update(b"a");
        checker.update(b"bc");
        let (digest, agreement) = checker.finish();
        assert_eq!(digest.base64(), ABC_512);
        agreement
    }

    #[test]
    fn announced_hashes_are_compared_where_they_can_be() {
        for (hash, algorithm, expected) in [
            (Some(ABC_512), Some("SHA512"), Agreement::Agrees),
            (Some(ABC_512), Some("sha-512"), Agreement::Agrees),
            (Some(ABC_512), None, Agreement::Agrees),
            (Some(ABC_256), Some("SHA256"), Agreement::Agrees),
            (Some(ABC_256), Some(""), Agreement::Agrees),
            (
                Some("z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="),
                Some("SHA512"),
                Agreement::Differs,
            ),
            (
                Some("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
                Some("SHA256"),
                Agreement::Differs,
            ),
            (Some("kAFQmDzST7DWlj99KOF/cg=="), Some("MD5"), Agreement::Unannounced),
            (Some("not base64"), Some("SHA512"), Agreement::Unannounced),
            (Some(ABC_256), Some("SHA512"), Agreement::Unannounced),
            (None, Some("SHA512"), Agreement::Unannounced),
            (Some(""), None, Agreement::Unannounced),
        ] {
            assert_eq!(agreement(hash, algorithm), expected, "{hash:?} {algorithm:?}");
        }
    }

    #[test]
    fn digests_are_parsed_from_base64_alone() {
        assert_eq!(ABC_512.parse::<Sha512>().unwrap().base64(), ABC_512);
        for text in ["", ABC_256, "ddaf", &"A".repeat(10_000)] {
            assert!(text.parse::<Sha512>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn texts_of_a_digest_round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut hasher = Sha512Hasher::default();
            hasher.update(&bytes);
            let digest = hasher.finish();
            prop_assert_eq!(digest.base64().len(), 88);
            prop_assert_eq!(digest.hex().len(), 128);
            prop_assert_eq!(digest.base64().parse::<Sha512>().unwrap(), digest);
        }
    }
}
