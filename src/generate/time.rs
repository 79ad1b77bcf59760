//! Time sheets: what each person has worked on, day by day.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use rusqlite::Connection;
use rust_decimal::Decimal;

use super::people::FIRST_PEOPLE;
use super::random::{Random, Topic};
use super::{Generator, Made};
use crate::error::Result;
use crate::resources::time::{DayEntry, NewDayEntry};

/// The first day of the time sheets, a Monday on which all projects exist.
const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2012, 3, 5).unwrap();
/// The time of day at which people record their time, in UTC.
const EVENING: NaiveTime = NaiveTime::from_hms_opt(16, 30, 0).unwrap();
/// At most this many projects have a person's time in a month.
const PROJECTS_OF_A_MONTH: u64 = 3;
/// A quarter of an hour, in hundredths of one.
const QUARTER: i64 = 25;

const NOTES: &[&str] = &[
    "Kick-off",
    "Weekly call",
    "First draft",
    "Second draft, with their comments",
    "Review",
    "Fixed what the review found",
    "Set up the test environment",
    "Moved the old data over",
    "Forms and their error messages",
    "Tried it on phones and tablets",
    "Looked into the slow pages",
    "Answers to their questions",
    "Estimate for the next phase",
    "Documentation",
    "Training on site",
    "Release",
];

/// What each generated person can record time for: projects, each with its tasks.
pub(super) struct Work {
    people: Vec<Vec<(i64, Vec<i64>)>>,
}

impl Work {
    /// The state of the store, in the order of ids.
    pub(super) fn of(making: &Generator, connection: &Connection) -> Result<Self> {
        let mut work = Work { people: vec![Vec::new(); making.people as usize] };
        let sql = "SELECT user_id, project_id, task_id FROM user_assignments AS person \
                   CROSS JOIN projects ON projects.id = project_id AND projects.active = 1 \
                   CROSS JOIN task_assignments AS task USING (project_id) \
                   WHERE person.deactivated = 0 AND task.deactivated = 0 AND user_id > ?1 ORDER BY 1, 2, 3";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([FIRST_PEOPLE as i64])?;
        while let Some(row) = rows.next()? {
            let (user, project, task): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let Some(projects) = work.people.get_mut(user as usize - FIRST_PEOPLE as usize - 1) else { continue };
            match projects.last_mut().filter(|(last, _)| *last == project) {
                Some((_, tasks)) => tasks.push(task),
                None => projects.push((project, vec![task])),
            }
        }
        Ok(work)
    }

    /// A person's entries of a day; the days of all people come one after the other.
    pub(super) fn entries(&self, making: &Generator, index: u64) -> Vec<Made<DayEntry>> {
        let Some(mut at_work) = self.day(making, index) else { return Vec::new() };
        let AtWork { user, day, .. } = at_work;
        let mut left = at_work.random.within(28, 36);
        let mut entries = Vec::new();
        let count = at_work.random.within(1, 4);
        for last in (1..=count).rev() {
            let quarters = if last == 1 { left } else { at_work.random.within(1, (left - last + 1).min(20)) };
            left -= quarters;
            let (project, tasks) = at_work.project();
            let random = &mut at_work.random;
            let hours = Decimal::new(quarters * QUARTER, 2);
            let mut entry = NewDayEntry::of(user, *project, random.pick(tasks), day).hours(hours);
            if random.percent(60) {
                entry = entry.notes(random.pick(NOTES).to_owned());
            }
            let at = at_work.evening();
            entries.push(Made { record: entry, at });
        }
        entries
    }

    /// Where a person works on a day; none where the day is free.
    pub(super) fn day(&self, making: &Generator, index: u64) -> Option<AtWork<'_>> {
        let (person, number) = (index % u64::from(making.people), index / u64::from(making.people));
        let day = FIRST + TimeDelta::days(number as i64);
        let projects = &self.people[person as usize];
        let mut random = Random::new(making.seed, Topic::Time, index);
        let is_free = matches!(day.weekday(), Weekday::Sat | Weekday::Sun) || random.percent(8);
        if is_free || projects.is_empty() {
            return None;
        }
        let month = u64::from(day.year_ce().1 * 12 + day.month0());
        let mut of_month = Random::new(making.seed, Topic::Month, person << 16 | month);
        let first = of_month.below(projects.len() as u64);
        Some(AtWork { user: (person + FIRST_PEOPLE + 1) as i64, day, projects, first, random })
    }
}

/// A person at work on a day.
pub(super) struct AtWork<'a> {
    pub(super) user: i64,
    pub(super) day: NaiveDate,
    projects: &'a [(i64, Vec<i64>)],
    /// The first project of the month.
    first: u64,
    pub(super) random: Random,
}

impl<'a> AtWork<'a> {
    /// One of the projects of the month, with its tasks.
    pub(super) fn project(&mut self) -> &'a (i64, Vec<i64>) {
        let at = (self.first + self.random.below(PROJECTS_OF_A_MONTH)) % self.projects.len() as u64;
        &self.projects[at as usize]
    }

    /// When something of the day is written down.
    pub(super) fn evening(&mut self) -> DateTime<Utc> {
        self.day.and_time(EVENING).and_utc() + TimeDelta::seconds(self.random.within(0, 3_600))
    }
}
