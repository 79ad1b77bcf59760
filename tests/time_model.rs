//! Random calls of time tracking against a plain model of the specification: each answer, each day, and the sums of all
//! reports.

mod api;
mod common;

use std::collections::BTreeMap;

use api::Service;
use chrono::{Days, NaiveDate};
use clientstore::{DayEntryChanges, NewPerson, NewUserAssignment};
use common::{Random, day};

const OPERATIONS: usize = 6_000;
const PEOPLE: [i64; 3] = [1, 2, 3];
const PROJECTS: [i64; 3] = [1, 2, 3];
const TASKS: [i64; 3] = [1, 2, 3];
/// Nobody but the administrator works on project 3; task 3 is not assigned to project 2.
const ASSIGNED: [(i64, i64); 7] = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (3, 2)];

fn works_on(user: i64, project: i64) -> bool {
    project != 3 || user == 1
}

/// Whether a task's time on a project is billable.
fn billable(project: i64, task: i64) -> bool {
    (project + task) % 2 == 0
}

#[derive(Clone, Debug)]
struct Entry {
    user: i64,
    project: i64,
    task: i64,
    day: NaiveDate,
    /// In hundredths.
    hours: i64,
    started: Option<i64>,
    closed: bool,
}

impl Entry {
    fn shown(&self, now: i64) -> i64 {
        self.started.map_or(self.hours, |started| ((self.hours * 36 + (now - started) + 18) / 36).min(2_400))
    }

    fn fits(&self) -> bool {
        works_on(self.user, self.project) && ASSIGNED.contains(&(self.project, self.task))
    }
}

struct World {
    service: Service,
    random: Random,
    entries: BTreeMap<i64, Entry>,
    next: i64,
    now: i64,
    met: BTreeMap<(&'static str, u16), usize>,
}

impl World {
    fn new(seed: u64) -> Self {
        let service = Service::new();
        service.client("Iridesco");
        let store = service.api.store();
        for project in PROJECTS {
            service.project(1, "p");
            for task in TASKS.into_iter().filter(|task| ASSIGNED.contains(&(project, *task))) {
                let path = format!("/projects/{project}/task_assignments");
                let path = service.create(&path, &format!("<task><id>{task}</id></task>"));
                let is = billable(project, task);
                service.put(&path, &format!("<task-assignment><billable>{is}</billable></task-assignment>"));
            }
        }
        for user in &PEOPLE[1..] {
            store.people().create(&NewPerson::named("Jo", "Doe", format!("{user}@example.com"))).unwrap();
            for project in [1, 2] {
                store.user_assignments().create(&NewUserAssignment::of(project, *user)).unwrap();
            }
        }
        World { service, random: Random(seed), entries: BTreeMap::new(), next: 1, now: 0, met: BTreeMap::new() }
    }

    fn day(&mut self) -> NaiveDate {
        day("2011-03-25") + Days::new(self.random.below(10) as u64)
    }

    fn id(&mut self) -> i64 {
        if self.random.percent(3) || self.entries.is_empty() {
            return self.next;
        }
        let at = self.random.below(self.entries.len());
        *self.entries.keys().nth(at).unwrap()
    }

    #[track_caller]
    fn call(&mut self, kind: &'static str, (method, path): (&str, String), body: &str, expected: u16) -> String {
        let answer = self.service.call(method, &path, body);
        assert_eq!(answer.status, expected, "{method} {path} {body}\n{}", answer.whole());
        *self.met.entry((kind, expected)).or_default() += 1;
        answer.body
    }

    /// The hours that a timer is stopped with when another of the person starts.
    fn start(&mut self, id: i64) -> Option<i64> {
        let (user, now) = (self.entries[&id].user, self.now);
        let other = self.entries.iter_mut().find(|(_, entry)| entry.user == user && entry.started.is_some());
        let stopped = match other {
            Some((running, _)) if *running == id => return None,
            Some((_, entry)) => {
                entry.hours = entry.shown(now);
                entry.started = None;
                Some(entry.hours)
            }
            None => None,
        };
        self.entries.get_mut(&id).unwrap().started = Some(now);
        stopped
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..15 => {
                let seconds = 1 + self.random.below(9_000) as i64;
                self.service.clock.forward(seconds);
                self.now += seconds;
            }
            15..40 => self.add(),
            40..55 => self.update(),
            55..75 => self.timer(),
            75..82 => self.delete(),
            82..86 => self.close(),
            86..95 => self.look(),
            _ => self.report(),
        }
    }

    fn add(&mut self) {
        let user = self.random.of(&PEOPLE);
        let hours = self.random.percent(60).then(|| self.random.below(2_500) as i64);
        let entry = Entry {
            user,
            project: self.random.of(&PROJECTS),
            task: self.random.of(&TASKS),
            day: self.day(),
            hours: hours.unwrap_or(0),
            started: None,
            closed: false,
        };
        let said = hours.map_or(String::new(), |hours| format!("<hours>{}.{:02}</hours>", hours / 100, hours % 100));
        let body = format!(
            "<request>{said}<project_id>{}</project_id><task_id>{}</task_id><spent_at>{}</spent_at></request>",
            entry.project, entry.task, entry.day
        );
        let fits = entry.fits() && entry.hours <= 2_400;
        let path = ("POST", format!("/daily/add?of_user={user}"));
        let answer = self.call("add", path, &body, if fits { 201 } else { 400 });
        if !fits {
            return;
        }
        let id = self.next;
        self.next += 1;
        self.entries.insert(id, entry);
        let stopped = if hours.is_none() { self.start(id) } else { None };
        self.told(&answer, id, stopped);
    }

    /// The answer of a call that changes an entry has its hours, and those of the one that was stopped.
    #[track_caller]
    fn told(&self, answer: &str, id: i64, stopped: Option<i64>) {
        let number = |name: &str| {
            let rest = answer.split_once(&format!("<{name} type=\"float\">"))?.1;
            rest.split_once('<').unwrap().0.parse::<f64>().ok().map(|hours| (hours * 100.0).round() as i64)
        };
        assert_eq!(number("hours"), Some(self.entries[&id].shown(self.now)), "{answer}");
        assert_eq!(number("hours_for_previously_running_timer"), stopped, "{answer}");
    }

    fn update(&mut self) {
        let (id, now) = (self.id(), self.now);
        let user = self.entries.get(&id).map_or(1, |entry| entry.user);
        let as_another = self.random.percent(5);
        let user = if as_another { user % 3 + 1 } else { user };
        let Some(before) = self.entries.get(&id).filter(|_| !as_another).cloned() else {
            let path = ("PUT", format!("/daily/update/{id}?of_user={user}"));
            self.call("update", path, "<request><notes>x</notes></request>", 404);
            return;
        };
        let mut after = before.clone();
        let mut said = String::new();
        if self.random.percent(40) {
            after.hours = self.random.below(2_401) as i64;
            after.started = before.started.map(|_| now);
            said += &format!("<hours>{}.{:02}</hours>", after.hours / 100, after.hours % 100);
        }
        if self.random.percent(30) {
            (after.project, after.task) = (self.random.of(&PROJECTS), self.random.of(&TASKS));
            said += &format!("<project_id>{}</project_id><task-id>{}</task-id>", after.project, after.task);
        }
        if self.random.percent(30) {
            after.day = self.day();
            said += &format!("<spent_at>{}</spent_at>", after.day.format("%a, %d %b %Y"));
        }
        let moves = (before.project, before.task) != (after.project, after.task);
        let is_refused = (moves && !after.fits()) || (before.closed && (moves || before.day != after.day));
        let path = (self.random.of(&["PUT", "POST"]), format!("/daily/update/{id}?of_user={user}"));
        let body = format!("<request>{said}</request>");
        let answer = self.call("update", path, &body, if is_refused { 400 } else { 200 });
        if !is_refused {
            self.entries.insert(id, after);
            self.told(&answer, id, None);
        }
    }

    fn timer(&mut self) {
        let (id, now) = (self.id(), self.now);
        let Some(Entry { user, started, .. }) = self.entries.get(&id).cloned() else {
            self.call("timer", ("GET", format!("/daily/timer/{id}")), "", 404);
            return;
        };
        let path = (self.random.of(&["GET", "POST"]), format!("/daily/timer/{id}?of_user={user}"));
        let answer = self.call("timer", path, "", 200);
        let stopped = match started {
            Some(_) => {
                let entry = self.entries.get_mut(&id).unwrap();
                entry.hours = entry.shown(now);
                entry.started = None;
                None
            }
            None => self.start(id),
        };
        self.told(&answer, id, stopped);
    }

    fn delete(&mut self) {
        let id = self.id();
        let entry = self.entries.get(&id).cloned();
        let expected = entry.as_ref().map_or(404, |entry| if entry.closed { 400 } else { 200 });
        let user = entry.map_or(1, |entry| entry.user);
        self.call("delete", ("DELETE", format!("/daily/delete/{id}?of_user={user}")), "", expected);
        if expected == 200 {
            self.entries.remove(&id);
        }
    }

    fn close(&mut self) {
        let id = self.id();
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.closed = !entry.closed;
        let changes = DayEntryChanges::new().is_closed(entry.closed);
        self.service.api.store().day_entries().update(id, &changes).unwrap();
    }

    fn look(&mut self) {
        use chrono::Datelike;
        let (user, on) = (self.random.of(&PEOPLE), self.day());
        let path = format!("/daily/{}/{}.json?slim=1&of_user={user}", on.ordinal(), on.year());
        let body = self.call("day", ("GET", path), "", 200);
        let shown: serde_json::Value = serde_json::from_str(&body).unwrap();
        let shown: Vec<(i64, i64, bool)> = shown["day_entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                let hours = (entry["hours"].as_f64().unwrap() * 100.0).round() as i64;
                (entry["id"].as_i64().unwrap(), hours, entry.get("timer_started_at").is_some())
            })
            .collect();
        let of_day = self.entries.iter().filter(|(_, entry)| entry.user == user && entry.day == on);
        let expected: Vec<_> =
            of_day.map(|(id, entry)| (*id, entry.shown(self.now), entry.started.is_some())).collect();
        assert_eq!(shown, expected, "person {user}, {on}");
    }

    fn report(&mut self) {
        let (from, to) = (self.day(), self.day());
        let (of_project, of) = (self.random.percent(50), self.random.of(&[1, 2, 3]));
        let filter =
            self.random.of(&["", "&billable=yes", "&billable=no", "&is_closed=yes", "&is_closed=no", "&user_id=2"]);
        let path = if of_project { "projects" } else { "people" };
        let path = format!("/{path}/{of}/entries.json?from={from}&to={to}{filter}");
        let body = self.call("report", ("GET", path.clone()), "", 200);
        let list: serde_json::Value = serde_json::from_str(&body).unwrap();
        let read = |entry: &serde_json::Value| {
            let entry = &entry["day_entry"];
            (entry["id"].as_i64().unwrap(), (entry["hours"].as_f64().unwrap() * 100.0).round() as i64)
        };
        let shown: Vec<(i64, i64)> = list.as_array().unwrap().iter().map(read).collect();
        let is_in = |entry: &Entry| {
            let is_of = if of_project { entry.project == of } else { entry.user == of };
            let passes = match filter {
                "&billable=yes" => billable(entry.project, entry.task),
                "&billable=no" => !billable(entry.project, entry.task),
                "&is_closed=yes" => entry.closed,
                "&is_closed=no" => !entry.closed,
                "&user_id=2" if of_project => entry.user == 2,
                _ => true,
            };
            is_of && passes && (from..=to).contains(&entry.day)
        };
        let mut expected: Vec<(NaiveDate, i64, i64)> = Vec::new();
        expected.extend(self.entries.iter().filter(|(_, e)| is_in(e)).map(|(id, e)| (e.day, *id, e.hours)));
        expected.sort_unstable();
        assert_eq!(shown, expected.into_iter().map(|(_, id, hours)| (id, hours)).collect::<Vec<_>>(), "{path}");
    }

    /// The hours of all entries are those of all projects' reports, and of all people's; each project has its days.
    fn whole(&self) {
        let all: i64 = self.entries.values().map(|entry| entry.hours).sum();
        for path in ["projects", "people"] {
            let mut sum = 0;
            for id in [1, 2, 3] {
                let body = self.service.get(&format!("/{path}/{id}/entries.json?from=00010101&to=99991231")).body;
                let list: serde_json::Value = serde_json::from_str(&body).unwrap();
                let hours = list.as_array().unwrap().iter().map(|entry| entry["day_entry"]["hours"].as_f64().unwrap());
                sum += hours.map(|hours| (hours * 100.0).round() as i64).sum::<i64>();
            }
            assert_eq!(sum, all, "{path}");
        }
        for id in PROJECTS {
            let days = || self.entries.values().filter(|entry| entry.project == id).map(|entry| entry.day);
            let project = self.service.api.store().projects().get(id).unwrap();
            let hints = (project.hint_earliest_record_at, project.hint_latest_record_at);
            assert_eq!(hints, (days().min(), days().max()), "project {id}");
        }
        let report = self.service.api.store().check(|_| {}).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
}

#[test]
fn time_is_as_a_plain_model_has_it_and_all_reports_have_the_sum_of_all_entries() {
    let mut world = World::new(20_110_331);
    for at in 1..=OPERATIONS {
        world.step();
        if at % 1_000 == 0 {
            world.whole();
        }
    }
    for kind in
        [("add", 201), ("add", 400), ("update", 200), ("update", 400), ("update", 404), ("timer", 200), ("timer", 404)]
    {
        assert!(world.met.get(&kind).is_some_and(|count| *count > 5), "{kind:?}: {:?}", world.met);
    }
    for kind in [("delete", 200), ("delete", 400), ("delete", 404), ("day", 200), ("report", 200)] {
        assert!(world.met.get(&kind).is_some_and(|count| *count > 5), "{kind:?}: {:?}", world.met);
    }
}
