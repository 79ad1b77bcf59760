//! Bodies by chance: values that fit, that are at their limits, and that do not fit.

use crate::common::Random;
use crate::json_bodies::Form;
use crate::op::{Body, Content, Csv, Document, Field, Flaw, Header, Spelling};
use crate::read::typed;
use crate::schema::{Element, Kind, Resource};
use crate::state::Model;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Create,
    Update,
}

/// A document, or now and then none.
pub fn body(random: &mut Random, model: &Model, resource: Resource, purpose: Purpose) -> Body {
    // No body is as good as a malformed one, except for the actions, which may have none.
    if random.percent(1) { Body::None } else { document(random, model, resource, purpose) }
}

pub fn document(random: &mut Random, model: &Model, resource: Resource, purpose: Purpose) -> Body {
    let elements = resource.elements();
    let mut fields = Vec::new();
    for element in elements {
        let asked = match (purpose, element.required) {
            (Purpose::Create, true) => random.percent(98),
            _ => element.on_create && random.percent(18),
        };
        if asked {
            fields.push(field(random, model, resource, element));
        }
    }
    while random.percent(30) {
        let element = random.of(elements);
        fields.push(field(random, model, resource, &element));
    }
    if random.percent(10) {
        let content = if random.percent(50) { Content::Elements } else { Content::Text("x".to_owned()) };
        fields.push(plain("something-else", content));
    }
    if let Some((name, stands_for)) = resource.stand_ins().first().map(|_| random.of(resource.stand_ins()))
        && random.percent(15)
    {
        let element = resource.elements().iter().find(|element| element.name == stands_for).unwrap();
        fields.push(Field { element: name, ..field(random, model, resource, element) });
    }
    if resource == Resource::Invoices && random.percent(if purpose == Purpose::Create { 55 } else { 25 }) {
        let csv = csv(random);
        fields.push(Field { spelling: spelling(random), ..plain("csv-line-items", Content::Lines(csv)) });
    }
    if random.percent(50) {
        let at = random.below(fields.len().max(1));
        let middle = at.min(fields.len());
        fields.rotate_left(middle);
    }
    settle_repeats(resource, &mut fields);
    let roots = match resource {
        Resource::Messages => ["invoice-message", "message"],
        Resource::TaskAssignments => ["task-assignment", "taskassignment"],
        Resource::UserAssignments => ["user-assignment", "anything"],
        other => [other.roots().0; 2],
    };
    let flaw = random.percent(3).then(|| random.of(&Flaw::ALL));
    let flaw = flaw.filter(|flaw| !(resource.is_assignment() && *flaw == Flaw::WrongRoot));
    let form = random.of(&[Form::Xml, Form::Xml, Form::Xml, Form::Wrapped, Form::Bare, Form::Beside]);
    // In JSON, an object with neighbours is the record only under the wrapper's own name.
    let root = if form == Form::Beside { roots[0] } else { random.of(&roots) };
    let document = Document { root, form, declared: random.percent(20), fields, flaw };
    Body::Document(document)
}

/// A body that assigns a task or a person.
pub fn assigning(random: &mut Random, model: &Model, resource: Resource) -> Body {
    let (of, one, column) = match resource {
        Resource::TaskAssignments => (Resource::Tasks, "task", "task-id"),
        _ => (Resource::People, "user", "user-id"),
    };
    let (root, element) = if random.percent(70) { (one, "id") } else { (resource.roots().0, column) };
    let records = &model.table(of).records;
    let known = random.percent(90) && !records.is_empty();
    let text = match known {
        true => records.keys().nth(random.below(records.len())).unwrap().to_string(),
        false => random.of(&["0", "999999", "-1", "abc", "", " "]).to_owned(),
    };
    let mut fields = vec![plain("something-else", Content::Text("x".to_owned()))];
    if random.percent(97) {
        fields.push(plain(element, Content::Text(text)));
    }
    let flaw = random.percent(3).then(|| random.of(&Flaw::ALL));
    let form = random.of(&[Form::Xml, Form::Xml, Form::Wrapped]);
    Body::Document(Document { root, form, declared: random.percent(20), fields, flaw })
}

fn plain(element: &'static str, content: Content) -> Field {
    Field { element, underscored: false, nil: false, content, spelling: Spelling::Escaped }
}

/// Whether a value that does not fit is refused although a later one fits, or one counts for which it
/// stands in, the specification does not say: of such elements, only the one that counts may be wrong.
fn settle_repeats(resource: Resource, fields: &mut Vec<Field>) {
    let mut at = 0;
    while at < fields.len() {
        let field = &fields[at];
        let stands_for = resource.stand_ins().iter().find(|(name, _)| *name == field.element).map(|(_, other)| *other);
        let name = stands_for.unwrap_or(field.element);
        let kind = resource.elements().iter().find(|element| element.name == name).map(|found| found.kind);
        let repeated = fields[at + 1..].iter().any(|later| later.element == field.element)
            || fields.iter().any(|other| stands_for == Some(other.element));
        let wrong = match &field.content {
            Content::Text(text) => kind.is_some_and(|kind| typed(kind, text).is_none()),
            Content::Lines(_) | Content::Elements => false,
        };
        if repeated && (wrong || field.nil) {
            fields.remove(at);
        } else {
            at += 1;
        }
    }
}

fn spelling(random: &mut Random) -> Spelling {
    let all = [Spelling::Escaped, Spelling::Cdata, Spelling::References, Spelling::Commented, Spelling::Windows];
    if random.percent(70) { Spelling::Escaped } else { random.of(&all) }
}

fn field(random: &mut Random, model: &Model, resource: Resource, element: &Element) -> Field {
    let name = if element.name == "full-recipient-list" && random.percent(90) { "recipients" } else { element.name };
    let nil = random.percent(6);
    let text = if nil || random.percent(5) { String::new() } else { value(random, model, resource, element) };
    let spelling = spelling(random);
    Field { element: name, underscored: random.percent(30), nil, content: Content::Text(text), spelling }
}

const TEXTS: [&str; 15] = [
    "SuprCorp",
    "Fish & Chips <\"Ltd\">",
    "123 Main St.\nThird Floor\n  New York",
    " two  spaces ",
    "Größe, ünd 👩‍👩‍👧 שלום",
    "]]> &amp; <![CDATA[",
    "tab\there\rcarriage\r\nboth",
    "'; DROP TABLE clients; --",
    "\u{FFFD}\u{85}\u{2028}\u{7F}",
    "a@example.com, b@example.com",
    "x",
    "0",
    "Design",
    "re: 100%",
    "\n",
];
const NAMES: [&str; 4] = ["Company LLC", "Website", "Größe & Söhne", " x"];
const CURRENCIES: [&str; 9] = [
    "United States Dollar - USD",
    "Euro - EUR",
    "British Pound - GBP",
    "Swiss Franc - CHF",
    "Zloty - PLN",
    "Gold",
    "A - B - SEK",
    " - ",
    "Yen - jpy",
];
const FORMATS: [&str; 13] = [
    "NET 15",
    "net 30",
    "NET 0",
    "Net -3",
    "45 days",
    "10 Days",
    "upon receipt",
    "Due upon receipt",
    "custom",
    "some day",
    "NET soon",
    "NET 9999999",
    "NET 99999999999999999999",
];
const NUMBERS: [&str; 8] = ["2011-007", "0099", "INV", "A-9-b", "99999999999999999999", "é9", "7", ""];
const DAYS: [&str; 9] = [
    "2011-03-31",
    "20110401",
    " 2011-04-20\n",
    "2012-02-29",
    "2011-04-02",
    "0001-01-01",
    "9999-12-31",
    "2011-02-30",
    "31.03.2011",
];
const MOMENTS: [&str; 9] = [
    "2011-03-31T10:00:00Z",
    "2011-03-31 09:30",
    "2011-03-31 9:30:59 UTC",
    "2011-03-31T23:30:00-01:00",
    "2008-02-14T00:00:00+0530",
    "20110331",
    "2008-02-14",
    "2011-03-31T24:00:00Z",
    "soon",
];
const DECIMALS: [&str; 10] =
    ["2400", "253.44", "0.3", "0", "-12.5", "999999999999.999999", " 80.0 ", "1e3", "1234567890123", "0.1234567"];
const PERCENTS: [&str; 10] = ["0", "100", "10", "5", "7.25", "0.5", "33.333333", "99.999999", "100.000001", "-0.1"];

/// One of the choices: one of `some` with a chance of `chance` in a hundred, else one of `all`.
fn mostly<'a>(random: &mut Random, chance: usize, some: &[&'a str], all: &[&'a str]) -> &'a str {
    if random.percent(chance) { random.of(some) } else { random.of(all) }
}

fn value(random: &mut Random, model: &Model, resource: Resource, element: &Element) -> String {
    let chosen = match (element.name, element.kind) {
        ("client-id", _) => return client(random, model, resource),
        ("email", _) if resource == Resource::People => {
            return format!("{}{}@example.com", random.of(&["jo", "Jo", "jané"]), random.below(30));
        }
        ("amount", _) if resource == Resource::Payments => return payment(random, model),
        ("name", _) => mostly(random, 70, &NAMES, &TEXTS),
        ("currency", _) => random.of(&CURRENCIES),
        ("due-at-human-format", _) => random.of(&FORMATS),
        ("number", _) => random.of(&NUMBERS),
        (_, Kind::Text) => random.of(&TEXTS),
        (_, Kind::OneOf(choices)) => match random.below(10) {
            0 => random.of(&["TASKS", "people", "free-form", "Detailed", "Project-Cost", "task-FEES", "FREE_form"]),
            1 if random.percent(40) => random.of(&["sometimes", "Budget"]),
            _ => random.of(choices),
        },
        (_, Kind::Boolean) if random.percent(4) => random.of(&["yes", "2", "TRUE"]),
        (_, Kind::Boolean) => random.of(&["true", "false", "1", "0", " true\n"]),
        (_, Kind::Integer) => random.of(&["7", "42", "-3", " 9 ", "seven", "4.5"]),
        (_, Kind::Decimal) => mostly(random, 85, &DECIMALS[..7], &DECIMALS),
        (_, Kind::Percent) if random.percent(50) => return millionths(random, 100),
        (_, Kind::Percent) => mostly(random, 90, &PERCENTS[..8], &PERCENTS),
        (_, Kind::Date) => mostly(random, 90, &DAYS[..5], &DAYS),
        (_, Kind::DateTime) => mostly(random, 92, &MOMENTS[..7], &MOMENTS),
    };
    chosen.to_owned()
}

fn client(random: &mut Random, model: &Model, resource: Resource) -> String {
    let clients = &model.table(Resource::Clients).records;
    if clients.is_empty() || random.percent(5) {
        return random.of(&["0", "999999", "-1", "abc", "9223372036854775807"]).to_owned();
    }
    // A few clients get most of what there is, so that others can be deleted.
    let few = clients.len().min(if resource == Resource::Projects { 8 } else { 12 });
    let among = if random.percent(90) { few } else { clients.len() };
    let at = random.below(among);
    clients.keys().nth(at).unwrap().to_string()
}

/// Often just what is due somewhere, so that invoices get paid.
fn payment(random: &mut Random, model: &Model) -> String {
    let invoices = &model.table(Resource::Invoices).records;
    match random.below(10) {
        0 => random.of(&["0", "ten", "", "999999999999.99"]).to_owned(),
        1..6 if !invoices.is_empty() => {
            let invoice = invoices.values().nth(random.below(invoices.len())).unwrap();
            invoice.text("due-amount").to_owned()
        }
        _ => millionths(random, 300),
    }
}

/// A decimal below a limit, often with few digits, so that halves of a cent are met.
fn millionths(random: &mut Random, below: usize) -> String {
    let unit = random.of(&[1_000_000, 500_000, 100_000, 10_000, 5_000, 1_000, 1]);
    let number = random.below(below * 1_000_000 / unit) * unit;
    crate::values::decimal_text(number as i128, 0).trim_end_matches('.').to_owned()
}

fn signed(random: &mut Random, below: usize) -> String {
    let sign = if random.percent(15) { "-" } else { "" };
    format!("{sign}{}", millionths(random, below))
}

const OTHER_HEADERS: [&str; 5] = [
    "kind,description",
    "kind,description,quantity,unit_price,amount,taxed,taxed2",
    "description,kind,quantity,unit_price,amount,taxed,taxed2,project_id",
    "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id,more",
    "",
];

fn csv(random: &mut Random) -> Csv {
    let header = match random.below(20) {
        0 => Header::Other(random.of(&OTHER_HEADERS)),
        1..4 => Header::Quoted,
        _ => Header::Plain,
    };
    let rows = (0..random.below(5)).map(|_| row(random)).collect();
    let torn = if random.percent(3) { random.of(&["Service,\"Paper", "Service,\"Paper\"A4,1,2,,,,\n"]) } else { "" };
    Csv { header, indent: random.of(&["", "", "", "  ", "\n \t"]), rows, quoted: random.percent(10), torn }
}

fn row(random: &mut Random) -> Vec<String> {
    let tick = |random: &mut Random| random.of(&["true", "true", "false", "", "1", "0"]).to_owned();
    let mut row = vec![
        random.of(&["Service", "Product", "", " Ser, vice", "Größe"]).to_owned(),
        random.of(&["Design, \"new\"", "Paper\nA4", "", "5\" pipe", " spaced ", "x & <y>"]).to_owned(),
        signed(random, 40),
        signed(random, 3000),
        random.of(&["", "", "1", "200.0"]).to_owned(),
        tick(random),
        tick(random),
        random.of(&["", "1", "12", "none such"]).to_owned(),
    ];
    match random.below(60) {
        0 => row[2 + random.below(2)] = random.of(&["", "one", "1e3", "0.1234567"]).to_owned(),
        1 => row.push("ninth".to_owned()),
        2 => row.truncate(6),
        3 => (row[2], row[3]) = ("999999999999".to_owned(), random.of(&["2", "1", "0.5"]).to_owned()),
        4..12 => row.truncate(7),
        _ => {}
    }
    row
}
