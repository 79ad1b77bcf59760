//! Documents as `json.md` prints them.

use std::fmt::Write;

use crate::schema::{Element, Kind, Resource, Shown};
use crate::state::{Model, Record};

/// The wrapper of one record, and that of each record of a list.
fn wrappers(resource: Resource) -> (&'static str, &'static str) {
    match resource {
        Resource::Clients => ("client", "client"),
        Resource::Projects => ("project", "project"),
        Resource::Invoices => ("invoice", "invoices"),
        Resource::Lines => ("invoice_line_item", "invoice_line_item"),
        Resource::Messages => ("message", "message"),
        Resource::Payments => ("payment", "payment"),
        Resource::Categories => ("invoice_category", "invoice_category"),
        Resource::Tasks => ("task", "task"),
        Resource::People => ("user", "user"),
        Resource::DayEntries => ("day_entry", "day_entry"),
        Resource::Contacts => ("contact", "contact"),
        Resource::TaskAssignments => ("task_assignment", "task_assignment"),
        Resource::UserAssignments => ("user_assignment", "user_assignment"),
        Resource::ExpenseCategories => ("expense_category", "expense_category"),
        Resource::Expenses => ("expense", "expense"),
    }
}

pub fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => write!(out, "\\u{:04x}", u32::from(control)).unwrap(),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn member(element: &Element, value: Option<&str>) -> String {
    let value = match (element.kind, value) {
        (_, None) => "null".to_owned(),
        (Kind::Integer | Kind::Boolean, Some(text)) => text.to_owned(),
        (Kind::Decimal | Kind::Percent, Some(text)) => text.strip_suffix(".0").unwrap_or(text).to_owned(),
        (Kind::Text | Kind::OneOf(_) | Kind::Date | Kind::DateTime, Some(text)) => string(text),
    };
    format!("\"{}\":{value}", element.name.replace('-', "_"))
}

impl Model {
    fn wrapped(
        &self,
        wrapper: &str,
        resource: Resource,
        record: &Record,
        shown: Shown,
        lines: Option<String>,
    ) -> String {
        let elements = resource.elements().iter().enumerate().filter(|(_, element)| element.shown <= shown);
        let mut members: Vec<String> =
            elements.map(|(at, element)| member(element, self.value(resource, record, at))).collect();
        members.extend(lines.map(|lines| format!("\"csv_line_items\":{}", string(&lines))));
        format!("{{\"{wrapper}\":{{{}}}}}", members.join(","))
    }

    pub fn json_document(&self, resource: Resource, id: i64) -> String {
        let lines = (resource == Resource::Invoices).then(|| self.csv(id));
        let record = &self.table(resource).records[&id];
        self.wrapped(wrappers(resource).0, resource, record, Shown::Live, lines) + "\n"
    }

    pub fn json_list(&self, resource: Resource, ids: &[i64]) -> String {
        self.list_of(resource, ids, Shown::Live) + "\n"
    }

    fn list_of(&self, resource: Resource, ids: &[i64], shown: Shown) -> String {
        let records = ids.iter().map(|id| &self.table(resource).records[id]);
        let records: Vec<String> =
            records.map(|record| self.wrapped(wrappers(resource).1, resource, record, shown, None)).collect();
        format!("[{}]", records.join(","))
    }

    pub fn json_dump(&self) -> String {
        let name = |resource: Resource| resource.roots().1.replace('-', "_");
        let next = Resource::ALL.map(|resource| format!("\"{}\":{}", name(resource), self.table(resource).next));
        let lists = Resource::ALL.map(|resource| {
            format!(",\"{}\":{}", name(resource), self.list_of(resource, &self.in_order(resource), Shown::Dump))
        });
        format!("{{\"clientstore\":{{\"version\":\"1\",\"next_ids\":{{{}}}{}}}}}\n", next.join(","), lists.concat())
    }

    /// The account, with the first person as they are now.
    pub fn json_account(&self) -> String {
        let person = self.find(Resource::People, 1).unwrap();
        let manages = (person.is("is-admin") || person.is("is-project-manager")).to_string();
        let account = ACCOUNT.replace("MANAGES", &manages).replace("ADMIN", person.text("is-admin"));
        let texts = [("TIMEZONE", "timezone"), ("EMAIL", "email"), ("FIRST", "first-name"), ("LAST", "last-name")];
        texts.iter().fold(account, |account, (place, name)| {
            let (before, after) = account.split_once(place).unwrap();
            format!("{before}{}{after}", string(person.text(name)))
        })
    }
}

const ACCOUNT: &str = concat!(
    r#"{"company":{"base_uri":"https://demo.harvestapp.com","full_domain":"demo.harvestapp.com","name":"Example Company","#,
    r#""active":true,"week_start_day":"Monday","time_format":"decimal","clock":"12h","decimal_symbol":".","#,
    r#""color_scheme":"blue","modules":{"expenses":true,"invoices":true,"estimates":true,"approval":true},"#,
    r#""thousands_separator":","},"user":{"timezone":TIMEZONE,"timezone_utc_offset":0,"id":1,"email":EMAIL,"#,
    r#""admin":ADMIN,"first_name":FIRST,"last_name":LAST,"avatar_url":"/images/avatar.png","#,
    r#""project_manager":{"is_project_manager":MANAGES,"can_see_rates":MANAGES,"can_create_projects":MANAGES,"#,
    r#""can_create_invoices":MANAGES},"timestamp_timers":false}}"#,
    "\n",
);
