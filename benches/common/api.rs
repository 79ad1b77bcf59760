//! The cases of `Api::handle`: status, headers, and the body as bytes.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clientstore::{Api, Builder, ClientStore, NewClient};
use http::Request;
use rusqlite::{Rows, Statement};

use super::by_hand::{self, Kind, Shape};
use super::data::{Data, INVOICED, Side, ids, sized};
use super::harness::{Cost, Outcome, is_short, pairs, time};
use super::store::{COLUMNS, names};

/// An API over the case's file with `clients` clients.
pub fn api(data: &Data, clients: usize) -> Api {
    Api::new(ClientStore::open(data.clients(clients, Side::Case)).unwrap())
}

pub fn request(path: &str) -> Request<&'static str> {
    Request::get(path).body("").unwrap()
}

/// What a program has of an answer once it has all of it.
pub fn answered(api: &Api, request: Request<&str>) -> Bytes {
    let response = api.handle(request);
    assert!(response.status() == 200 && !response.headers().is_empty());
    response.into_body().into_bytes().unwrap()
}

/// How often a list of `clients` clients is repeated, so that a measurement takes long enough.
pub fn repeats(clients: usize) -> usize {
    (20_000 / sized(clients)).max(1)
}

pub fn list(data: &Data, clients: usize) -> Outcome {
    lists(data, clients, |_| ())
}

/// Each list is the first one after a write, whose time does not count.
pub fn list_after_a_write(data: &Data, clients: usize) -> Outcome {
    lists(data, clients, |store| {
        // There and gone: the cases after this compare the same records.
        let id = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
        store.clients().delete(id).unwrap();
    })
}

fn lists(data: &Data, clients: usize, before: impl Fn(&ClientStore)) -> Outcome {
    let api = api(data, clients);
    let connection = by_hand::connect(&data.clients(clients, Side::Floor), "FULL");
    let sql = format!("SELECT {} FROM clients ORDER BY id", names(&COLUMNS[..4]));
    let mut statement = connection.prepare(&sql).unwrap();
    let shape = Shape::new("client", 2, &COLUMNS[..4]);
    let mut buffer = Vec::new();
    let ends = ("<clients>\n", "</clients>\n");
    let mut floor = |buffer: &mut Vec<u8>| {
        by_hand::list(statement.query([]).unwrap(), &shape, ends, buffer, |_| ());
    };
    floor(&mut buffer);
    assert!(answered(&api, request("/clients")) == buffer, "both write the same document");
    let times = repeats(clients);
    let pairs = pairs(
        || {
            let list = |_| {
                before(api.store());
                time(|| answered(&api, request("/clients")).len())
            };
            (0..times).map(list).sum::<Cost>()
        },
        || {
            time(|| {
                for _ in 0..times {
                    floor(&mut buffer);
                    black_box(&buffer);
                }
            })
        },
    );
    pairs.times(times)
}

/// The store is opened as the builder says; the floor's file is shared.
pub fn get(data: &Data, builder: Builder, clients: usize) -> Outcome {
    let api = Api::new(builder.open(data.clients(clients, Side::Case)).unwrap());
    let connection = by_hand::connect(&data.clients(clients, Side::Floor), "FULL");
    let sql = format!("SELECT {} FROM clients WHERE id = ?1", names(&COLUMNS[..4]));
    let mut statement = connection.prepare(&sql).unwrap();
    let shape = Shape::new("client", 0, &COLUMNS[..4]);
    let mut buffer = Vec::new();
    let ids = ids(clients);
    for id in &ids {
        by_hand::document(&mut statement, *id, &shape, &mut buffer);
        assert!(answered(&api, request(&format!("/clients/{id}"))) == buffer, "both write the same document");
    }
    let pairs = pairs(
        || gets(&api, &ids),
        || {
            time(|| {
                for id in &ids {
                    by_hand::document(&mut statement, *id, &shape, &mut buffer);
                    black_box(&buffer);
                }
            })
        },
    );
    pairs.times(ids.len())
}

/// How long it takes to get each; that the requests are made is the caller's own cost.
pub fn gets(api: &Api, ids: &[i64]) -> Cost {
    let requests: Vec<_> = ids.iter().map(|id| request(&format!("/clients/{id}"))).collect();
    time(|| requests.into_iter().map(|request| answered(api, request).len()).sum::<usize>())
}

const INVOICE: [(&str, Kind); 29] = [
    ("id", Kind::Integer),
    ("amount", Kind::Decimal),
    ("due-amount", Kind::Decimal),
    ("due-at", Kind::Date),
    ("due-at-human-format", Kind::Text),
    ("period-end", Kind::Date),
    ("period-start", Kind::Date),
    ("client-id", Kind::Integer),
    ("subject", Kind::Text),
    ("currency", Kind::Text),
    ("issued-at", Kind::Date),
    ("created-by-id", Kind::Integer),
    ("notes", Kind::Text),
    ("number", Kind::Text),
    ("purchase-order", Kind::Text),
    ("client-key", Kind::Text),
    ("state", Kind::Text),
    ("tax", Kind::Decimal),
    ("tax2", Kind::Decimal),
    ("tax-amount", Kind::Decimal),
    ("tax2-amount", Kind::Decimal),
    ("discount-amount", Kind::Decimal),
    ("discount", Kind::Decimal),
    ("recurring-invoice-id", Kind::Integer),
    ("estimate-id", Kind::Integer),
    ("retainer-id", Kind::Integer),
    ("updated-at", Kind::DateTime),
    ("created-at", Kind::DateTime),
    ("client-name", Kind::Text),
];

pub fn page_of_a_client(data: &Data) -> Outcome {
    page(
        data,
        "&status=open",
        "client_id = ?1 AND state = ?2 ORDER BY created_at DESC, id DESC LIMIT ?3 OFFSET ?4",
        |statement, client, write| write(statement.query((client, "open", 50, 0)).unwrap()),
    )
}

pub fn page_of_some_days(data: &Data) -> Outcome {
    page(
        data,
        "&from=20050101&to=20061231&status=unpaid",
        "client_id = ?1 AND issued_at >= ?2 AND issued_at <= ?3 AND state IN ('open', 'partial') \
         ORDER BY +created_at DESC, id DESC LIMIT ?4 OFFSET ?5",
        |statement, client, write| {
            write(statement.query((client, "2005-01-01", "2006-12-31", 50, 0)).unwrap());
        },
    )
}

/// What writes the rows that a query finds.
type Written<'a> = &'a mut dyn FnMut(Rows<'_>);

/// A page of each client's invoices.
fn page(data: &Data, filters: &str, conditions: &str, query: impl Fn(&mut Statement<'_>, i64, Written<'_>)) -> Outcome {
    let api = Api::new(ClientStore::open(data.invoices(Side::Case)).unwrap());
    let connection = by_hand::connect(&data.invoices(Side::Floor), "FULL");
    let columns = names(&INVOICE[..28]);
    let name = "(SELECT name FROM clients WHERE clients.id = invoices.client_id)";
    let sql = format!("SELECT {columns}, {name} FROM invoices WHERE {conditions}");
    let mut statement = connection.prepare(&sql).unwrap();
    let shape = Shape::new("invoice", 2, &INVOICE);
    let mut buffer = Vec::new();
    let ends = ("<invoices type=\"array\">\n", "</invoices>\n");
    let mut floor = |client, buffer: &mut Vec<u8>| {
        query(&mut statement, client, &mut |rows| by_hand::list(rows, &shape, ends, buffer, |_| ()));
    };
    let asked = |client| request(&format!("/invoices?client={client}{filters}"));
    for client in 1..=INVOICED {
        let ours = answered(&api, asked(client));
        floor(client, &mut buffer);
        assert!(ours == buffer, "both write the same document");
        assert_eq!(memchr::memmem::find_iter(&ours, "</invoice>").count(), 50);
    }
    let pairs = pairs(
        || {
            let requests: Vec<_> = (1..=INVOICED).map(asked).collect();
            time(|| requests.into_iter().map(|request| answered(&api, request).len()).sum::<usize>())
        },
        || {
            time(|| {
                for client in 1..=INVOICED {
                    floor(client, &mut buffer);
                    black_box(&buffer);
                }
            })
        },
    );
    pairs.times(INVOICED as usize)
}

pub fn readers_while_four_post(data: &Data) -> Outcome {
    let path = data.fresh(100_000);
    let api = Api::new(ClientStore::open(path).unwrap());
    let ids = ids(100_000);
    let pairs = pairs(|| eight_readers(&api, &ids, 4), || eight_readers(&api, &ids, 0));
    pairs.rates(1)
}

/// How long one read takes while eight threads read and others post clients.
fn eight_readers(api: &Api, ids: &[i64], posters: usize) -> Duration {
    let slice = Duration::from_millis(if is_short() { 40 } else { 250 });
    let (reads, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for reader in 0..8 {
            let (reads, stop) = (&reads, &stop);
            scope.spawn(move || {
                let mut count = 0;
                for id in ids.iter().cycle().skip(reader * 250) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    answered(api, request(&format!("/clients/{id}")));
                    count += 1;
                }
                reads.fetch_add(count, Ordering::Relaxed);
            });
        }
        for _ in 0..posters {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let body = "<client><name>Harbor Foods</name><details>1 Market St</details></client>";
                    let post = Request::post("/clients").header("Content-Type", "application/xml").body(body).unwrap();
                    assert!(api.handle(post).status() == 201);
                }
            });
        }
        std::thread::sleep(slice);
        stop.store(true, Ordering::Relaxed);
    });
    start.elapsed() / reads.load(Ordering::Relaxed).max(1) as u32
}
