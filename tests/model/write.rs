//! Documents as `wire.md` prints them.

use crate::schema::{Element, Nil, Resource, Shown, Twin};
use crate::state::{Model, Record};
use crate::values::{decimal, decimal_text};

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

fn element(out: &mut String, indent: usize, element: &Element, value: Option<&str>) {
    let (name, kind) = (element.name, element.kind.type_name());
    let kind = kind.filter(|_| value.is_some() || element.nil == Nil::Typed);
    let kind = kind.map_or_else(String::new, |kind| format!(" type=\"{kind}\""));
    let nil = if value.is_none() { " nil=\"true\"" } else { "" };
    let text = escaped(value.unwrap_or_default());
    out.push_str(&format!("{:indent$}<{name}{kind}{nil}>{text}</{name}>\n", ""));
}

fn record(
    out: &mut String,
    indent: usize,
    model: &Model,
    resource: Resource,
    record: &Record,
    shown: Shown,
    lines: Option<&str>,
) {
    let root = resource.roots().0;
    out.push_str(&format!("{:indent$}<{root}>\n", ""));
    for (at, described) in resource.elements().iter().enumerate() {
        if described.shown <= shown {
            element(out, indent + 2, described, model.value(resource, record, at));
        }
    }
    if let Some(lines) = lines {
        out.push_str(&format!("{:1$}<csv-line-items>{2}</csv-line-items>\n", "", indent + 2, escaped(lines)));
    }
    out.push_str(&format!("{:indent$}</{root}>\n", ""));
}

/// A list inside a document, or as one.
fn list<'a>(
    out: &mut String,
    indent: usize,
    model: &Model,
    resource: Resource,
    records: impl Iterator<Item = &'a Record>,
    shown: Shown,
) {
    let (_, root, typed) = resource.roots();
    let kind = if typed || shown > Shown::Always { " type=\"array\"" } else { "" };
    let mut records = records.peekable();
    let newline = if records.peek().is_some() { "\n" } else { "" };
    out.push_str(&format!("{:indent$}<{root}{kind}>{newline}", ""));
    let empty = newline.is_empty();
    records.for_each(|one| record(out, indent + 2, model, resource, one, shown, None));
    out.push_str(&format!("{:1$}</{root}>\n", "", if empty { 0 } else { indent }));
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

impl Model {
    fn begun(&self) -> (String, Shown) {
        if self.live { (DECLARATION.to_owned(), Shown::Live) } else { (String::new(), Shown::Always) }
    }

    /// What a record's element at a position says.
    pub fn value<'a>(&'a self, resource: Resource, record: &'a Record, at: usize) -> Option<&'a str> {
        match resource.elements()[at].twin {
            None => record.values[at].as_deref(),
            Some(Twin::Of(name)) => record.get(name),
            Some(Twin::ClientName) => self.find(Resource::Clients, record.number("client-id")).unwrap().get("name"),
        }
    }

    pub fn document(&self, resource: Resource, id: i64) -> String {
        if self.json {
            return self.json_document(resource, id);
        }
        let (mut out, shown) = self.begun();
        let lines = (resource == Resource::Invoices).then(|| self.csv(id));
        record(&mut out, 0, self, resource, &self.table(resource).records[&id], shown, lines.as_deref());
        out
    }

    pub fn list_document(&self, resource: Resource, ids: &[i64]) -> String {
        if self.json {
            return self.json_list(resource, ids);
        }
        let (mut out, shown) = self.begun();
        list(&mut out, 0, self, resource, ids.iter().map(|id| &self.table(resource).records[id]), shown);
        out
    }

    /// An error document around its message, which the specification leaves open.
    pub fn error_parts(&self) -> (String, &'static str) {
        if self.json {
            return ("{\"message\":\"".to_owned(), "\"}\n");
        }
        (format!("{}<hash>\n  <message>", self.begun().0), "</message>\n</hash>\n")
    }

    /// An invoice's lines as one text.
    pub fn csv(&self, invoice: i64) -> String {
        let mut out = format!("{}\n", crate::op::HEADER);
        for line in self.lines_of(invoice) {
            let number = |name| decimal_text(decimal(line.text(name)).unwrap(), 2);
            let cells = [
                line.text("kind").to_owned(),
                line.text("description").to_owned(),
                number("quantity"),
                number("unit-price"),
                line.text("amount").to_owned(),
                line.text("taxed").to_owned(),
                line.text("taxed2").to_owned(),
                line.get("project-id").unwrap_or_default().to_owned(),
            ];
            // What an unquoted cell at a record's start would lose makes all of its record quoted.
            let all = cells[0].starts_with(crate::values::SPACE);
            let quoted = cells.map(|cell| match all || cell.contains([',', '"', '\n', '\r']) {
                true => format!("\"{}\"", cell.replace('"', "\"\"")),
                false => cell,
            });
            out.push_str(&format!("{}\n", quoted.join(",")));
        }
        out
    }

    pub fn dump(&self) -> String {
        let mut out = format!("{DECLARATION}<clientstore version=\"1\">\n  <next-ids>\n");
        for resource in Resource::ALL {
            let (root, next) = (resource.roots().1, self.table(resource).next);
            out.push_str(&format!("    <{root} type=\"integer\">{next}</{root}>\n"));
        }
        out.push_str("  </next-ids>\n");
        for resource in Resource::ALL {
            let records = self.in_order(resource);
            let records = records.iter().map(|id| &self.table(resource).records[id]);
            list(&mut out, 2, self, resource, records, Shown::Dump);
        }
        out.push_str("</clientstore>\n");
        out
    }

    /// `wire.md`, The account, with the names that nobody has chosen.
    pub fn account(&self) -> String {
        if self.json {
            return self.json_account();
        }
        let mut out = self.begun().0;
        let person = self.find(Resource::People, 1).unwrap();
        let manages = (person.is("is-admin") || person.is("is-project-manager")).to_string();
        let (before, after) = ACCOUNT.split_once("<user>").unwrap();
        let user = ["timezone", "email", "first-name", "last-name"].iter().fold(after.to_owned(), |text, name| {
            let line = format!("<{name}>{}</{name}>", escaped(person.text(name)));
            text.replace(&format!("<{name}></{name}>"), &line)
        });
        let user = user.replace("MANAGES", &manages).replace("ADMIN", person.text("is-admin"));
        out.push_str(&format!("{before}<user>{user}"));
        out
    }
}

const ACCOUNT: &str = r#"<hash>
  <company>
    <base-uri>https://demo.harvestapp.com</base-uri>
    <full-domain>demo.harvestapp.com</full-domain>
    <name>Example Company</name>
    <active type="boolean">true</active>
    <week-start-day>Monday</week-start-day>
    <time-format>decimal</time-format>
    <clock>12h</clock>
    <decimal-symbol>.</decimal-symbol>
    <color-scheme>blue</color-scheme>
    <modules>
      <expenses type="boolean">true</expenses>
      <invoices type="boolean">true</invoices>
      <estimates type="boolean">true</estimates>
      <approval type="boolean">true</approval>
    </modules>
    <thousands-separator>,</thousands-separator>
  </company>
  <user>
    <timezone></timezone>
    <timezone-utc-offset type="integer">0</timezone-utc-offset>
    <id type="integer">1</id>
    <email></email>
    <admin type="boolean">ADMIN</admin>
    <first-name></first-name>
    <last-name></last-name>
    <avatar-url>/images/avatar.png</avatar-url>
    <project-manager>
      <is-project-manager type="boolean">MANAGES</is-project-manager>
      <can-see-rates type="boolean">MANAGES</can-see-rates>
      <can-create-projects type="boolean">MANAGES</can-create-projects>
      <can-create-invoices type="boolean">MANAGES</can-create-invoices>
    </project-manager>
    <timestamp-timers type="boolean">false</timestamp-timers>
  </user>
</hash>
"#;
