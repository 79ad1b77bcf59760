//! Loading documents: all of one, dumped and loaded again to the same, or nothing.

use std::cell::RefCell;

use clientstore::{Client, ClientStore, Error, xml};

use crate::common::{self, Clock};
use crate::transfers::{dumped, load};

pub fn run(data: &[u8]) {
    thread_local! {
        static EMPTY: RefCell<Option<(ClientStore, String)>> = const { RefCell::new(None) };
    }
    EMPTY.with_borrow_mut(|empty| {
        let (store, before) = empty.take().unwrap_or_else(|| {
            let store = new();
            let before = dumped(&store);
            (store, before)
        });
        match load(&store, data) {
            Ok(records) => {
                assert!(xml::read_list::<Client>(data).is_ok() || !data.starts_with(b"<clients>"));
                let first = dumped(&store);
                let copy = new();
                assert!(load(&copy, &first).unwrap() >= records, "{first}");
                assert_eq!(dumped(&copy), first);
            }
            Err(Error::Load { document, source, .. }) => {
                assert_eq!(document, "the document");
                assert!(
                    !matches!(*source, Error::Corrupt { .. } | Error::Storage { .. } | Error::Load { .. }),
                    "{source}"
                );
                assert!(source.to_string().len() < 500, "{source}");
                assert_eq!(dumped(&store), before);
                *empty = Some((store, before));
            }
            Err(error) => panic!("{error:?}"),
        }
    });
}

fn new() -> ClientStore {
    common::builder(&Clock::default()).open_in_memory().unwrap()
}
