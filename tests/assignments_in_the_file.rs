//! The rules of contacts and assignments in the file: against plain SQL, under racing threads, and in an older file.

mod common;

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use clientstore::{
    ClientStore, Durability, Error, NewClient, NewContact, NewPerson, NewProject, NewTask, NewTaskAssignment,
    NewUserAssignment, Rule, TaskAssignmentChanges, TaskChanges,
};
use common::{assert_whole, builder, plain};

/// Clients 1 and 2, projects 1 and 2 of client 1 with tasks 1 and 2 each, people 1 and 2, a contact of client 2.
fn filled(path: &Path) -> ClientStore {
    let store = builder(&Default::default()).open(path).unwrap();
    store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    for name in ["one", "two"] {
        store.clients().create(&NewClient::named(name)).unwrap();
        store.projects().create(&NewProject::of(1, name)).unwrap();
    }
    for (project, task) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        store.task_assignments().create(&NewTaskAssignment::of(project, task)).unwrap();
    }
    store.user_assignments().create(&NewUserAssignment::of(1, 2)).unwrap();
    store.contacts().create(&NewContact::of(2, "Jo", "Doe")).unwrap();
    store
}

#[test]
fn the_file_keeps_the_rules_of_contacts_and_assignments() {
    let at = "'2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'";
    let task = |id: &str, project: i64, task: i64| {
        format!(
            "task_assignments (id, project_id, task_id, created_at, updated_at) VALUES ({id}, {project}, {task}, {at})"
        )
    };
    let user = |id: &str, project: i64, user: i64| {
        format!(
            "user_assignments (id, project_id, user_id, created_at, updated_at) VALUES ({id}, {project}, {user}, {at})"
        )
    };
    let contact = |id: &str, client: i64| {
        format!(
            "contacts (id, client_id, first_name, last_name, created_at, updated_at) VALUES ({id}, {client}, 'x', 'y', {at})"
        )
    };
    let mut refused = Vec::new();
    for insert in ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE", "REPLACE"] {
        for row in [
            contact("NULL", 9),
            contact("1", 9),
            task("NULL", 9, 1),
            task("NULL", 1, 9),
            task("NULL", 1, 1),
            task("1", 2, 3),
            task("1", 1, 3),
            task("'1'", 1, 3),
            task("9", 1, 1),
            user("NULL", 9, 1),
            user("NULL", 1, 9),
            user("NULL", 1, 1),
            user("1", 2, 2),
            user("9", 1, 1),
        ] {
            // A row of the id is there: it is ignored, and nothing else is looked at.
            if !(insert.ends_with("IGNORE") && row == contact("1", 9)) {
                refused.push(format!("{insert} INTO {row}"));
            }
        }
    }
    for update in ["UPDATE", "UPDATE OR IGNORE", "UPDATE OR REPLACE"] {
        for set in [
            "contacts SET client_id = 9",
            "contacts SET id = id + 10",
            "contacts SET last_name = ' '",
            "task_assignments SET project_id = 2",
            "task_assignments SET task_id = 3 WHERE id = 1",
            "task_assignments SET rowid = 9 WHERE id = 1",
            "user_assignments SET project_id = 2 WHERE id = 1",
            "user_assignments SET user_id = 2 WHERE project_id = 2",
            "user_assignments SET id = 9 WHERE id = 1",
        ] {
            if !(update.ends_with("IGNORE") && set.contains("' '")) {
                refused.push(format!("{update} {set}"));
            }
        }
    }
    for delete in ["WHERE project_id = 1", "WHERE id IN (1, 2)", ""] {
        refused.push(format!("DELETE FROM task_assignments {delete}"));
    }
    for (recursive, keys) in [("OFF", "OFF"), ("ON", "OFF"), ("OFF", "ON")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = filled(&path);
        let sql = plain(&path);
        sql.execute_batch(&format!("PRAGMA recursive_triggers = {recursive}; PRAGMA foreign_keys = {keys}")).unwrap();
        for statement in &refused {
            assert!(sql.execute_batch(statement).is_err(), "the file took: {statement}");
            assert_whole(&sql);
        }
        // What takes its own along.
        sql.execute_batch("DELETE FROM task_assignments WHERE id = 1; DELETE FROM clients WHERE id = 2").unwrap();
        sql.execute_batch(
            "DELETE FROM projects WHERE id = 1; DELETE FROM tasks WHERE id = 1; DELETE FROM people WHERE id = 2",
        )
        .unwrap();
        assert_whole(&sql);
        let left = |table: &str| -> i64 {
            sql.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        assert_eq!((left("contacts"), left("task_assignments"), left("user_assignments")), (0, 1, 1));
        assert!(store.check(|_| {}).unwrap().is_clean());
    }
}

#[test]
fn assignments_racing_archiving_and_deletes_leave_no_forbidden_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let settings = ClientStore::builder().durability(Durability::Off).busy_timeout(Duration::from_secs(120));
    let store = settings.open(&path).unwrap();
    let client = store.clients().create(&NewClient::named("contested")).unwrap();
    let jane = store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    let mut refused = 0;
    for _ in 0..12 {
        let project = store.projects().create(&NewProject::of(client, "p")).unwrap();
        let start = Barrier::new(8);
        refused += thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    let (store, start) = (store.clone(), &start);
                    scope.spawn(move || {
                        let (tasks, users) = (store.task_assignments(), store.user_assignments());
                        let archived = TaskAssignmentChanges::new().deactivated(true);
                        start.wait();
                        let mut refused = 0;
                        for turn in 0..12 {
                            let result = match number {
                                0 | 1 => tasks.create(&NewTaskAssignment::of(project, 1 + turn % 3)).map(drop),
                                2 => users.create(&NewUserAssignment::of(project, 1 + turn % 2)).map(drop),
                                3 => tasks
                                    .create(&NewTaskAssignment::of(project, 1))
                                    .and_then(|id| tasks.update(id, &archived)),
                                4 => tasks.create(&NewTaskAssignment::of(project, 2)).and_then(|id| tasks.delete(id)),
                                5 => {
                                    users.create(&NewUserAssignment::of(project, jane)).and_then(|id| users.delete(id))
                                }
                                6 => store
                                    .tasks()
                                    .update(3, &TaskChanges::new().deactivated(turn % 2 == 0))
                                    .and_then(|()| store.people().toggle(jane).map(drop)),
                                _ if turn == 8 => store.projects().delete(project),
                                _ => tasks
                                    .create_with_new_task(project, &NewTask::named(format!("t{}", turn % 2)))
                                    .map(drop),
                            };
                            match result {
                                Ok(()) => {}
                                Err(
                                    Error::NotFound { .. }
                                    | Error::Invalid { field: "task-id" | "user-id", .. }
                                    | Error::Refused { rule: Rule::ProjectNeedsTask, .. },
                                ) => refused += 1,
                                Err(error) => panic!("{error:?}"),
                            }
                        }
                        refused
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>()
        });
        assert_whole(&plain(&path));
        assert!(matches!(store.projects().get(project), Err(Error::NotFound { .. })));
    }
    assert!(refused > 0, "they did race");
    assert!(store.check(|_| {}).unwrap().is_clean());
    assert_eq!(store.task_assignments().list(&Default::default()).unwrap().count(), 0);
}

#[test]
fn a_file_of_version_3_gets_the_administrator_on_every_project_and_dumps_like_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let rows = "
        INSERT INTO clients (id, name, created_at, updated_at) VALUES
            (1, 'SuprCorp', '2011-03-31T10:00:00Z', '2011-03-31T10:00:00Z');
        INSERT INTO projects (id, client_id, name, created_at, updated_at) VALUES
            (1, 1, 'one', '2011-03-31T10:00:00Z', '2011-03-31T10:00:00Z'),
            (2, 1, 'two', '2011-03-31T10:00:00Z', '2011-03-31T10:00:00Z')";
    plain(&path)
        .execute_batch(&format!(
            "{}; PRAGMA application_id = 0x6353746F; PRAGMA user_version = 3; {rows}",
            include_str!("schemas/v3.sql")
        ))
        .unwrap();
    let new = builder(&Default::default()).open_in_memory().unwrap();
    new.clients().create(&NewClient::named("SuprCorp")).unwrap();
    for name in ["one", "two"] {
        new.projects().create(&NewProject::of(1, name)).unwrap();
    }
    let dumped = |store: &ClientStore| {
        let mut document = Vec::new();
        store.dump(&mut document, |_| {}).unwrap();
        String::from_utf8(document).unwrap()
    };
    let reading = builder(&Default::default()).read_only(true).open(&path).unwrap();
    let shown = reading.user_assignments().list(&Default::default()).unwrap().map(Result::unwrap);
    assert_eq!(shown.map(|one| (one.id, one.user_id, one.project_id)).collect::<Vec<_>>(), [(1, 1, 1), (2, 1, 2)]);
    assert_eq!(reading.people().get(1).unwrap(), new.people().get(1).unwrap());
    assert_eq!(reading.contacts().list(&Default::default()).unwrap().count(), 0);
    assert_eq!(reading.task_assignments().list(&Default::default()).unwrap().count(), 0);
    drop(reading);
    assert!(ClientStore::check_file(&path, |_| {}).unwrap().is_clean());
    let store = builder(&Default::default()).open(&path).unwrap();
    assert_eq!(dumped(&store), dumped(&new));
    assert!(store.check(|_| {}).unwrap().is_clean());
}
