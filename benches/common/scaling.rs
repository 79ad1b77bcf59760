//! What a list and a get cost as the file grows: beside themselves at 1,000 clients.

use super::api::{answered, api, gets, request};
use super::data::{Data, ids};
use super::harness::{Outcome, pairs, time};

const FEW: usize = 1_000;

/// One long list beside as many short ones as have the same clients; the note tells the cost of one
/// client.
pub fn list(data: &Data, clients: usize) -> Outcome {
    let (long, short) = (api(data, clients), api(data, FEW));
    let lists = |api, times| time(|| (0..times).map(|_| answered(api, request("/clients")).len()).sum::<usize>());
    pairs(|| lists(&long, 1), || lists(&short, clients / FEW)).times(clients)
}

pub fn get(data: &Data, clients: usize) -> Outcome {
    let (many, few) = (api(data, clients), api(data, FEW));
    let (of_many, of_few) = (ids(clients), ids(FEW));
    pairs(|| gets(&many, &of_many), || gets(&few, &of_few)).times(of_many.len())
}
