//! Lists: their order and their filters (`wire.md`, Filters; `invoices.md`).

use crate::schema::Resource;
use crate::state::{Expected, Model, Outcome, Reason};
use crate::values::{date, date_text, moment, moment_text};

impl Model {
    /// Every record of a list, in its order.
    pub fn in_order(&self, resource: Resource) -> Vec<i64> {
        let records = &self.table(resource).records;
        let mut ids: Vec<i64> = records.keys().copied().collect();
        if resource == Resource::Invoices {
            ids.sort_by_key(|id| std::cmp::Reverse((records[id].text("created-at"), *id)));
        }
        ids
    }

    pub fn listed(&self, resource: Resource, parent: Option<i64>, query: &[(&'static str, String)]) -> Outcome {
        let mut ids = self.in_order(resource);
        let records = &self.table(resource).records;
        let mut wrong = Vec::new();
        if let Some(parent) = parent {
            let (of, column) = resource.parent().unwrap_or((Resource::Clients, "client-id"));
            wrong.extend(self.belongs(of, None, parent).err());
            ids.retain(|id| records[id].number(column) == parent);
        }
        let mut page = (resource == Resource::Invoices).then_some(1);
        for (name, value) in query {
            let invoices = resource == Resource::Invoices;
            let undated = [Resource::Messages, Resource::Payments, Resource::Categories];
            let dated = !undated.contains(&resource);
            match *name {
                "updated_since" if dated => match moment(value).and_then(moment_text) {
                    Some(since) => ids.retain(|id| records[id].text("updated-at") >= since.as_str()),
                    None => wrong.push(Reason::bad("updated_since")),
                },
                "client" if invoices || resource == Resource::Projects => {
                    ids.retain(|id| records[id].text("client-id") == value);
                }
                "from" | "to" if invoices && !value.is_empty() => match date(value).and_then(date_text) {
                    Some(day) if *name == "from" => ids.retain(|id| records[id].text("issued-at") >= day.as_str()),
                    Some(day) => ids.retain(|id| records[id].text("issued-at") <= day.as_str()),
                    None => wrong.push(Reason::bad(name)),
                },
                "status" | "state" if invoices => ids.retain(|id| self.has_status(*id, value)),
                "page" if invoices => page = Some(value.parse().ok().filter(|page| *page > 0).unwrap_or(1)),
                _ => {}
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        if let Some(page) = page {
            ids = ids.into_iter().skip((page - 1) * 50).take(50).collect();
        }
        Ok(Expected::Document(self.list_document(resource, &ids)))
    }

    fn has_status(&self, id: i64, status: &str) -> bool {
        let record = self.find(Resource::Invoices, id).unwrap();
        let state = record.text("state");
        let unpaid = matches!(state, "open" | "partial");
        match status {
            "unpaid" => unpaid,
            "pastdue" => unpaid && record.text("due-at") < date_text(self.now.div_euclid(86_400)).unwrap().as_str(),
            _ => state == status,
        }
    }
}
