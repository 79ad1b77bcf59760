//! A VFS for SQLite that fails where it is told to, and forgets what was not synced.
//!
//! It stands in for the system's own for every connection of the process, and passes all else through, locks and
//! shared memory included. A file's existence is taken to last at once, with its deletion; its bytes are not.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

/// What is written at once or not at all.
const SECTOR: usize = 512;

/// A call that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Read,
    Write,
    Sync,
    Truncate,
}

/// What is to go wrong.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The n-th of the calls fails; with `for_good`, all after it as well.
    Error { call: Call, for_good: bool },
    /// The n-th write finds the disk full; with `for_good`, all after it as well.
    Full { for_good: bool },
    /// At the n-th write, sync or truncate the power goes: see [`lose_power`].
    PowerLoss { seed: u64 },
}

#[derive(Default)]
struct State {
    armed: Option<(Fault, u64)>,
    count: u64,
    fired: bool,
    is_off: bool,
    /// The open files: the system's methods, and the path.
    open: HashMap<usize, (usize, Option<PathBuf>)>,
    /// What was written to each path and not synced yet.
    unsynced: HashMap<PathBuf, Unsynced>,
}

/// The system's, for a file that is open.
type Methods = &'static sqlite3_io_methods;

struct Unsynced {
    /// The content when it was synced last.
    synced: Vec<u8>,
    changes: Vec<Change>,
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the n-th call from now on go wrong; n counts from 1.
pub fn arm(fault: Fault, n: u64) {
    let mut state = state();
    (state.armed, state.count, state.fired) = (Some((fault, n)), 0, false);
}

/// Lets all calls work again; whether the fault has come.
pub fn disarm() -> bool {
    let mut state = state();
    state.armed = None;
    std::mem::take(&mut state.fired)
}

/// The power goes: of what was not synced, each sector is lost or stays, as the seed decides; with 0 all is lost.
/// Until [`power_on`], every call fails.
pub fn lose_power(seed: u64) {
    state().lose_power(seed);
}

/// To be called once every connection was closed.
pub fn power_on() {
    let mut state = state();
    assert!(state.open.is_empty(), "{} files are open", state.open.len());
    *state = State::default();
}

impl State {
    /// What a call answers with instead of being made.
    fn verdict(&mut self, call: Call) -> Option<c_int> {
        if self.is_off {
            return Some(error(call));
        }
        let (fault, n) = self.armed?;
        let (fits, for_good) = match fault {
            Fault::Error { call: failing, for_good } => (failing == call, for_good),
            Fault::Full { for_good } => (call == Call::Write, for_good),
            Fault::PowerLoss { .. } => (call != Call::Read, false),
        };
        self.count += u64::from(fits);
        if !fits || self.count < n || self.count > n && !for_good {
            return None;
        }
        self.fired = true;
        match fault {
            Fault::PowerLoss { seed } => self.lose_power(seed),
            Fault::Full { .. } => return Some(ffi::SQLITE_FULL),
            Fault::Error { .. } => {}
        }
        Some(error(call))
    }

    fn lose_power(&mut self, seed: u64) {
        self.is_off = true;
        let mut random = seed;
        let mut stays = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed != 0 && random >> 63 == 1
        };
        let mut unsynced: Vec<_> = self.unsynced.drain().collect();
        unsynced.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, Unsynced { synced: mut content, changes }) in unsynced {
            for change in changes {
                match change {
                    Change::Truncate { size } if stays() => content.truncate(size),
                    Change::Truncate { .. } => {}
                    Change::Write { mut at, bytes } => {
                        let mut rest = &bytes[..];
                        while !rest.is_empty() {
                            let (sector, more) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                            if stays() {
                                content.resize(content.len().max(at + sector.len()), 0);
                                content[at..at + sector.len()].copy_from_slice(sector);
                            }
                            (at, rest) = (at + sector.len(), more);
                        }
                    }
                }
            }
            // That drops the locks of this process on it, which has lost its power.
            if path.exists() {
                std::fs::write(&path, content).unwrap();
            }
        }
    }

    fn methods(&self, file: *mut sqlite3_file) -> Methods {
        let (methods, _) = self.open[&(file as usize)];
        // SAFETY: it came from the system's VFS, whose tables of methods are constants.
        unsafe { &*(methods as *const sqlite3_io_methods) }
    }

    /// Remembers a change to a file that is not synced.
    fn changes(&mut self, file: *mut sqlite3_file, change: Change) {
        let methods = self.methods(file);
        if let (_, Some(path)) = &self.open[&(file as usize)] {
            let path = path.clone();
            let unsynced = self.unsynced.entry(path).or_insert_with(|| {
                // SAFETY: the file is open, and these are its methods.
                Unsynced { synced: unsafe { content(file, methods) }, changes: Vec::new() }
            });
            unsynced.changes.push(change);
        }
    }
}

fn error(call: Call) -> c_int {
    match call {
        Call::Read => ffi::SQLITE_IOERR_READ,
        Call::Write => ffi::SQLITE_IOERR_WRITE,
        Call::Sync => ffi::SQLITE_IOERR_FSYNC,
        Call::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
    }
}

unsafe fn content(file: *mut sqlite3_file, methods: Methods) -> Vec<u8> {
    let mut size = 0;
    // SAFETY: the caller's; the buffer is as long as is said.
    unsafe {
        assert_eq!(methods.xFileSize.unwrap()(file, &mut size), ffi::SQLITE_OK);
        let mut content = vec![0; size as usize];
        if !content.is_empty() {
            assert_eq!(methods.xRead.unwrap()(file, content.as_mut_ptr().cast(), size as c_int, 0), ffi::SQLITE_OK);
        }
        content
    }
}

/// Puts it in the place of the system's VFS, once for the process.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: SQLite gives its default VFS, which lives as long as the process, as the copy does.
        unsafe {
            ffi::sqlite3_initialize();
            let system = ffi::sqlite3_vfs_find(std::ptr::null());
            let mut ours = *system;
            ours.pNext = std::ptr::null_mut();
            ours.zName = c"faults".as_ptr();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), ffi::SQLITE_OK);
        }
    });
}

fn system() -> &'static sqlite3_vfs {
    // SAFETY: the name of the VFS that SQLite has on this system; it lives as long as the process.
    unsafe { &*ffi::sqlite3_vfs_find(c"unix".as_ptr()) }
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite's arguments, passed on; the copy of the VFS has all that the system's methods look at.
    unsafe {
        let opened = system().xOpen.unwrap()(vfs, name, file, flags, out);
        if opened == ffi::SQLITE_OK {
            let path = (!name.is_null()).then(|| PathBuf::from(CStr::from_ptr(name).to_str().unwrap()));
            let system = (*file).pMethods;
            let mut ours = *system;
            ours.xClose = Some(close);
            ours.xRead = Some(read);
            ours.xWrite = Some(write);
            ours.xTruncate = Some(truncate);
            ours.xSync = Some(sync);
            (*file).pMethods = Box::leak(Box::new(ours));
            state().open.insert(file as usize, (system as usize, path));
        }
        opened
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let mut state = state();
    if state.is_off {
        return ffi::SQLITE_IOERR_DELETE;
    }
    // SAFETY: SQLite's arguments, passed on.
    unsafe {
        state.unsynced.remove(&PathBuf::from(CStr::from_ptr(name).to_str().unwrap()));
        system().xDelete.unwrap()(vfs, name, sync)
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let mut state = state();
    let methods = state.methods(file);
    state.open.remove(&(file as usize));
    // SAFETY: SQLite's argument, passed on.
    unsafe { methods.xClose.unwrap()(file) }
}

unsafe extern "C" fn read(file: *mut sqlite3_file, buffer: *mut c_void, count: c_int, at: i64) -> c_int {
    let mut state = state();
    match state.verdict(Call::Read) {
        Some(error) => error,
        // SAFETY: SQLite's arguments, passed on.
        None => unsafe { state.methods(file).xRead.unwrap()(file, buffer, count, at) },
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, buffer: *const c_void, count: c_int, at: i64) -> c_int {
    let mut state = state();
    if let Some(error) = state.verdict(Call::Write) {
        return error;
    }
    // SAFETY: SQLite's buffer has as many bytes as it says.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), count as usize) }.to_vec();
    state.changes(file, Change::Write { at: at as usize, bytes });
    // SAFETY: SQLite's arguments, passed on.
    unsafe { state.methods(file).xWrite.unwrap()(file, buffer, count, at) }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    let mut state = state();
    if let Some(error) = state.verdict(Call::Truncate) {
        return error;
    }
    state.changes(file, Change::Truncate { size: size as usize });
    // SAFETY: SQLite's arguments, passed on.
    unsafe { state.methods(file).xTruncate.unwrap()(file, size) }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let mut state = state();
    if let Some(error) = state.verdict(Call::Sync) {
        return error;
    }
    if let (_, Some(path)) = &state.open[&(file as usize)] {
        let path = path.clone();
        state.unsynced.remove(&path);
    }
    // SAFETY: SQLite's arguments, passed on.
    unsafe { state.methods(file).xSync.unwrap()(file, flags) }
}
