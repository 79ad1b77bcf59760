//! The methods that SQLite calls.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::Once;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use crate::disk::Change;
use crate::{Call, Open, State, state};

/// The system's, for a file that is open.
type Methods = &'static sqlite3_io_methods;

/// What SQLite's own VFS syncs the directory for, at the first sync of a file that it opened so.
const SYNCS_DIRECTORY: c_int = ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;

impl State {
    fn methods(&self, file: *mut sqlite3_file) -> Methods {
        let methods = self.open[&(file as usize)].methods;
        // SAFETY: it came from the system's VFS, whose tables of methods are constants.
        unsafe { &*(methods as *const sqlite3_io_methods) }
    }

    /// Remembers a change to a file that is not synced.
    fn changes(&mut self, file: *mut sqlite3_file, change: Change) {
        let methods = self.methods(file);
        if let Some(path) = &self.open[&(file as usize)].path {
            // SAFETY: the file is open, and these are its methods.
            self.disk.changes(path, change, || unsafe { content(file, methods) });
        }
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

/// The path of a file that SQLite names.
unsafe fn path(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: the caller's.
    (!name.is_null()).then(|| Path::new(unsafe { CStr::from_ptr(name) }.to_str().unwrap()).to_owned())
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
        let path = path(name);
        let is_new = path.as_ref().filter(|path| !path.exists());
        let opened = system().xOpen.unwrap()(vfs, name, file, flags, out);
        if opened == ffi::SQLITE_OK {
            if let Some(path) = is_new {
                state().disk.made(path);
            }
            let system = (*file).pMethods;
            let mut ours = *system;
            ours.xClose = Some(close);
            ours.xRead = Some(read);
            ours.xWrite = Some(write);
            ours.xTruncate = Some(truncate);
            ours.xSync = Some(sync);
            (*file).pMethods = Box::leak(Box::new(ours));
            let syncs_directory = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & SYNCS_DIRECTORY != 0;
            state().open.insert(file as usize, Open { methods: system as usize, path, syncs_directory });
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
        let path = path(name).unwrap();
        let content = std::fs::read(&path);
        let deleted = system().xDelete.unwrap()(vfs, name, sync);
        if let (ffi::SQLITE_OK, Ok(content)) = (deleted, content) {
            state.disk.deleted(&path, content);
            if sync != 0 {
                state.disk.synced_directory_of(&path);
            }
        }
        deleted
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

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    let mut state = state();
    if let Some(error) = state.verdict(Call::Sync) {
        return error;
    }
    // The machine's own disk is not waited for: nobody pulls its plug.
    let State { open, disk, .. } = &mut *state;
    if let Some(Open { path: Some(path), syncs_directory, .. }) = open.get_mut(&(file as usize)) {
        disk.synced(path);
        if std::mem::take(syncs_directory) {
            disk.synced_directory_of(path);
        }
    }
    ffi::SQLITE_OK
}
