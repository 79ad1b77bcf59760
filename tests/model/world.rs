//! The product and the model side by side: every operation goes to both.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clientstore::{Api, ClientStore, Dialect, Durability};
use tempfile::TempDir;

use crate::api::{Answer, Service};
use crate::common::{Clock, builder, plain};
use crate::op::{Call, Op};
use crate::schema::Resource;
use crate::state::{Expected, Model, Reason};

/// What was done, by kind and by answer.
#[derive(Default)]
pub struct Counts {
    pub calls: BTreeMap<String, BTreeMap<u16, u64>>,
    pub refusals: BTreeMap<String, u64>,
    pub others: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        for (label, statuses) in other.calls {
            for (status, count) in statuses {
                *self.calls.entry(label.clone()).or_default().entry(status).or_default() += count;
            }
        }
        for (reason, count) in other.refusals {
            *self.refusals.entry(reason).or_default() += count;
        }
        for (what, count) in other.others {
            *self.others.entry(what).or_default() += count;
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.others.entry(what).or_default() += 1;
    }
}

/// How a run is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub live: bool,
    pub file: bool,
}

pub struct World {
    setting: Setting,
    folder: TempDir,
    files: u64,
    /// The operation's number, which client keys are drawn from.
    number: Arc<AtomicU64>,
    service: Option<Service>,
    /// Whether the last comparison was of dumps in JSON.
    compares_json: bool,
    pub model: Model,
    pub counts: Counts,
}

/// When the clock of the tests starts: 2011-03-31T10:00:00Z.
const START: i64 = 1_301_565_600;

impl World {
    pub fn new(setting: Setting) -> Self {
        let model = Model::new(setting.live, START);
        let (folder, number) = (tempfile::tempdir().unwrap(), Arc::new(AtomicU64::new(0)));
        let counts = Counts::default();
        let mut world = World { setting, folder, files: 0, number, service: None, compares_json: false, model, counts };
        world.open(Clock::default());
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(format!("store-{}.db", self.files))
    }

    fn open(&mut self, clock: Clock) {
        let number = self.number.clone();
        let key = move || {
            let mut key = [7; 20];
            key[..8].copy_from_slice(&number.load(Ordering::Relaxed).to_be_bytes());
            key
        };
        let builder = builder(&clock).key_generator(key).durability(Durability::Off);
        let store = if self.setting.file { builder.open(self.path()) } else { builder.open_in_memory() };
        let dialect = if self.setting.live { Dialect::Live } else { Dialect::Documented };
        self.service = Some(Service { api: Api::new(store.unwrap()).dialect(dialect), clock });
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    fn store(&self) -> &ClientStore {
        self.service().api.store()
    }

    /// Does an operation in both; says how they differ.
    pub fn step(&mut self, op: &Op) -> Result<(), String> {
        let done = catch_unwind(AssertUnwindSafe(|| self.stepped(op)));
        done.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(text.unwrap_or_else(|| "a panic".to_owned()))
        })
    }

    fn stepped(&mut self, op: &Op) -> Result<(), String> {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        self.model.key = format!("{number:016x}{}", "07".repeat(12));
        match op {
            Op::Call(call) => return self.call(call),
            Op::Load { list, json } => {
                let ids = self.model.listed_invoices(list);
                self.model.json = *json;
                let document = self.model.list_document(Resource::Invoices, &ids);
                let loaded = self.store().load([("the list", document.as_bytes())], |_| {});
                if !matches!(&loaded, Ok(loaded) if loaded.records == ids.len() as u64) {
                    return Err(format!("the list does not load: {loaded:?}"));
                }
                self.counts.count(if *json { "list in JSON loaded" } else { "list loaded" });
            }
            Op::Forward(seconds) => {
                self.service().clock.forward(*seconds);
                self.model.now += seconds;
                self.counts.count("clock moved");
            }
            Op::Reopen if self.setting.file => {
                let clock = self.service.take().unwrap().clock;
                self.open(clock);
                self.counts.count("file reopened");
                return self.compare();
            }
            Op::Move { json } => {
                let dump = if *json { self.json_dump() } else { self.dump() };
                let clock = self.service.take().unwrap().clock;
                self.files += 1;
                self.open(clock);
                let documents = [("the dump", dump.as_bytes())];
                self.store().load(documents, |_| {}).map_err(|error| format!("the dump does not load: {error}"))?;
                let what = if *json { "dump in JSON loaded into a new store" } else { "dump loaded into a new store" };
                self.counts.count(what);
                return self.compare();
            }
            Op::Reopen => {}
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<(), String> {
        let answer = self.service().send(call.request());
        let expected = self.model.apply(call);
        self.counts.count(if self.model.json { "asked for JSON" } else { "asked for XML" });
        let label = format!("{} {}", call.method, call.target.label());
        *self.counts.calls.entry(label).or_default().entry(answer.status).or_default() += 1;
        if let Expected::Refused(reasons) = &expected
            && let [Reason::Bad(said)] = &reasons[..]
        {
            let said = said.first().map_or("(the document or the state)", String::as_str);
            let said = said.trim_start_matches(|one: char| one.is_ascii_digit() || one == ' ');
            *self.counts.refusals.entry(said.to_owned()).or_default() += 1;
        }
        let head = call.method == "HEAD";
        if self.fits(&answer, &expected, head) {
            return Ok(());
        }
        let mut text = format!("expected: {expected:?}\nanswered: {}", answer.whole());
        if let Expected::Document(document) = &expected
            && let Some((at, (one, other))) =
                document.lines().zip(answer.body.lines()).enumerate().find(|(_, (one, other))| one != other)
        {
            text.push_str(&format!("\nfirst difference in line {}: {one:?}, answered {other:?}", at + 1));
        }
        Err(text)
    }

    fn fits(&self, answer: &Answer, expected: &Expected, head: bool) -> bool {
        let empty = answer.body.is_empty();
        let is = |status, location: Option<&str>| answer.status == status && answer.location() == location;
        let kind = if self.model.json { "application/json" } else { "application/xml" };
        if answer.header("content-type").is_some_and(|found| found != format!("{kind}; charset=utf-8")) {
            return false;
        }
        match expected {
            Expected::Document(document) => {
                let length = answer.header("content-length").is_none_or(|length| length == document.len().to_string());
                is(200, None) && length && if head { empty } else { answer.body == *document }
            }
            Expected::Created(path) => is(201, Some(path)) && empty,
            Expected::Changed(path) => is(200, Some(path)) && empty,
            Expected::Deleted => is(200, None) && empty,
            Expected::Refused(reasons) => {
                let (before, after) = self.model.error_parts();
                let message = answer.body.strip_prefix(&before).and_then(|rest| rest.strip_suffix(after));
                let shaped = if head { empty } else { message.is_some_and(|message| !message.is_empty()) };
                shaped && answer.location().is_none() && reasons.iter().any(|reason| says(answer, reason))
            }
        }
    }

    fn dump(&self) -> String {
        let mut dump = Vec::new();
        self.store().dump(&mut dump, |_| {}).unwrap();
        String::from_utf8(dump).unwrap()
    }

    fn json_dump(&self) -> String {
        let mut dump = Vec::new();
        self.store().dump_json(&mut dump, |_| {}).unwrap();
        String::from_utf8(dump).unwrap()
    }

    /// The whole store, to the byte, in XML and in JSON by turns.
    pub fn compare(&mut self) -> Result<(), String> {
        self.compares_json = !self.compares_json;
        if self.compares_json {
            self.counts.count("dump in JSON compared");
            let (found, expected) = (self.json_dump(), self.model.json_dump());
            if found == expected {
                return Ok(());
            }
            let at = found.bytes().zip(expected.bytes()).take_while(|(one, other)| one == other).count();
            let around = |text: &str| text.chars().skip(at.saturating_sub(200)).take(400).collect::<String>();
            return Err(format!(
                "the dump in JSON differs, expected: {}\nfound: {}",
                around(&expected),
                around(&found)
            ));
        }
        let (found, expected) = (self.dump(), self.model.dump());
        self.counts.count("dump compared");
        if found == expected {
            return Ok(());
        }
        let mut lines = expected.lines().zip(found.lines()).enumerate();
        let first = lines.find(|(_, (one, other))| one != other);
        let lines: Vec<&str> = expected.lines().collect();
        let at = first.map_or(0, |(at, _)| at);
        let record = lines[..at].iter().rfind(|line| line.contains("<id type")).unwrap_or(&"");
        Err(format!("the dump differs, after {record}: {first:?}"))
    }

    /// What the file itself says, at the end.
    pub fn whole(&mut self) -> Result<(), String> {
        self.compare()?;
        let report = self.store().check(|_| {}).unwrap();
        if !report.is_clean() {
            return Err(format!("a check finds {:?}", report.findings()));
        }
        if self.setting.file {
            self.service = None;
            let connection = plain(&self.path());
            let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
            let found =
                text("PRAGMA integrity_check") + &text("SELECT CAST(count(*) AS TEXT) FROM pragma_foreign_key_check");
            self.counts.count("file checked");
            return if found == "ok0" { Ok(()) } else { Err(found) };
        }
        Ok(())
    }
}

fn says(answer: &Answer, reason: &Reason) -> bool {
    match reason {
        Reason::NotFound => answer.status == 404,
        Reason::Bad(said) => {
            // Fields are named with dashes in XML, with underscores in JSON.
            let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
            let hint = plain(answer.hint().unwrap_or_default());
            answer.status == 400 && said.iter().all(|said| hint.contains(&plain(said)))
        }
        Reason::Method(methods) => {
            let allowed: Vec<&str> = answer.header("allow").unwrap_or_default().split(", ").collect();
            answer.status == 405
                && allowed.len() == methods.len()
                && methods.iter().all(|method| allowed.contains(method))
        }
    }
}
