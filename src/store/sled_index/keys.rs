//! The keys of the index, as the module above lists them.

use crate::catalog::SourceName;
use crate::nuget::{NuGetVersion, PackageId};
use crate::store::index::{IndexError, Seq};

pub(super) const RECORD: u8 = b'r';
pub(super) const ROW: u8 = b'w';
pub(super) const ROW_TEXT: u8 = b't';
pub(super) const RECORD_TEXT: u8 = b'u';
pub(super) const ID: u8 = b'i';
pub(super) const SEQ: u8 = b's';
pub(super) const NOTE: u8 = b'n';
pub(super) const COMPLETE: &[u8] = b"mcomplete";

pub(super) fn id_prefix(source: &SourceName, id: &PackageId) -> Vec<u8> {
    [source.as_str().as_bytes(), &[0], id.lower().as_bytes()].concat()
}

pub(super) fn keyed(kind: u8, id_prefix: &[u8], rest: &[u8]) -> Vec<u8> {
    if kind == ID {
        [&[kind], id_prefix].concat()
    } else {
        [&[kind], id_prefix, &[0], rest].concat()
    }
}

pub(super) fn record_key(kind: u8, id_prefix: &[u8], version: &NuGetVersion) -> Vec<u8> {
    keyed(kind, id_prefix, version.key().as_bytes())
}

pub(super) fn seq_key(seq: Seq) -> Vec<u8> {
    [&[SEQ][..], &seq.to_be_bytes()].concat()
}

pub(super) fn read_seq(bytes: &[u8]) -> Option<Seq> {
    bytes.try_into().ok().map(Seq::from_be_bytes)
}

pub(super) fn read_id_prefix(id_prefix: &[u8]) -> Result<(SourceName, PackageId), IndexError> {
    let text = std::str::from_utf8(id_prefix).map_err(|_| IndexError::DamagedKey)?;
    let (source, id) = text.split_once('\0').ok_or(IndexError::DamagedKey)?;
    match (source.parse(), id.parse()) {
        (Ok(source), Ok(id)) => Ok((source, id)),
        _ => Err(IndexError::DamagedKey),
    }
}

/// Splits a record's key into its source and its id's prefix.
pub(super) fn split_record_key(key: &[u8]) -> Result<(SourceName, Vec<u8>), IndexError> {
    let end = memchr::memrchr(0, key).ok_or(IndexError::DamagedKey)?;
    let id_prefix = key.get(1..end).ok_or(IndexError::DamagedKey)?;
    let (source, _) = read_id_prefix(id_prefix)?;
    Ok((source, id_prefix.to_vec()))
}

pub(super) fn note_key(subject: &str) -> Vec<u8> {
    [&[NOTE], subject.as_bytes()].concat()
}

pub(super) fn note_subject(key: &[u8]) -> Result<String, IndexError> {
    let subject = key.get(1..).map(<[u8]>::to_vec).map(String::from_utf8);
    subject.and_then(Result::ok).ok_or(IndexError::DamagedKey)
}
