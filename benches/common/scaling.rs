//! What a list and a get cost as the file grows: beside themselves at 1,000 clients.

use clientstore::{ClientFilter, ClientStore, Dialect};

use super::api::{api, gets};
use super::data::{Data, Side, ids, sized};
use super::harness::{Outcome, pairs, time};

const FEW: usize = 1_000;

/// One long list beside as many short ones as have the same clients, written by the store, since an
/// `Api` keeps lists; the note tells the cost of one client.
pub fn list(data: &Data, clients: usize) -> Outcome {
    let clients = sized(clients);
    let open = |clients| ClientStore::open(data.clients(clients, Side::Case)).unwrap();
    let (long, short) = (open(clients), open(FEW));
    let written = |store: &ClientStore| {
        store.clients().write_list(&ClientFilter::default(), Dialect::Documented, &mut std::io::sink()).unwrap();
    };
    let lists = |store, times| time(|| (0..times).for_each(|_| written(store)));
    pairs(|| lists(&long, 1), || lists(&short, clients / FEW)).times(clients)
}

pub fn get(data: &Data, clients: usize) -> Outcome {
    let (many, few) = (api(data, clients), api(data, FEW));
    let (of_many, of_few) = (ids(clients), ids(FEW));
    pairs(|| gets(&many, &of_many), || gets(&few, &of_few)).times(of_many.len())
}
