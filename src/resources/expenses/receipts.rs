//! Receipts: files that are kept with expenses (`docs/spec/time.md`, "Receipts").

use bytes::Bytes;

use super::rules::IS_OPEN_TO_OTHERS;
use super::{EXPENSES, Expense, ExpenseId};
use crate::error::{Error, Result};
use crate::format::Contents;
use crate::resources::{Answer, Call, Plan};
use crate::store::{Action, Files, NewFile, Records, is_media_type};

/// The longest receipt, in bytes: 10 MiB.
const LONGEST: usize = 10 * 1024 * 1024;
/// The longest body that brings one, in bytes: what stands around it in a form in parts is short.
pub(super) const LONGEST_BODY: usize = LONGEST + 64 * 1024;

pub(super) static FILES: Files = Files {
    table: "receipts",
    owner: "expense_id",
    called: "receipt",
    longest: LONGEST,
    dumped: ["receipt_name", "receipt_type", "receipt_base64"],
    action: &KEEP,
};

/// What keeping a receipt is to the expense itself: a write that sets nothing.
static KEEP: Action = Action { name: "keep", sets: &[], rules: &[IS_OPEN_TO_OTHERS] };

/// The part of a form that has the receipt.
pub(super) const PART: &str = "expense[receipt]";
/// How many of a file's first bytes tell its type.
const TELLING: usize = 16;
/// What nobody knows more about.
const UNKNOWN: &str = "application/octet-stream";

/// A receipt: a file that is kept with an expense.
///
/// ```
/// use clientstore::Receipt;
///
/// let receipt = Receipt::new("lunch.png", &b"\x89PNG\r\n\x1a\n..."[..]);
/// assert_eq!(receipt.content_type, "image/png");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The file's name, of 1 to 255 characters.
    pub name: String,
    /// Its media type, like `image/png`.
    pub content_type: String,
    /// Its bytes, 1 to 10 MiB.
    pub bytes: Bytes,
}

impl Receipt {
    /// A receipt, with the media type that its first bytes or else its name tell.
    pub fn new(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let (name, bytes) = (name.into(), bytes.into());
        let content_type = guess(&name, &bytes).to_owned();
        Receipt { name, content_type, bytes }
    }
}

impl Records<'_, Expense> {
    /// Keeps a receipt with an expense, in the place of the one it had.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the receipt is empty or longer than 10 MiB, has no name or no media type;
    /// [`Error::NotFound`], [`Error::Busy`] and [`Error::Storage`].
    pub fn keep_receipt(&self, id: impl Into<ExpenseId>, receipt: &Receipt) -> Result<()> {
        let Receipt { name, content_type, bytes } = receipt.clone();
        self.keep(id, NewFile { name, content_type, bytes: Contents::Held(bytes) })
    }

    /// The receipt of an expense.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where it has none, [`Error::Storage`].
    pub fn receipt(&self, id: impl Into<ExpenseId>) -> Result<Receipt> {
        let id = id.into().into();
        self.read(|connection| {
            let kept = FILES.find(connection, id)?;
            let bytes = kept.read_at(connection, 0, kept.length)?;
            Ok(Receipt { name: kept.name, content_type: kept.content_type, bytes })
        })
    }
}

/// `GET /expenses/{id}/receipt`
pub(super) fn show(call: &Call<'_>) -> Result<Plan> {
    let id = call.record_id()?;
    call.store.must_exist(&EXPENSES, id, call.reach)?;
    Ok(Plan::File(&FILES, id))
}

/// `POST /expenses/{id}/receipt`
pub(super) fn keep(call: &Call<'_>) -> Result<Plan> {
    let id = call.record_id()?;
    call.store.must_exist(&EXPENSES, id, call.reach)?;
    let Some((part, bytes)) = call.body.file(PART)? else {
        return Err(Error::invalid("receipt", "is required; send it in the part expense[receipt], with a file name"));
    };
    let content_type = match part.content_type.filter(|told| is_media_type(told) && told != UNKNOWN) {
        Some(told) => told,
        None => guess(&part.file_name, &bytes.beginning(TELLING)?).to_owned(),
    };
    let file = NewFile { name: part.file_name, content_type, bytes };
    let command = call.store.keeping(&EXPENSES, id, file);
    Ok(Plan::Write {
        command: Box::new(command),
        answer: Answer::Changed { location: format!("/expenses/{id}/receipt") },
    })
}

/// The media type that a file's first bytes tell, or else its name.
fn guess(name: &str, bytes: &[u8]) -> &'static str {
    const BEGINNINGS: [(&[u8], &str); 7] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xFF\xD8\xFF", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
    ];
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)) {
        return kind;
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        _ => UNKNOWN,
    }
}
