//! One file, its programs, and the kills that it goes through.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clientstore::ClientStore;
use tempfile::TempDir;

use crate::common::{Random, assert_whole, plain};
use crate::program::Program;
use crate::rows::{Key, Table, found};
use crate::served::Served;

const PROGRAMS: usize = 6;

#[derive(Default)]
pub struct Counts {
    pub kills: u64,
    pub acknowledged: BTreeMap<&'static str, u64>,
    pub others: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn add(&mut self, what: &'static str, count: u64) {
        *self.others.entry(what).or_default() += count;
    }

    /// A test that meets nothing proves nothing.
    pub fn everything_was_met(&self) -> bool {
        let outcomes = ["pending writes that had happened", "pending writes that had not", "refusals", "two servers"];
        let was_met = |what| self.others.get(what).is_some_and(|count| *count > 0);
        self.acknowledged.len() == 29 && outcomes.into_iter().all(was_met)
    }
}

pub struct Life {
    folder: TempDir,
    programs: Vec<Program>,
    /// Whose every id is, for ever.
    ids: BTreeMap<(Table, i64), String>,
}

impl Life {
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let programs = (0..PROGRAMS).map(|number| Program::new(number, random.next())).collect();
        let mut life = Life { folder: tempfile::tempdir().unwrap(), programs, ids: BTreeMap::new() };
        let store = ClientStore::open(life.file()).unwrap();
        let shared = store.clients().create(&clientstore::NewClient::named("shared")).unwrap();
        life.programs.iter_mut().for_each(|program| program.shared = shared.into());
        life
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// Serves the file, lets the programs write, kills, and looks at what is left.
    pub fn round(&mut self, random: &mut Random, counts: &mut Counts) -> Result<(), String> {
        let file = self.file();
        let start = || Served::start(&[file.to_str().unwrap(), "--quiet"]);
        // Now and then two processes serve the file, and one is killed before the other.
        let mut servers = vec![start()];
        if random.percent(25) {
            servers.push(start());
            counts.add("two servers", 1);
        }
        let waits: Vec<Duration> =
            servers.iter().map(|_| Duration::from_micros(random.below(250_000) as u64)).collect();
        let ran: Vec<Result<(), String>> = std::thread::scope(|scope| {
            let programs = self.programs.iter_mut().enumerate();
            let threads: Vec<_> = programs
                .map(|(number, program)| {
                    let stream = servers[number % servers.len()].connect().unwrap();
                    scope.spawn(move || program.run(stream))
                })
                .collect();
            for (server, wait) in servers.iter().zip(waits) {
                std::thread::sleep(wait);
                server.kill();
                counts.kills += 1;
            }
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        ran.into_iter().collect::<Result<(), _>>()?;
        self.check(random.percent(50), counts)
    }

    /// Compares the file with what the programs know.
    fn check(&mut self, product_first: bool, counts: &mut Counts) -> Result<(), String> {
        // Either the product or another program is the first to open what the kill has left.
        let opened = product_first.then(|| ClientStore::open(self.file()).unwrap());
        let report = ClientStore::check_file(self.file(), |_| {}).map_err(|error| error.to_string())?;
        if !report.is_clean() {
            return Err(format!("a check finds {:?}", report.findings()));
        }
        let connection = plain(&self.file());
        assert_whole(&connection);
        let found = found(&connection)?;
        for ((table, tag), (id, _)) in &found {
            owned(&mut self.ids, *table, *id, tag)?;
        }
        let (mut least, mut most) = (0, 0);
        for program in &mut self.programs {
            for (table, id, tag) in std::mem::take(&mut program.given) {
                owned(&mut self.ids, table, id, &tag)?;
            }
            let of_program: BTreeMap<&Key, &(i64, String)> =
                found.iter().filter(|((_, tag), _)| program.owns(tag)).collect();
            if let Some((said, effects)) = program.pending.take() {
                match differs(program, &of_program) {
                    None if effects.is_empty() => {}
                    None => counts.add("pending writes that had not", 1),
                    Some(without) => {
                        for (key, row) in effects {
                            match row {
                                Some(mut row) => {
                                    row.id = of_program.get(&key).map_or(row.id, |(id, _)| *id);
                                    program.rows.insert(key, row);
                                }
                                None => drop(program.rows.remove(&key)),
                            }
                        }
                        if let Some(with) = differs(program, &of_program) {
                            return Err(format!(
                                "the pending write is\n{said}\nwithout it: {without}\nwith it: {with}"
                            ));
                        }
                        counts.add("pending writes that had happened", 1);
                    }
                }
            } else if let Some(difference) = differs(program, &of_program) {
                return Err(difference);
            }
            least += program.shared_toggles.0;
            most += program.shared_toggles.0 + program.shared_toggles.1;
        }
        let toggles: i64 = connection
            .query_row("SELECT cache_version FROM clients WHERE name = 'shared'", [], |row| row.get(0))
            .unwrap();
        if !(least..=most).contains(&toggles) {
            return Err(format!("the shared client was toggled {toggles} times, acknowledged were {least} to {most}"));
        }
        for table in Table::ALL {
            let most = self.ids.keys().filter(|(of, _)| *of == table).map(|(_, id)| *id).max().unwrap_or(0);
            let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0)";
            let last: i64 = connection.query_row(sql, [table.name()], |row| row.get(0)).unwrap();
            if last < most {
                return Err(format!("{} would give {} again", table.name(), last + 1));
            }
        }
        counts.add("records compared", found.len() as u64);
        drop(opened);
        Ok(())
    }

    pub fn end(self, counts: &mut Counts) {
        for program in self.programs {
            for (kind, count) in program.acknowledged {
                *counts.acknowledged.entry(kind).or_default() += count;
            }
            counts.add("refusals", program.refused);
        }
    }
}

fn owned(ids: &mut BTreeMap<(Table, i64), String>, table: Table, id: i64, tag: &str) -> Result<(), String> {
    let owner = ids.entry((table, id)).or_insert_with(|| tag.to_owned());
    if owner == tag { Ok(()) } else { Err(format!("{} {id} was given to {owner} and to {tag}", table.name())) }
}

/// How the file's records of a program differ from what it knows.
fn differs(program: &Program, found: &BTreeMap<&Key, &(i64, String)>) -> Option<String> {
    for (key, row) in &program.rows {
        let shown = row.shown(key.0);
        match found.get(key) {
            None => return Some(format!("{key:?} {shown} was acknowledged and is not there")),
            Some((id, _)) if *id != row.id => return Some(format!("{key:?} is {id}, not {}", row.id)),
            Some((_, there)) if *there != shown => return Some(format!("{key:?} is {there}, not {shown}")),
            Some(_) => {}
        }
    }
    let more = found.iter().find(|(key, _)| !program.rows.contains_key(key));
    more.map(|(key, there)| format!("{key:?} {there:?} is there, and was deleted or never acknowledged"))
}
