//! `csv-line-items`: the lines that are taken are given back, and taken again to the same.

use std::cell::OnceCell;

use clientstore::{ClientStore, Error, Invoice, InvoiceChanges, LineItem, NewClient, NewInvoice, Transaction, xml};

use crate::common::{self, Clock};

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;");
    let body = format!("<invoice><csv-line-items>{escaped}</csv-line-items></invoice>");
    let Ok(changes) = xml::read_changes::<Invoice>(body.as_bytes()) else { return };
    assert_eq!(changes.fields().csv_line_items(), Some(&*text));
    thread_local! {
        static STORE: OnceCell<ClientStore> = const { OnceCell::new() };
    }
    STORE.with(|store| {
        let store = store.get_or_init(|| common::builder(&Clock::default()).open_in_memory().unwrap());
        let undone = store.transaction(|tx| -> Result<(), Error> {
            taken(tx, &changes)?;
            Err(Error::NotFound { record: "invoice", id: 0 })
        });
        assert!(matches!(undone, Err(Error::NotFound { .. })), "{undone:?}");
    });
}

fn taken(tx: &Transaction<'_>, changes: &InvoiceChanges) -> Result<(), Error> {
    let client = tx.clients().create(&NewClient::named("x"))?;
    let id = tx.invoices().create(&NewInvoice::of(client))?;
    match tx.invoices().update(id, changes) {
        Ok(()) => {}
        Err(Error::Invalid { reason, .. }) => {
            assert!(reason.len() < 500, "{reason}");
            assert_eq!(tx.invoices().lines(id)?, []);
            return Ok(());
        }
        Err(error) => panic!("{error}"),
    }
    let lines = plain(tx.invoices().lines(id)?);
    let copies = lines.iter().map(|line| {
        let line = line.clone();
        clientstore::NewLineItem::of(line.description, line.quantity, line.unit_price)
            .kind(line.kind)
            .taxed(line.taxed)
            .taxed2(line.taxed2)
            .project_id(line.project_id)
    });
    let again = InvoiceChanges::new().lines(copies);
    assert!(lines.is_empty() || again.fields().csv_line_items().is_some());
    tx.invoices().update(id, &again)?;
    assert_eq!(plain(tx.invoices().lines(id)?), lines);
    Ok(())
}

/// The lines without what changes with every update.
fn plain(mut lines: Vec<LineItem>) -> Vec<LineItem> {
    lines.iter_mut().for_each(|line| line.id = 0.into());
    lines
}
