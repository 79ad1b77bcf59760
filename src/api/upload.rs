//! Forms with a file, read as they come. The file goes to a temporary one beside the store's, so that nothing long is held
//! in memory, and no write waits for a program that sends slowly: the copy into the store begins once all has come.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;

use super::route::{self, Route};
use super::{Api, choose, encoding};
use crate::error::Result;
use crate::format::{Contents, FilePart, Piece, Reader, Spooled, spool};

/// How much of such a body is kept as it came, in bytes: for the format of the answer, and for who records requests. It is
/// one block of memory of always the same length, so that many of them leave no holes.
const BEGINNING: usize = 16 * 1024;

/// The body of a request that is read as it comes.
pub(crate) struct Upload {
    /// What is wrong with the form is told once all of it has come.
    form: Result<Form>,
    beginning: Vec<u8>,
    length: usize,
}

struct Form {
    reader: Reader,
    file: Arc<File>,
    length: usize,
}

impl Upload {
    /// Begins to read the body of a call that takes a file. None where the body has to be held: because it is encoded, or
    /// because there is no place for a temporary file, as with a store in memory.
    pub(crate) fn begin(api: &Api, head: &Parts) -> Option<Self> {
        let Route::Found(target) = route::find(&head.method, head.uri.path()) else { return None };
        let part = target.endpoint.file_part?;
        if !matches!(encoding::coding(&head.headers), Ok(None)) {
            return None;
        }
        let folder = api.store().path()?.parent()?;
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // It has no name, only its owner may read it, and it is gone with the process.
        let file = Arc::new(tempfile::tempfile_in(folder).ok()?);
        let reader = Reader::new(&choose::content_type(&head.headers), part);
        let form = reader.map(|reader| Form { reader, file, length: 0 });
        Some(Upload { form, beginning: Vec::with_capacity(BEGINNING), length: 0 })
    }

    /// Takes in the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let kept = bytes.len().min(BEGINNING - self.beginning.len());
        self.beginning.extend_from_slice(&bytes[..kept]);
        if let Ok(form) = &mut self.form
            && let Err(error) = form.take(bytes)
        {
            self.form = Err(error);
        }
    }

    /// The body's beginning, its whole length in bytes, and the form.
    pub(crate) fn end(self) -> (Bytes, usize, Spooled) {
        let found = self.form.and_then(Form::end);
        (self.beginning.into(), self.length, Spooled(Arc::new(found)))
    }
}

impl Form {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        let Form { reader, file, length } = self;
        reader.read(bytes, &mut |piece| keep(file, length, piece))
    }

    fn end(self) -> Result<Option<(FilePart, Contents)>> {
        let Form { reader, file, mut length } = self;
        let found = reader.finish(&mut |piece| keep(&file, &mut length, piece))?;
        Ok(found.map(|part| (part, Contents::Spooled(file, length))))
    }
}

/// Writes what comes of the file; of several the last one counts.
fn keep(mut file: &File, length: &mut usize, piece: Piece<'_>) -> Result<()> {
    match piece {
        Piece::Begins => {
            *length = 0;
            file.set_len(0).and_then(|()| file.rewind()).map_err(spool)
        }
        Piece::Bytes(bytes) => {
            *length += bytes.len();
            file.write_all(bytes).map_err(spool)
        }
    }
}
