//! People, tasks, contacts, and who works on what.

use rust_decimal::Decimal;

use super::calendar::{WEEK, moment, spread};
use super::countries::COUNTRIES;
use super::random::{Random, Topic};
use super::records::{Profile, host_name};
use super::{Generator, Made};
use crate::resources::contacts::{Contact, NewContact};
use crate::resources::people::{NewPerson, Person};
use crate::resources::task_assignments::{NewTaskAssignment, TaskAssignment};
use crate::resources::tasks::{NewTask, Task};
use crate::resources::user_assignments::{NewUserAssignment, UserAssignment};

/// How many people and tasks every new store has; the ids of the generated ones follow.
pub(super) const FIRST_PEOPLE: u64 = 1;
pub(super) const FIRST_TASKS: u64 = 3;

const DEPARTMENTS: &[&str] = &["Design", "Development", "Consulting", "Accounting", "Support"];
const TITLES: &[&str] =
    &["Managing Director", "Office Manager", "Head of Purchasing", "Accountant", "Assistant", "Project Lead", "CTO"];

/// The names of tasks, and whether their time is usually billed.
const TASKS: &[(&str, bool)] = &[
    ("Design", true),
    ("Development", true),
    ("Testing", true),
    ("Meetings", false),
    ("Research", true),
    ("Copywriting", true),
    ("Support", true),
    ("Training", true),
    ("Travel", false),
    ("Documentation", true),
    ("Deployment", true),
    ("Bookkeeping", false),
];
/// How many of the generated tasks every project has.
const DEFAULT_TASKS: u64 = 2;

/// Whether a person is active; an archived one is assigned to nothing.
fn is_active(making: &Generator, index: u64) -> bool {
    Random::new(making.seed, Topic::Person, index).percent(88)
}

/// A person by their number among the generated ones.
pub(super) fn person(making: &Generator, index: u64) -> Made<Person> {
    let mut random = Random::new(making.seed, Topic::Person, index);
    let is_active = random.percent(88);
    let country = random.weighted(&COUNTRIES);
    let (first, last) = (random.pick(country.first_names), random.pick(country.last_names));
    let id = index + FIRST_PEOPLE + 1;
    let email = format!("{}.{}{id}@example.com", host_name(first), host_name(last));
    let mut person = NewPerson::named(first, last, email)
        .is_active(is_active)
        .is_admin(random.percent(8))
        .is_project_manager(random.percent(20))
        .is_contractor(random.percent(15))
        .has_access_to_all_future_projects(random.percent(10))
        .department(random.pick(DEPARTMENTS));
    if random.percent(80) {
        let rate = Decimal::from(random.within(8, 30) * 5);
        person = person.default_hourly_rate(rate).cost_rate(rate / Decimal::TWO);
    }
    if random.percent(60) {
        let (_, telephone) = random.pick(country.cities);
        person = person.telephone(random.filled(telephone));
    }
    Made { record: person, at: moment(spread(&mut random, index, making.people.into(), 0, WEEK)) }
}

/// A task by its number among the generated ones.
pub(super) fn task(making: &Generator, index: u64) -> Made<Task> {
    let mut random = Random::new(making.seed, Topic::Task, index);
    let names = TASKS.len() as u64;
    let (name, billable) = TASKS[(index % names) as usize];
    let name = match index / names {
        0 => name.to_owned(),
        round => format!("{name} {}", round + 1),
    };
    let mut task = NewTask::named(name).billable_by_default(billable).is_default(index < DEFAULT_TASKS);
    if billable && random.percent(60) {
        task = task.default_hourly_rate(Decimal::from(random.within(10, 36) * 5));
    }
    Made { record: task, at: moment(spread(&mut random, index, making.tasks.into(), 0, WEEK)) }
}

/// A contact by its number. The contacts of a client are next to each other.
pub(super) fn contact(making: &Generator, index: u64) -> Made<Contact> {
    let client = index / u64::from(making.contacts_per_client);
    let profile = Profile::of(making, client);
    let mut random = Random::new(making.seed, Topic::Contact, index);
    let country = profile.country;
    let (first, last) = (random.pick(country.first_names), random.pick(country.last_names));
    let mut contact = NewContact::of(client as i64 + 1, first, last);
    if random.percent(85) {
        contact = contact.email(format!("{}@{}.example", host_name(&format!("{first} {last}")), profile.host));
    }
    let (_, telephone) = random.pick(country.cities);
    if random.percent(70) {
        contact = contact.phone_office(random.filled(telephone));
    }
    if random.percent(35) {
        contact = contact.phone_mobile(random.filled(telephone));
    }
    if random.percent(60) {
        contact = contact.title(random.pick(TITLES));
    }
    Made { record: contact, at: moment(profile.worked) }
}

/// The tasks of a project besides those that every project has; none if no tasks are generated.
pub(super) fn task_assignments(making: &Generator, index: u64, project: i64) -> Vec<Made<TaskAssignment>> {
    let mut random = Random::new(making.seed, Topic::TaskAssignment, index);
    let at = super::records::project(making, index).at;
    let assign = |random: &mut Random| {
        let task = (random.below(making.tasks.into()) + FIRST_TASKS + 1) as i64;
        Made { record: NewTaskAssignment::of(project, task), at }
    };
    let count = if making.tasks == 0 { 0 } else { random.within(1, 4) };
    (0..count).map(|_| assign(&mut random)).collect()
}

/// The people of a project besides those who are on every project; none if no people are generated.
pub(super) fn user_assignments(making: &Generator, index: u64, project: i64) -> Vec<Made<UserAssignment>> {
    let mut random = Random::new(making.seed, Topic::UserAssignment, index);
    let at = super::records::project(making, index).at;
    let mut made = Vec::new();
    let count = if making.people == 0 { 0 } else { random.within(1, 5) };
    for _ in 0..count {
        let person = random.below(making.people.into());
        let manages = random.percent(15);
        if is_active(making, person) {
            let id = (person + FIRST_PEOPLE + 1) as i64;
            made.push(Made { record: NewUserAssignment::of(project, id).is_project_manager(manages), at });
        }
    }
    made
}
