//! Objects on disk, one file each, named by the hash of all that they were made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const MAGIC: &[u8; 8] = b"weftobj1";

pub struct Entry {
    path: PathBuf,
}

impl Entry {
    pub fn new(folder: &Path, parts: &[&str]) -> Entry {
        let mut hash = Fnv::new();
        for part in parts {
            hash.add(&(part.len() as u64).to_le_bytes());
            hash.add(part.as_bytes());
        }
        Entry { path: folder.join(format!("{:032x}.o", hash.0)) }
    }

    /// The object, unless there is none or it is not what was written.
    pub fn read(&self) -> Option<Vec<u8>> {
        let bytes = fs::read(&self.path).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (sum, object) = rest.split_at_checked(16)?;
        (checksum(object).to_le_bytes() == sum).then(|| object.to_vec())
    }

    /// Readers see the whole file or none: it is renamed into place. Failure is ignored.
    pub fn write(&self, object: &[u8]) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(folder) = self.path.parent() else { return };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{}-{number}.tmp", std::process::id()));
        let mut bytes = MAGIC.to_vec();
        bytes.extend(checksum(object).to_le_bytes());
        bytes.extend(object);
        let written = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&temporary, &bytes))
            .and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
    }
}

fn checksum(bytes: &[u8]) -> u128 {
    let mut hash = Fnv::new();
    hash.add(bytes);
    hash.0
}

/// FNV-1a with 128 bits: the same in every build.
struct Fnv(u128);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u128::from(b)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_entries_are_ignored() {
        let folder = std::env::temp_dir().join(format!("weft-cache-test-{}", std::process::id()));
        let entry = Entry::new(&folder, &["a", "b"]);
        assert!(entry.read().is_none());
        entry.write(b"object");
        assert_eq!(entry.read().as_deref(), Some(&b"object"[..]));
        assert!(Entry::new(&folder, &["ab", ""]).read().is_none());
        let mut bytes = fs::read(&entry.path).expect("written");
        *bytes.last_mut().expect("not empty") ^= 1;
        fs::write(&entry.path, &bytes).expect("writable");
        assert!(entry.read().is_none());
        fs::write(&entry.path, b"weft").expect("writable");
        assert!(entry.read().is_none());
        fs::remove_dir_all(&folder).expect("removable");
    }
}
