//! Many threads and clones on one store, and its transactions. `processes.rs` has other programs.

mod common;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use clientstore::{ClientChanges, ClientStore, Durability, Error, NewClient, NewInvoice, NewProject, Rule};
use common::invalid;

/// A store on a file, one that declares its file its own, and one in memory; the same must hold of all.
fn stores() -> [(tempfile::TempDir, ClientStore); 3] {
    let directory = || tempfile::tempdir().unwrap();
    let (on_file, owned) = (directory(), directory());
    let builder = ClientStore::builder().durability(Durability::Off).busy_timeout(Duration::from_secs(120));
    let file = builder.clone().open(on_file.path().join("store.db")).unwrap();
    let own = builder.clone().exclusive(true).open(owned.path().join("store.db")).unwrap();
    [(on_file, file), (owned, own), (directory(), builder.open_in_memory().unwrap())]
}

fn assert_no_forbidden_state(store: &ClientStore) {
    store
        .transaction(|tx| {
            for project in tx.projects().list(&Default::default())? {
                let project = project?;
                let client = tx.clients().get(project.client_id)?;
                assert!(client.active || !project.active, "client {} is inactive and has an active project", client.id);
            }
            for invoice in tx.invoices().list(&Default::default())? {
                tx.clients().get(invoice?.client_id)?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn toggles_racing_new_projects_leave_no_inactive_client_with_an_active_project() {
    for (_directory, store) in stores() {
        store.clients().create(&NewClient::named("contested")).unwrap();
        let start = Barrier::new(9);
        let rounds = 40;
        let refused = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    let (store, start) = (store.clone(), &start);
                    scope.spawn(move || {
                        start.wait();
                        let mut refused = 0;
                        for _ in 0..rounds {
                            let result = match number % 4 {
                                0 => store.clients().toggle(1).map(drop),
                                1 => store
                                    .projects()
                                    .create(&NewProject::of(1, "p"))
                                    .and_then(|id| store.projects().delete(id)),
                                2 => store.projects().create(&NewProject::of(1, "p").active(false)).and_then(|id| {
                                    store
                                        .projects()
                                        .toggle(id)
                                        .map(drop)
                                        .and_then(|()| store.projects().toggle(id).map(drop))
                                }),
                                _ => store.clients().update(1, &ClientChanges::new().active(false)),
                            };
                            match result {
                                Ok(()) => {}
                                Err(Error::Refused {
                                    rule: Rule::ClientHasActiveProjects | Rule::ClientIsInactive,
                                    ..
                                }) => refused += 1,
                                Err(error) => panic!("{error}"),
                            }
                        }
                        refused
                    })
                })
                .collect();
            start.wait();
            for _ in 0..rounds {
                assert_no_forbidden_state(&store);
            }
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>()
        });
        assert!(refused > 0, "they did race");
        assert_no_forbidden_state(&store);
    }
}

#[test]
fn deletes_racing_new_invoices_leave_no_invoice_without_its_client() {
    for (_directory, store) in stores() {
        let start = Barrier::new(8);
        for round in 1..=25_i64 {
            assert_eq!(store.clients().create(&NewClient::named("contested")).unwrap(), round);
            let outcomes: Vec<(bool, bool)> = thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|number| {
                        let (store, start) = (store.clone(), &start);
                        scope.spawn(move || {
                            start.wait();
                            let (deleting, result) = match number % 4 {
                                0 | 1 => (true, store.clients().delete(round)),
                                2 => (false, store.invoices().create(&NewInvoice::of(round)).map(drop)),
                                _ => (false, store.projects().create(&NewProject::of(round, "p")).map(drop)),
                            };
                            match &result {
                                Ok(())
                                | Err(Error::NotFound { .. })
                                | Err(Error::Invalid { field: "client-id", .. })
                                | Err(Error::Refused { rule: Rule::ClientHasProjectsOrInvoices, .. }) => {}
                                Err(error) => panic!("{error}"),
                            }
                            (deleting, result.is_ok())
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let deleted = outcomes.iter().filter(|outcome| **outcome == (true, true)).count();
            let created = outcomes.iter().filter(|outcome| **outcome == (false, true)).count();
            assert!(matches!((deleted, created), (1, 0) | (0, 4)), "{deleted} deleted it, {created} built on it");
        }
        assert_no_forbidden_state(&store);
    }
}

#[test]
fn every_acknowledged_id_is_unique_and_its_record_there() {
    for (_directory, store) in stores() {
        let ids: Vec<(i64, String)> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    let store = store.clone();
                    scope.spawn(move || {
                        let create = |round| {
                            let name = format!("{number}/{round}");
                            (i64::from(store.clients().create(&NewClient::named(&*name)).unwrap()), name)
                        };
                        (0..50).map(create).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(ids.iter().map(|(id, _)| id).collect::<HashSet<_>>().len(), 400);
        for (id, name) in ids {
            assert_eq!(store.clients().get(id).unwrap().name, name);
        }
        assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 400);
    }
}

#[test]
fn an_acknowledged_write_is_seen_by_every_clone_and_thread() {
    for (_directory, store) in stores() {
        thread::scope(|scope| {
            for _ in 0..8 {
                let (store, other) = (store.clone(), store.clone());
                scope.spawn(move || {
                    for round in 0..30 {
                        let id = store.clients().create(&NewClient::named("x")).unwrap();
                        let name = format!("round {round}");
                        store.clients().update(id, &ClientChanges::new().name(&*name)).unwrap();
                        assert_eq!(other.clients().get(id).unwrap().name, name);
                        let listed = other.clients().list(&Default::default()).unwrap().map(Result::unwrap);
                        assert!(listed.last().unwrap().id >= id);
                        thread::scope(|inner| {
                            inner.spawn(|| assert_eq!(other.clients().get(id).unwrap().cache_version, 1));
                        });
                    }
                });
            }
        });
    }
}

#[test]
fn commands_that_fail_do_not_harm_those_that_commit_with_them() {
    for (_directory, store) in stores() {
        thread::scope(|scope| {
            for number in 0..8 {
                let store = store.clone();
                scope.spawn(move || {
                    for _ in 0..40 {
                        if number % 2 == 0 {
                            store.clients().create(&NewClient::named("good")).unwrap();
                        } else {
                            assert_eq!(invalid(store.clients().create(&NewClient::named(" "))).0, "name");
                            assert_eq!(invalid(store.projects().create(&NewProject::of(1 << 40, "p"))).0, "client-id");
                            assert!(matches!(store.clients().toggle(1 << 40), Err(Error::NotFound { .. })));
                        }
                    }
                });
            }
        });
        let names: Vec<String> =
            store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().name).collect();
        assert_eq!(names, vec!["good"; 160]);
    }
}

#[test]
fn a_transaction_that_gives_an_error_keeps_nothing() {
    for (_directory, store) in stores() {
        let result: Result<(), Error> = store.transaction(|tx| {
            let id = tx.clients().create(&NewClient::named("x"))?;
            assert_eq!(tx.clients().get(id)?.name, "x", "it sees its own writes");
            tx.projects().create(&NewProject::of(id, "p"))?;
            tx.clients().delete(id)
        });
        assert!(matches!(result, Err(Error::Refused { .. })));
        assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0);
        assert_eq!(store.projects().list(&Default::default()).unwrap().count(), 0);
        store.clients().create(&NewClient::named("the store still works")).unwrap();
    }
}

#[test]
fn a_transaction_may_go_on_after_a_change_that_failed() {
    for (_directory, store) in stores() {
        store
            .transaction(|tx| {
                let id = tx.clients().create(&NewClient::named("x"))?;
                assert!(tx.clients().update(id, &ClientChanges::new().name("").details("lost")).is_err());
                assert!(tx.clients().delete(i64::from(id) + 1).is_err());
                tx.clients().update(id, &ClientChanges::new().name("kept"))
            })
            .unwrap();
        let client = store.clients().get(1).unwrap();
        assert_eq!((client.name.as_str(), client.details.as_str()), ("kept", ""));
    }
}

#[test]
fn a_transaction_that_panics_keeps_nothing_and_frees_the_store() {
    for (_directory, store) in stores() {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            store.transaction(|tx| -> Result<(), Error> {
                tx.clients().create(&NewClient::named("x"))?;
                panic!("on purpose");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0);
        let from_another_thread = thread::spawn({
            let store = store.clone();
            move || store.clients().create(&NewClient::named("y"))
        });
        from_another_thread.join().unwrap().unwrap();
        assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 1);
    }
}

#[test]
fn threads_that_wait_for_a_transaction_that_panics_get_their_turn() {
    for (_directory, store) in stores() {
        let inside = Barrier::new(5);
        thread::scope(|scope| {
            scope.spawn(|| {
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    store.transaction(|tx| -> Result<(), Error> {
                        tx.clients().create(&NewClient::named("lost"))?;
                        inside.wait();
                        thread::sleep(Duration::from_millis(20));
                        panic!("on purpose");
                    })
                }));
                assert!(panicked.is_err());
            });
            for _ in 0..4 {
                scope.spawn(|| {
                    inside.wait();
                    store.clients().create(&NewClient::named("kept")).unwrap();
                });
            }
        });
        let names: Vec<String> =
            store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().name).collect();
        assert_eq!(names, vec!["kept"; 4]);
    }
}

#[test]
fn the_store_inside_its_own_transaction_gives_an_error_and_no_deadlock() {
    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, Error>) {
        match result {
            Err(error @ Error::Storage { .. }) => assert!(error.to_string().contains("inside"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    for (at, (_directory, store)) in stores().into_iter().enumerate() {
        let clone = store.clone();
        store
            .transaction(|tx| {
                tx.clients().create(&NewClient::named("x"))?;
                refused(clone.clients().create(&NewClient::named("y")));
                refused(clone.clients().toggle(1));
                refused(clone.transaction(|_| Ok(())));
                refused(clone.clients().create_all([NewClient::named("z")]));
                if at < 2 {
                    // On a file, readers see what was there before the transaction.
                    assert_eq!(clone.clients().list(&Default::default())?.count(), 0);
                } else {
                    refused(clone.clients().get(1));
                    refused(clone.clients().list(&Default::default())?.next().unwrap());
                }
                Ok::<_, Error>(())
            })
            .unwrap();
        let names: Vec<String> =
            store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().name).collect();
        assert_eq!(names, ["x"]);
    }
}

#[test]
fn readers_of_a_file_do_not_wait_for_a_transaction() {
    let [shared, own, _] = stores();
    for (_directory, store) in [shared, own] {
        store.clients().create(&NewClient::named("before")).unwrap();
        store
            .transaction(|tx| {
                tx.clients().update(1, &ClientChanges::new().name("during"))?;
                // The transaction waits for the reader: were it the other way round, both would for ever.
                let seen = thread::scope(|scope| scope.spawn(|| store.clients().get(1).unwrap().name).join().unwrap());
                assert_eq!(seen, "before");
                Ok::<_, Error>(())
            })
            .unwrap();
        assert_eq!(store.clients().get(1).unwrap().name, "during");
    }
}

#[test]
fn a_list_of_a_file_shows_one_moment() {
    let [shared, own, _] = stores();
    for (_directory, store) in [shared, own] {
        store.clients().create_all((0..1000).map(|_| NewClient::named("old"))).unwrap();
        let mut list = store.clients().list(&Default::default()).unwrap();
        assert_eq!(list.next().unwrap().unwrap().id, 1);
        store.clients().delete(900).unwrap();
        store.clients().update(1000, &ClientChanges::new().name("new")).unwrap();
        store.clients().create(&NewClient::named("new")).unwrap();
        let rest: Vec<_> = list.map(Result::unwrap).collect();
        assert_eq!(rest.len(), 999);
        assert!(rest.iter().all(|client| client.name == "old"));
        assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 1000);
    }
}

#[test]
fn a_list_may_be_dropped_half_way() {
    for (_directory, store) in stores() {
        store.clients().create_all((0..600).map(|_| NewClient::named("x"))).unwrap();
        for _ in 0..20 {
            assert!(store.clients().list(&Default::default()).unwrap().next().is_some());
        }
        store.clients().toggle(1).unwrap();
        assert!(!store.clients().get(1).unwrap().active);
    }
}

#[test]
fn a_write_waits_for_another_threads_transaction_no_longer_than_the_busy_timeout() {
    let store = ClientStore::builder().busy_timeout(Duration::from_millis(30)).open_in_memory().unwrap();
    thread::scope(|scope| {
        store
            .transaction(|tx| {
                let command = scope.spawn(|| store.clients().create(&NewClient::named("given up")).map(drop));
                let transaction = scope.spawn(|| store.transaction(|tx| tx.clients().toggle(1)).map(drop));
                // The transaction lasts until both have given up.
                for waiting in [command, transaction] {
                    let result = waiting.join().unwrap();
                    assert!(matches!(result, Err(Error::Busy { .. })), "{result:?}");
                }
                tx.clients().create(&NewClient::named("kept"))
            })
            .unwrap();
    });
    store.clients().create(&NewClient::named("after")).unwrap();
    let names = store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().name);
    assert_eq!(names.collect::<Vec<_>>(), ["kept", "after"]);
}

#[test]
fn a_list_in_memory_that_grows_while_it_is_read_ends() {
    let store = ClientStore::open_in_memory().unwrap();
    store.transaction(|tx| (0..1_000).try_for_each(|_| tx.clients().create(&NewClient::named("x")).map(drop))).unwrap();
    let mut read = 0;
    for client in store.clients().list(&Default::default()).unwrap() {
        client.unwrap();
        store.clients().create(&NewClient::named("meanwhile")).unwrap();
        read += 1;
        assert!(read < 10_000, "it does not end");
    }
    assert!(read >= 1_000, "{read}");
}

#[test]
#[cfg(feature = "tower")]
fn a_task_waits_for_a_threads_transaction_no_longer_than_the_busy_timeout() {
    use tower_service::Service;

    let store = ClientStore::builder().busy_timeout(Duration::from_millis(30)).open_in_memory().unwrap();
    let mut api = clientstore::Api::new(store.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut post = || {
        let body = "<client><name>x</name></client>".to_owned();
        runtime.block_on(api.call(http::Request::post("/clients").body(body).unwrap())).unwrap().status()
    };
    for _ in 0..2 {
        let created = store.transaction(|tx| {
            // The transaction lasts until the request has its answer.
            assert_eq!(thread::scope(|scope| scope.spawn(&mut post).join().unwrap()), 503);
            tx.clients().create(&NewClient::named("kept"))
        });
        created.unwrap();
        assert_eq!(post(), 201);
    }
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 4);
}
