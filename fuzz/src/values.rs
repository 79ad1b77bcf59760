//! Dates, datetimes, decimals, integers, due dates and numbers out of any text.

use std::cell::OnceCell;

use clientstore::{
    ClientStore, Dialect, Error, Invoice, NewClient, NewInvoice, NewItemCategory, Payment, Project, Record, xml,
};
use rust_decimal::Decimal;

use crate::common::{self, Clock};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for element in ["hourly-rate", "starts-on", "created-at", "client-id", "billable"] {
        let read = canonical::<Project>(element, &escaped);
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
        if let (Some(read), "hourly-rate") = (read, element)
            && !read.is_empty()
        {
            let (read, sent) = (read.parse::<Decimal>().unwrap(), trimmed.parse::<Decimal>());
            assert!(sent.is_ok_and(|sent| sent == read), "{trimmed} was read as {read}");
        }
    }
    canonical::<Payment>("amount", &escaped);
    canonical::<Payment>("paid-at", &escaped);
    invoices(text);
}

/// The canonical text of what was read; read again, it is the same.
fn canonical<R: Record>(element: &str, text: &str) -> Option<String> {
    let root = if element == "amount" || element == "paid-at" { "payment" } else { "project" };
    let fields = xml::read::<R>(format!("<{root}><{element}>{text}</{element}></{root}>").as_bytes()).ok()?;
    let written = xml::write_fields(&fields, Dialect::Documented).unwrap();
    assert!(xml::read::<R>(&written).unwrap() == fields, "{}", common::text(&written));
    let (_, value) = common::text(&written).split_once(&format!("<{element}"))?;
    let (_, value) = value.split_once('>')?;
    Some(value.split_once('<')?.0.to_owned())
}

/// Texts that an invoice makes something of: the due date's, the number that the next one counts on
/// from, a currency.
fn invoices(text: &str) {
    thread_local! {
        static STORE: OnceCell<ClientStore> = const { OnceCell::new() };
    }
    STORE.with(|store| {
        let store = store.get_or_init(|| common::builder(&Clock::default()).open_in_memory().unwrap());
        let undone = store.transaction(|tx| -> Result<(), Error> {
            fn named<I>(text: &str, result: Result<I, Error>) -> Option<I> {
                match result {
                    Ok(id) => Some(id),
                    Err(Error::Invalid { .. }) => None,
                    Err(error) => panic!("{text:?}: {error}"),
                }
            }
            named(text, tx.clients().create(&NewClient::named(text).currency(text)));
            named(text, tx.item_categories().create(&NewItemCategory::named(text)));
            let client = tx.clients().create(&NewClient::named("x"))?;
            let given = [
                NewInvoice::of(client).due_at_human_format(text),
                NewInvoice::of(client).number(text),
                NewInvoice::of(client).currency(text),
                NewInvoice::of(client).subject(text).notes(text),
            ];
            for new in given {
                let Some(id) = named(text, tx.invoices().create(&new)) else { continue };
                let invoice = tx.invoices().get(id)?;
                let written = xml::write(&invoice, Dialect::Live)?;
                assert!(xml::read::<Invoice>(&written)?.complete()? == invoice, "{}", common::text(&written));
                tx.invoices().create(&NewInvoice::of(client))?;
            }
            Err(Error::NotFound { record: "client", id: 0 })
        });
        assert!(matches!(undone, Err(Error::NotFound { .. })), "{undone:?}");
    });
}
