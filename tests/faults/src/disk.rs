//! What of the files has reached the disk.
//!
//! Bytes last from a file's sync on. That a file was made or deleted lasts once its directory was synced, which SQLite
//! does at the first sync of a journal or a log that it may have made, and at a deletion that is told to. Until then a
//! loss of power may leave any of the states that the name has had since.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What is written at once or not at all.
const SECTOR: usize = 512;

#[derive(Default)]
pub struct Disk {
    /// What was written to each path and not synced yet.
    unsynced: HashMap<PathBuf, Unsynced>,
    /// What was done to each name since its directory was synced.
    entries: HashMap<PathBuf, Vec<Entry>>,
}

pub struct Unsynced {
    /// The content when it was synced last.
    synced: Vec<u8>,
    changes: Vec<Change>,
}

pub enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

enum Entry {
    Made,
    /// With what may come back.
    Deleted(Unsynced),
}

/// Says of each thing whether it stays.
struct Chance {
    seed: u64,
    random: u64,
}

impl Chance {
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn stays(&mut self) -> bool {
        self.up_to(1) == 1
    }

    fn up_to(&mut self, most: usize) -> usize {
        let drawn = self.draw() % (most as u64 + 1);
        match self.seed {
            0 => 0,
            1 => most,
            _ => drawn as usize,
        }
    }
}

impl Unsynced {
    /// What is left of it.
    fn left(self, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.synced;
        for change in self.changes {
            match change {
                Change::Truncate { size } if chance.stays() => content.truncate(size),
                Change::Truncate { .. } => {}
                Change::Write { mut at, bytes } => {
                    let mut rest = &bytes[..];
                    while !rest.is_empty() {
                        let (sector, more) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                        if chance.stays() {
                            content.resize(content.len().max(at + sector.len()), 0);
                            content[at..at + sector.len()].copy_from_slice(sector);
                        }
                        (at, rest) = (at + sector.len(), more);
                    }
                }
            }
        }
        content
    }
}

impl Disk {
    /// A file is about to change; `content` tells what it holds.
    pub fn changes(&mut self, path: &Path, change: Change, content: impl FnOnce() -> Vec<u8>) {
        let unsynced = self.unsynced.entry(path.to_owned());
        unsynced.or_insert_with(|| Unsynced { synced: content(), changes: Vec::new() }).changes.push(change);
    }

    pub fn synced(&mut self, path: &Path) {
        self.unsynced.remove(path);
    }

    pub fn made(&mut self, path: &Path) {
        self.entries.entry(path.to_owned()).or_default().push(Entry::Made);
    }

    /// A file is gone that held this.
    pub fn deleted(&mut self, path: &Path, content: Vec<u8>) {
        let held = self.unsynced.remove(path).unwrap_or(Unsynced { synced: content, changes: Vec::new() });
        self.entries.entry(path.to_owned()).or_default().push(Entry::Deleted(held));
    }

    /// The directory of a file was synced, and every name in it lasts.
    pub fn synced_directory_of(&mut self, path: &Path) {
        self.entries.retain(|other, _| other.parent() != path.parent());
    }

    /// Leaves on the disk what a loss of power does. Who has the files open loses its locks on them, as it loses its power.
    pub fn lose(self, seed: u64) {
        let mut chance = Chance { seed, random: seed };
        let Disk { unsynced, entries } = self;
        let mut unsynced: Vec<_> = unsynced.into_iter().collect();
        unsynced.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, held) in unsynced {
            let left = held.left(&mut chance);
            if path.exists() {
                fs::write(&path, left).unwrap();
            }
        }
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, mut done) in entries {
            let stay = chance.up_to(done.len());
            if stay < done.len() {
                // As the first that is lost has found it.
                match done.swap_remove(stay) {
                    Entry::Made => drop(fs::remove_file(&path)),
                    Entry::Deleted(held) => fs::write(&path, held.left(&mut chance)).unwrap(),
                }
            }
        }
    }
}
