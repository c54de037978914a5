use super::*;
use crate::nuget::corpus;
use proptest::prelude::*;
use std::io::Cursor;

const NUSPEC: &[u8] = b"<package><metadata><id>a</id><version>1.0</version></metadata></package>";

/// An archive built by hand, so that it can lie: stored entries, each field as told.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    data: Vec<u8>,
    flags: u16,
    attributes: u32,
    inflated: u32,
    /// Where the directory says the local header lies, instead of where it does.
    at: Option<u32>,
}

fn entry(name: &str, data: &[u8]) -> Entry {
    Entry {
        name: name.as_bytes().to_vec(),
        data: data.to_vec(),
        flags: 0,
        attributes: 0,
        inflated: u32::try_from(data.len()).unwrap(),
        at: None,
    }
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    })
}

fn pack(entries: &[Entry]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let start = length(&archive);
        let mut fields = Vec::new();
        fields.extend(20_u16.to_le_bytes());
        fields.extend(entry.flags.to_le_bytes());
        fields.extend([0; 6]);
        fields.extend(crc32(&entry.data).to_le_bytes());
        fields.extend(length(&entry.data).to_le_bytes());
        fields.extend(entry.inflated.to_le_bytes());
        fields.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        fields.extend([0; 2]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&fields);
        archive.extend(&entry.name);
        archive.extend(&entry.data);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&fields);
        directory.extend([0; 6]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(entry.at.unwrap_or(start).to_le_bytes());
        directory.extend(&entry.name);
    }
    let start = length(&archive);
    let count = u16::try_from(entries.len()).unwrap();
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length(&directory).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn inspect_bytes(bytes: &[u8]) -> Result<Inspected, NupkgError> {
    inspect(Cursor::new(bytes), &NupkgLimits::default())
}

fn inspect_entries(entries: &[Entry]) -> Result<Inspected, NupkgError> {
    inspect_bytes(&pack(entries))
}

fn good() -> Vec<Entry> {
    vec![
        entry("_rels/.rels", b"<x/>"),
        entry("A.NuSpec", NUSPEC),
        entry("tools/chocolateyInstall.ps1", b"exit"),
        entry("tools/inner.nuspec", b"not looked at"),
        entry("lib/", b""),
    ]
}

fn with(extra: Entry) -> Vec<Entry> {
    let mut entries = good();
    entries.push(extra);
    entries
}

#[test]
fn a_package_is_described() {
    let inspected = inspect_entries(&good()).unwrap();
    assert_eq!(inspected.nuspec.id.as_str(), "a");
    assert_eq!(
        (inspected.entries, inspected.inflated_bytes),
        (5, 4 + 4 + 13 + NUSPEC.len() as u64)
    );
    assert_eq!(inspect_entries(&[entry("a.nuspec", NUSPEC)]).unwrap().entries, 1);
}

#[test]
fn each_refusal_has_its_name() {
    let is = |entries: Vec<Entry>, is: fn(&NupkgError) -> bool| {
        let error = inspect_entries(&entries).unwrap_err();
        assert!(is(&error), "{error}: {error:?}");
    };
    is(vec![], |e| matches!(e, NupkgError::NoNuspec));
    is(vec![entry("tools/a.nuspec", NUSPEC)], |e| {
        matches!(e, NupkgError::NoNuspec)
    });
    is(with(entry("b.nuspec", NUSPEC)), |e| {
        matches!(e, NupkgError::SeveralNuspecs { .. })
    });
    is(with(entry("TOOLS/chocolateyinstall.ps1", b"")), |e| {
        matches!(e, NupkgError::DuplicateName { .. })
    });
    is(with(entry("tools%2FchocolateyInstall.ps1", b"")), |e| {
        matches!(e, NupkgError::DuplicateName { .. })
    });
    is(with(entry("_rels/.rels", b"")), |e| {
        matches!(e, NupkgError::DuplicateName { .. })
    });
    is(
        with(entry("tools/../../x", b"")),
        |e| matches!(e, NupkgError::Name { fault: NameFault::Parent, entry } if entry == "tools/../../x"),
    );
    is(with(entry("x\0", b"")), |e| {
        matches!(
            e,
            NupkgError::Name {
                fault: NameFault::Control,
                ..
            }
        )
    });
    is(
        with(Entry {
            attributes: 0o120_777 << 16,
            ..entry("link", b"/etc/passwd")
        }),
        |e| matches!(e, NupkgError::Symlink { .. }),
    );
    is(
        with(Entry {
            flags: 1,
            ..entry("secret", b"x")
        }),
        |e| matches!(e, NupkgError::Encrypted { .. }),
    );
    is(
        with(Entry {
            inflated: 90 << 20,
            ..entry("bomb", b"x")
        }),
        |e| matches!(e, NupkgError::Ratio { limit: 200 }),
    );
    is(
        vec![Entry {
            inflated: 100,
            ..entry("a.nuspec", NUSPEC)
        }],
        |e| matches!(e, NupkgError::NuspecDamaged { .. }),
    );
    is(
        vec![Entry {
            inflated: 10,
            ..entry("a.nuspec", NUSPEC)
        }],
        |e| matches!(e, NupkgError::NuspecDamaged { .. }),
    );
    is(
        vec![Entry {
            inflated: 5 << 20,
            ..entry("a.nuspec", NUSPEC)
        }],
        |e| matches!(e, NupkgError::NuspecTooLong { .. }),
    );
    is(vec![entry("a.nuspec", b"<package/>")], |e| {
        matches!(e, NupkgError::Nuspec(_))
    });
    is(
        with(Entry {
            at: Some(0),
            ..entry("twin", b"x")
        }),
        |e| matches!(e, NupkgError::Overlap),
    );
    is(
        with(Entry {
            at: Some(7),
            ..entry("astray", b"x")
        }),
        |e| matches!(e, NupkgError::Archive { .. }),
    );
    is(
        with(Entry {
            at: Some(u32::MAX - 1),
            ..entry("astray", b"x")
        }),
        |e| matches!(e, NupkgError::Archive { .. }),
    );
}

#[test]
fn damaged_archives_are_refused() {
    let archive = pack(&good());
    let at = archive.windows(4).position(|window| window == b"<pac").unwrap();
    let mut flipped = archive.clone();
    flipped[at + 40] ^= 1;
    assert!(matches!(inspect_bytes(&flipped), Err(NupkgError::NuspecDamaged { .. })));
    assert!(matches!(
        inspect_bytes(&[b"#!/bin/sh\n", archive.as_slice()].concat()),
        Err(NupkgError::Archive { .. })
    ));
    for length in 0..archive.len() {
        assert!(
            matches!(inspect_bytes(&archive[..length]), Err(NupkgError::Archive { .. })),
            "{length}"
        );
    }
    for bytes in [&b""[..], b"<html>Not found</html>", &[0; 1000]] {
        assert!(matches!(inspect_bytes(bytes), Err(NupkgError::Archive { .. })));
    }
}

#[test]
fn limits_hold() {
    let archive = pack(&good());
    let inspect_with = |change: fn(&mut NupkgLimits)| {
        let mut limits = NupkgLimits::default();
        change(&mut limits);
        inspect(Cursor::new(&archive), &limits).map(|_| ())
    };
    assert!(inspect_with(|limits| limits.entries = 5).is_ok());
    assert!(matches!(
        inspect_with(|limits| limits.entries = 4),
        Err(NupkgError::TooManyEntries { entries: 5, limit: 4 })
    ));
    assert!(matches!(
        inspect_with(|limits| limits.name_bytes = 40),
        Err(NupkgError::NamesTooLong { limit: 40 })
    ));
    assert!(matches!(
        inspect_with(|limits| limits.inflated_bytes = 80),
        Err(NupkgError::TooLarge { limit: 80 })
    ));
    assert!(matches!(
        inspect_with(|limits| limits.nuspec.bytes = 20),
        Err(NupkgError::NuspecTooLong { limit: 20 })
    ));
}

#[test]
fn a_failing_disk_is_not_a_bad_package() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(1_000)
        }
    }
    assert!(matches!(
        inspect(Failing, &NupkgLimits::default()),
        Err(NupkgError::Read(_))
    ));
}

#[test]
fn real_packages_are_inspected() {
    let Some(folder) = corpus::folder("nupkg") else { return };
    let mut refused = Vec::new();
    let mut read = 0;
    for path in corpus::files(&folder, "nupkg") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match inspect(std::fs::File::open(&path).unwrap(), &NupkgLimits::default()) {
            Err(error) => refused.push((name, error.to_string())),
            Ok(inspected) => {
                read += 1;
                // `<id>.<version>.nupkg`, but for the two whose names say something else.
                let stem = format!("{}.{}", inspected.nuspec.id, inspected.nuspec.version);
                let is_named_so = name.to_lowercase().starts_with(&stem.to_lowercase());
                assert!(
                    is_named_so || name == "UntrustedTimestampPackage.nupkg",
                    "{name} {stem}"
                );
            }
        }
    }
    let reason = "the package is not a readable zip archive (Invalid EOCD64 Locator CD offset): it was cut short, or is no nupkg";
    assert_eq!(
        refused,
        [("Zip64Package.Corrupted.1.0.0.nupkg".to_owned(), reason.to_owned())]
    );
    assert!(read >= 26, "{read}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn never_panics(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in any::<prop::sample::Index>()) {
        let mut archive = pack(&good());
        // Flips are aimed at the directory and the end record, where the lies that matter are.
        let directory = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        for (index, byte) in flips {
            let at = directory + index.index(archive.len() - directory);
            archive[at] = byte;
        }
        let _ = inspect_bytes(&archive);
        let cut = cut.index(archive.len());
        let _ = inspect_bytes(&archive[cut..]);
    }
}
