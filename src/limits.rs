//! The limits of every parser, in one place: how long, how many, how deep. What is beyond them is refused with an error that
//! names the limit, or cut where that is said.
//!
//! Those that an administrator may set are in `mirror.toml` (`[limits]`); these are not for setting.

// NuGet's own texts and archives.

/// The longest id that is accepted, in characters (NuGetGallery's database limit).
pub const MAX_ID_CHARS: usize = 128;

/// The longest id in lower case and percent-encoded, in bytes: it names a folder, and file systems take 255.
pub const MAX_ID_ENCODED_BYTES: usize = 255;

/// The longest version text that is accepted, in bytes (NuGetGallery's limit).
pub const MAX_VERSION_BYTES: usize = 64;

/// The longest id that a new package may take, in characters (NuGet.Packaging, `PackageIdValidator`).
pub const MAX_NEW_ID_CHARS: usize = 100;

/// The longest id and version together, in characters (NuGetGallery's limit, as the next ones).
pub const MAX_IDENTITY_CHARS: usize = 160;

/// The longest title of a pushed package, in characters.
pub const MAX_TITLE_CHARS: usize = 256;

/// The longest name of a language of a pushed package, in characters.
pub const MAX_LANGUAGE_CHARS: usize = 20;

/// The longest other text or address of a pushed package, in characters.
pub const MAX_TEXT_CHARS: usize = 4_000;

/// The longest release notes of a pushed package, in characters.
pub const MAX_RELEASE_NOTES_CHARS: usize = 35_000;

/// The longest licence expression, or path to a licence, of a pushed package, in characters.
pub const MAX_LICENSE_CHARS: usize = 500;

/// The longest type of a repository of a pushed package, in characters.
pub const MAX_REPOSITORY_TYPE_CHARS: usize = 100;

/// The longest list of dependencies of a pushed package, as feeds print it, in characters.
pub const MAX_DEPENDENCIES_CHARS: usize = 32_767;

/// The longest range text that is accepted, in bytes (NuGetGallery's limit).
pub const MAX_RANGE_BYTES: usize = 256;

/// The longest framework name that is looked into, in bytes: portable ones name five others.
pub const MAX_FRAMEWORK_BYTES: usize = 256;

/// The most frameworks that are kept of a package; one that is made for more counts as made for all.
pub const MAX_DECLARED_FRAMEWORKS: usize = 64;

/// The most attributes of one element.
pub const MAX_NUSPEC_ATTRIBUTES: usize = 64;

/// An archive that inflates to no more than this may have any ratio: small texts deflate well.
pub const RATIO_FLOOR_BYTES: u64 = 64 << 20;

/// What a nuspec may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NuspecLimits {
    /// The longest document, in bytes.
    pub bytes: usize,
    /// The deepest nesting of elements; nuspecs need five levels.
    pub depth: usize,
    /// The most elements.
    pub elements: usize,
}

impl Default for NuspecLimits {
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            depth: 32,
            elements: 20_000,
        }
    }
}

/// What an archive may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NupkgLimits {
    /// The most entries. NuGetGallery stops where archives would need ZIP64.
    pub entries: usize,
    /// The most bytes of all entries' names together.
    pub name_bytes: usize,
    /// The most bytes that all entries together may say they inflate to.
    pub inflated_bytes: u64,
    /// How many times its own length an archive may inflate to, once that is more than [`RATIO_FLOOR_BYTES`].
    pub ratio: u64,
    /// What the nuspec may cost.
    pub nuspec: NuspecLimits,
}

impl Default for NupkgLimits {
    fn default() -> Self {
        Self {
            entries: 65_534,
            name_bytes: 16 << 20,
            inflated_bytes: 16 << 30,
            ratio: 200,
            nuspec: NuspecLimits::default(),
        }
    }
}

// Addresses, options and filters.

/// The most packages of which one `GetUpdates` asks for updates: Visual Studio sends all that a solution has.
pub const MAX_UPDATE_IDS: usize = 1_000;

/// The most target frameworks of one question.
pub const MAX_TARGET_FRAMEWORKS: usize = 64;

/// The longest path that is read, in bytes.
pub const MAX_PATH_BYTES: usize = 4 * 1024;

/// The longest query string that is read, in bytes: rocolatey asks for hundreds of ids in one filter.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;

/// The most parameters of a query string.
pub const MAX_PARAMETERS: usize = 64;

/// The most keys of an `$orderby` (NuGetGallery's limit).
pub const MAX_ORDER_KEYS: usize = 5;

/// The most operators, names, literals and calls of one expression: room for a thousand `(tolower(Id) eq 'x')` and more.
/// Parentheses and commas do not count.
pub const MAX_FILTER_NODES: usize = 6_000;

/// The most terms of a search text: PSResourceGet sends one for each command that is looked for.
pub const MAX_SEARCH_TERMS: usize = 100;

/// How much of a text counts in an order, in bytes of its lower-cased form: a next link tells where a page ended.
pub const MAX_SORT_TEXT_BYTES: usize = 256;

/// How deep operators, calls and parentheses may nest. Chains of `and` and of `or` are flat.
pub const MAX_FILTER_DEPTH: usize = 100;

/// The most ids that complete a text (NuGetGallery's number).
pub const MAX_COMPLETIONS: u64 = 30;

/// The longest text literal, in bytes.
pub const MAX_LITERAL_BYTES: usize = 8 * 1024;

/// The longest text that a function makes, in bytes. `concat` and `replace` within each other could otherwise fill the memory
/// from a short filter; a query that would make a longer one is refused.
pub const MAX_COMPUTED_BYTES: usize = 1 << 20;

/// The most steps that evaluating one query may take, a step being about a nanosecond: a comparison takes
/// [`STEPS_PER_COMPARISON`], a function [`STEPS_PER_CALL`] and what follows here for its text. Three `substringof` over the
/// descriptions of 250,000 versions take less than a twentieth of it; `replace` within `replace` over all of them would
/// take minutes. Steps are counted and no time is taken, so that no question is answered on one day and refused on another.
pub const MAX_FILTER_WORK: u64 = 2_000_000_000;

/// The most steps that evaluating a look-up is expected to take where it is done right where the request is read: a
/// thousand ids with a condition or two. What takes longer holds up nobody on a thread of its own.
pub const MAX_QUICK_WORK: u64 = 2_000_000;

/// The steps of a comparison, and of a condition that stands alone.
pub const STEPS_PER_COMPARISON: u64 = 8;

/// The steps of a function, besides those of its text.
pub const STEPS_PER_CALL: u64 = 8;

/// The steps of looking for a text that does not stand in the filter, besides one for each byte of the two.
pub const STEPS_PER_SEARCH: u64 = 32;

/// How many bytes a prepared search reads in a step.
pub const BYTES_FOUND_PER_STEP: u64 = 8;

/// The steps of making a byte of text, and of reading it again.
pub const STEPS_PER_MADE_BYTE: u64 = 4;

// Requests and answers.

/// The longest host name of DNS, and more than an address needs.
pub const MAX_HOST_BYTES: usize = 255;

/// The longest path prefix that a trusted proxy may name, in bytes.
pub const MAX_PREFIX_BYTES: usize = 1024;

/// The most that the header of one part may hold, in bytes.
pub const MAX_PART_HEADER_BYTES: usize = 16 * 1024;

/// The most that a plain form field may hold, in bytes: a longer part is taken for the package.
pub const MAX_FIELD_BYTES: usize = 4 * 1024;

/// The most that may come before, between and after the parts together, form fields and part headers counted, in bytes.
pub const MAX_SURROUNDING_BYTES: usize = 128 * 1024;

/// The longest boundary. RFC 2046 section 5.1.1 allows 70; some libraries use more.
pub const MAX_BOUNDARY_BYTES: usize = 200;

/// The most blanks between a boundary and the end of its line.
pub const MAX_PADDING_BYTES: usize = 64;

/// The longest `$batch`, in bytes. `NuGet` 2 sends one question in each, of some kilobytes.
pub const MAX_BATCH_BYTES: usize = 1 << 20;

/// The most parts of a `$batch`, as `ODataMessageQuotas` of `ODataLib` has it. A change set is one part: what is nested in it is
/// not read.
pub const MAX_BATCH_PARTS: usize = 100;

/// The most that the answers to one `$batch` may hold together, in bytes; whoever does not fit is told so in its place.
pub const MAX_BATCH_ANSWER_BYTES: usize = 16 << 20;

/// The most that an administrator's request may hold beside its address, in bytes.
pub const MAX_ADMIN_BODY_BYTES: usize = 256 << 10;

/// The longest reason phrase, in bytes: as long as NuGetGallery makes them (`HttpStatusCodeWithBodyResult`).
pub const MAX_REASON_BYTES: usize = 512;

/// The most that one warning may hold, in bytes; longer ones are cut.
pub const MAX_WARNING_BYTES: usize = 512;

/// The most warnings that one answer carries; further ones are left out.
pub const MAX_WARNINGS: usize = 8;

/// The shortest text that is compressed, in bytes: one that fits in a packet gains nothing.
pub const MIN_GZIP_BYTES: usize = 1024;

/// The longest text that is compressed where the request is answered, in bytes; a longer one goes to another thread.
pub const MAX_INLINE_GZIP_BYTES: usize = 64 * 1024;

// Files that larder reads.

/// The largest configuration file, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

// Upstreams' feeds.

/// How much of a document is read. The document's own size is limited by whoever hands over its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLimits {
    /// The deepest nesting of elements.
    pub depth: usize,
    /// The most elements of one document.
    pub elements: usize,
    /// The most entries of one page, skipped ones included.
    pub entries: usize,
    /// The longest text of one element, in bytes.
    pub text_bytes: usize,
    /// The longest start tag with all its attributes, in bytes.
    pub tag_bytes: usize,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self {
            depth: 64,
            elements: 600_000,
            entries: 10_000,
            text_bytes: 1 << 20,
            tag_bytes: 64 << 10,
        }
    }
}

/// The most addresses of one name that are tried.
pub const MAX_ADDRESSES_OF_A_NAME: usize = 16;

/// How much of an upstream's error page is read.
pub const MAX_ERROR_PAGE_BYTES: usize = 16 * 1024;
