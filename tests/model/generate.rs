//! Operations by chance, aimed at what the model holds: mostly valid ones, and every way to be wrong.

use crate::bodies::{Purpose, assigning, body, document};
use crate::common::Random;
use crate::json_bodies::{ACCEPTED, Form};
use crate::op::{Body, Call, Listed, Op, Target};
use crate::schema::Resource::{
    self, Categories, Clients, Contacts, ExpenseCategories, Invoices, Messages, Payments, People, Projects,
    TaskAssignments, Tasks, UserAssignments,
};
use crate::state::Model;

const NOWHERE: [&str; 9] = [
    "/",
    "/client",
    "/clients/abc",
    "/clients/-1",
    "/clients/1/2",
    "/clients/99999999999999999999",
    "/clients/1.txt",
    "/invoices/1/messages/mark_as_lost/now",
    "/account",
];

const MARKS: [&str; 6] =
    ["mark_as_sent", "mark_as_sent", "mark_as_draft", "mark_as_closed", "mark_as_closed", "re_open"];

const MOMENTS: [&str; 9] = [
    "2011-03-31 10:00",
    "2011-04-01 6:30",
    "2011-03-31 18:30:00 UTC",
    "2011-04-02 18:30:00 +0000",
    "2011-04-01T12:00:00Z",
    "2112-12-31",
    "20110401",
    "yesterday",
    "2011-02-30",
];

pub fn operation(random: &mut Random, model: &Model) -> Op {
    match random.below(1000) {
        0..40 => Op::Forward(1 + random.below(100_000) as i64),
        40..43 => Op::Reopen,
        43 => Op::Move { json: random.percent(50) },
        44..47 => {
            let list = (0..1 + random.below(3)).map(|_| listed(random, model)).collect();
            Op::Load { list, json: random.percent(50) }
        }
        _ => Op::Call(Box::new(call(random, model))),
    }
}

/// An invoice of a list: nothing, a part or all of it is paid.
fn listed(random: &mut Random, model: &Model) -> Listed {
    let amount = (1 + random.below(50_000)) as i128 * 10_000;
    let (paid, states): (_, &[&str]) = match random.below(3) {
        0 => (0, &["draft", "open", "open", "closed"]),
        1 => (amount - 10_000, &["draft", "partial", "partial", "closed"]),
        _ => (amount, &["paid", "paid", "closed"]),
    };
    let state = if paid == 0 && states.contains(&"partial") { "open" } else { random.of(states) };
    Listed { client: id(random, model, Clients), amount, paid, state }
}

/// An id of the resource's records, mostly one that is there.
fn id(random: &mut Random, model: &Model, resource: Resource) -> i64 {
    let table = model.table(resource);
    if table.records.is_empty() || random.percent(4) {
        return random.of(&[0, 1, table.next, table.next - 1, i64::MAX]);
    }
    // The oldest and the newest are asked for more than the others.
    let at = match random.below(4) {
        0 => random.below(table.records.len().min(5)),
        1 => table.records.len() - 1 - random.below(table.records.len().min(5)),
        _ => random.below(table.records.len()),
    };
    *table.records.keys().nth(at).unwrap()
}

fn call(random: &mut Random, model: &Model) -> Call {
    let resource = match random.below(100) {
        0..18 => Clients,
        18..34 => Projects,
        34..57 => Invoices,
        57..63 => Messages,
        63..73 => Payments,
        73..78 => Categories,
        78..83 => Tasks,
        83..89 => People,
        89..93 => Contacts,
        93..96 => TaskAssignments,
        96..98 => UserAssignments,
        _ => ExpenseCategories,
    };
    let parent = resource.parent().map(|(of, _)| id(random, model, of));
    let list = Target::List(resource, parent);
    let (method, target, body, query) = match random.below(100) {
        0..26 if resource.is_assignment() => ("POST", list, assigning(random, model, resource), Vec::new()),
        0..26 => ("POST", list, body(random, model, resource, Purpose::Create), Vec::new()),
        26..34 => ("GET", list, ignored(random), query(random, model)),
        34..48 => ("GET", one(random, model, resource), ignored(random), Vec::new()),
        48..68 if resource.updates() => {
            let target = one(random, model, resource);
            ("PUT", target, body(random, model, resource, Purpose::Update), Vec::new())
        }
        48..58 => ("DELETE", one(random, model, resource), ignored(random), Vec::new()),
        68..80 if resource == Contacts => {
            ("GET", Target::ContactsOf(id(random, model, Clients)), ignored(random), query(random, model))
        }
        68..80 if resource == TaskAssignments => {
            let target = Target::NewTask(id(random, model, Projects));
            ("POST", target, body(random, model, Tasks, Purpose::Create), Vec::new())
        }
        68..80 if resource < Invoices || matches!(resource, People | ExpenseCategories) => {
            let target = Target::Toggle(resource, id(random, model, resource));
            (random.of(&["POST", "PUT"]), target, Body::None, Vec::new())
        }
        68..88 if matches!(resource, Invoices | Messages | Payments) => {
            let target = Target::Mark(id(random, model, Invoices), random.of(&MARKS));
            let body = match target {
                Target::Mark(_, "re_open") => Body::None,
                _ if random.percent(60) => Body::None,
                _ => body(random, model, Messages, Purpose::Create),
            };
            (random.of(&["POST", "PUT"]), target, body, Vec::new())
        }
        88..94 => ("DELETE", one(random, model, resource), ignored(random), Vec::new()),
        94..97 => wrong_method(random, model, resource, list),
        97 => ("GET", Target::Nowhere(random.of(&NOWHERE)), Body::None, Vec::new()),
        98 => ("GET", Target::Account, ignored(random), Vec::new()),
        _ => ("GET", one(random, model, resource), ignored(random), Vec::new()),
    };
    let head = method == "GET" && random.percent(5);
    let closed = matches!(target, Target::Nowhere(_));
    let content_type = match &body {
        Body::Document(document) if document.form == Form::Xml => {
            random.of(&["", "application/xml", "text/xml; charset=utf-8"])
        }
        Body::Document(_) => random.of(&["", "application/json", "application/json; charset=utf-8", "text/xml"]),
        Body::None | Body::Junk(_) => random.of(&["", "application/xml", "application/json"]),
    };
    Call {
        method: if head { "HEAD" } else { method },
        target,
        host: if random.percent(3) { "http://demo.harvestapp.com" } else { "" },
        suffix: if closed { "" } else { random.of(&["", "", "", "/", ".xml", ".json", ".json/"]) },
        query,
        content_type,
        accept: random.of(&ACCEPTED),
        body,
    }
}

fn one(random: &mut Random, model: &Model, resource: Resource) -> Target {
    let id = id(random, model, resource);
    let Some((of, column)) = resource.parent() else { return Target::One(resource, None, id) };
    // Mostly under what it belongs to.
    let own = model.find(resource, id).map(|record| record.number(column));
    let parent = own.filter(|_| random.percent(93)).unwrap_or_else(|| self::id(random, model, of));
    Target::One(resource, Some(parent), id)
}

/// A body that is read and ignored.
fn ignored(random: &mut Random) -> Body {
    Body::Junk(random.of(&["", "", "", "null", "{}"]))
}

type Parts = (&'static str, Target, Body, Vec<(&'static str, String)>);

fn wrong_method(random: &mut Random, model: &Model, resource: Resource, list: Target) -> Parts {
    let (method, target) = match random.below(4) {
        0 => (random.of(&["PUT", "DELETE", "PATCH"]), list),
        1 => ("DELETE", Target::Account),
        2 if resource < Invoices => {
            (random.of(&["GET", "DELETE"]), Target::Toggle(resource, id(random, model, resource)))
        }
        2 => (random.of(&["GET", "DELETE"]), Target::Mark(id(random, model, Invoices), random.of(&MARKS))),
        _ => (random.of(&["POST", "PATCH", "OPTIONS"]), one(random, model, resource)),
    };
    let updates = method == "PUT" || method == "POST";
    let body = if updates && resource.is_assignment() {
        Body::None
    } else if method == "POST" {
        document(random, model, resource, Purpose::Create)
    } else {
        Body::None
    };
    (method, target, body, Vec::new())
}

fn query(random: &mut Random, model: &Model) -> Vec<(&'static str, String)> {
    let mut query: Vec<(&'static str, String)> = Vec::new();
    while random.percent(45) {
        let name = random.of(&["updated_since", "client", "from", "to", "status", "state", "page", "other"]);
        if query.iter().any(|(given, _)| *given == name) {
            continue;
        }
        let value = match name {
            "updated_since" => random.of(&MOMENTS).to_owned(),
            "client" if random.percent(15) => "abc".to_owned(),
            "client" => id(random, model, Clients).to_string(),
            "from" | "to" => random
                .of(&["", "20110301", "2011-03-31", "2011-04-03", "20110420", "2012-02-29", "2011-13-01"])
                .to_owned(),
            "status" | "state" => {
                let statuses =
                    ["draft", "open", "partial", "paid", "closed", "unpaid", "unpaid", "pastdue", "pastdue", "lost"];
                random.of(&statuses).to_owned()
            }
            "page" => random.of(&["1", "1", "2", "2", "3", "0", "abc", "99"]).to_owned(),
            _ => "x".to_owned(),
        };
        query.push((name, value));
    }
    query
}
