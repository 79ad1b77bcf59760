//! Observing lists, and the change feed. The other process is this binary again, running `the_other_process`.

mod common;

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use clientstore::{
    ChangeKind, Client, ClientChanges, ClientFilter, ClientStore, Contact, Durability, Error, Invoice, InvoiceFilter,
    InvoiceState, LoadOptions, NewClient, NewContact, NewInvoice, NewTask, Observation, Task,
};
use common::{memory, tell};

const PATH: &str = "CLIENTSTORE_OBSERVATION_PATH";
/// Longer than any machine takes.
const LONG: Duration = Duration::from_secs(60);
/// For what is not to happen.
const SHORT: Duration = Duration::from_millis(100);

fn open(path: &Path) -> ClientStore {
    ClientStore::builder().durability(Durability::Off).busy_timeout(LONG * 2).open(path).unwrap()
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_other_process", "--nocapture"])
        .env(PATH, path)
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "it is the other process of the tests here"]
fn the_other_process() {
    if let Some(path) = std::env::var_os(PATH) {
        write_pairs(&open(Path::new(&path)), 50);
    }
}

/// Writes the same text to clients 1 and 2, in one transaction each time.
fn write_pairs(store: &ClientStore, count: usize) {
    for number in 0..count {
        let text = format!("{} {:?} {number}", std::process::id(), std::thread::current().id());
        store
            .transaction(|tx| {
                tx.clients().update(1, &ClientChanges::new().details(text.clone()))?;
                tx.clients().update(2, &ClientChanges::new().details(text))
            })
            .unwrap();
    }
}

fn clients(store: &ClientStore) -> Observation<Client> {
    store.observe(&ClientFilter::new()).unwrap()
}

fn names(value: &[Client]) -> Vec<&str> {
    value.iter().map(|client| client.name.as_str()).collect()
}

/// Takes values until one is as it should be.
fn until(observation: &mut Observation<Client>, holds: impl Fn(&[Client]) -> bool) {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < LONG, "no value was as it should be");
        if observation.next_timeout(LONG).expect("a value").is_ok_and(|value| holds(&value)) {
            return;
        }
    }
}

#[test]
fn an_observer_gets_the_list_as_it_is_and_again_after_each_change() {
    let (store, _) = memory();
    let mut observation = clients(&store);
    assert!(observation.next().unwrap().unwrap().is_empty());
    let id = store.clients().create(&NewClient::named("A")).unwrap();
    assert_eq!(names(&observation.next().unwrap().unwrap()), ["A"]);
    store.clients().update(id, &ClientChanges::new().name("B")).unwrap();
    assert_eq!(names(&observation.next().unwrap().unwrap()), ["B"]);
    store.clients().delete(id).unwrap();
    assert!(observation.next().unwrap().unwrap().is_empty());
}

#[test]
fn what_the_filter_does_not_show_is_no_change() {
    let (store, _) = memory();
    let id = store.clients().create(&NewClient::named("A")).unwrap();
    let invoice = store.invoices().create(&NewInvoice::of(id)).unwrap();
    let mut paid = store.observe::<Invoice>(&InvoiceFilter::new().status(InvoiceState::Paid)).unwrap();
    assert!(paid.next().unwrap().unwrap().is_empty());
    store.invoices().mark_as_sent(invoice).unwrap();
    assert!(paid.next_timeout(SHORT).is_none());
    store.tasks().create(&NewTask::named("Design")).unwrap();
    assert!(!paid.wait(SHORT), "no table of the list was written to");
    store.invoices().delete(invoice).unwrap();
    assert!(paid.wait(LONG), "its table was");
    assert!(paid.next_timeout(SHORT).is_none());
}

#[test]
fn a_wait_misses_no_commit_since_the_observation_was_made_or_the_last_wait_ended() {
    let (store, _) = memory();
    let mut observation = clients(&store);
    for name in ["A", "B"] {
        store.clients().create(&NewClient::named(name)).unwrap();
        assert!(observation.wait(LONG), "{name} was created before the wait");
    }
    assert!(!observation.wait(SHORT));
    assert_eq!(names(&observation.next().unwrap().unwrap()), ["A", "B"]);
}

#[test]
fn a_transaction_that_is_rolled_back_or_refused_is_no_change() {
    let (store, _) = memory();
    let mut observation = clients(&store);
    observation.next().unwrap().unwrap();
    let result: Result<(), Error> = store.transaction(|tx| {
        tx.clients().create(&NewClient::named("A"))?;
        tx.clients().delete(7)
    });
    assert!(result.is_err());
    assert!(store.clients().create(&NewClient::named(" ")).is_err());
    assert!(!observation.wait(SHORT));
}

#[test]
fn each_file_is_observed_however_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let own = ClientStore::builder().exclusive(true).durability(Durability::Off).open(&path).unwrap();
    let mut observation = clients(&own);
    observation.next().unwrap().unwrap();
    own.clients().create(&NewClient::named("A")).unwrap();
    until(&mut observation, |value| names(value) == ["A"]);
    drop((observation, own));

    let shared = open(&path);
    let reading = ClientStore::builder().read_only(true).open(&path).unwrap();
    let mut observations = [clients(&shared), clients(&reading)];
    for observation in &mut observations {
        assert_eq!(names(&observation.next().unwrap().unwrap()), ["A"]);
    }
    shared.clients().create(&NewClient::named("B")).unwrap();
    for observation in &mut observations {
        until(observation, |value| names(value) == ["A", "B"]);
    }
}

#[test]
fn a_slow_observer_holds_back_nobody_and_gets_the_newest_value_then() {
    let (store, _) = memory();
    let (said, saying) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let slow = clients(&store)
        .on_change(move |value| {
            said.send(value.unwrap().len()).unwrap();
            wait.recv().ok();
        })
        .unwrap();
    assert_eq!(saying.recv_timeout(LONG), Ok(0));
    let mut quick = clients(&store);
    quick.next().unwrap().unwrap();
    for count in 1..=3 {
        store.clients().create(&NewClient::named("A")).unwrap();
        until(&mut quick, |value| value.len() == count);
    }
    go_on.send(()).unwrap();
    assert_eq!(saying.recv_timeout(LONG), Ok(3), "those between were left out");
    drop(slow);
    go_on.send(()).unwrap();
    store.clients().create(&NewClient::named("A")).unwrap();
    let ended: Result<usize, _> = saying.recv_timeout(LONG);
    assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected), "the handle is gone, and so is the function");
}

#[test]
fn the_last_observer_lets_go_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for _ in 0..20 {
        let store = open(&path);
        let mut observation = clients(&store);
        store.clients().create(&NewClient::named("A")).unwrap();
        observation.next().unwrap().unwrap();
        drop((store, observation));
        let own = ClientStore::builder().exclusive(true).open(&path);
        assert!(own.is_ok(), "{own:?}");
    }
}

#[test]
fn inside_a_transaction_nothing_is_observed() {
    let (store, _) = memory();
    let result = store.transaction(|_| store.observe::<Client>(&ClientFilter::new()).map(drop));
    assert!(matches!(result, Err(Error::Storage { .. })), "{result:?}");
    let result = store.transaction(|_| store.change_version().map(drop));
    assert!(matches!(result, Err(Error::Storage { .. })), "{result:?}");
}

/// Checks each value until, after the end, the final state has come, and gives how many values there were.
fn check_pairs(store: &ClientStore, ended: &AtomicBool) -> usize {
    let mut observation = clients(store);
    let mut newest = observation.next().unwrap().unwrap();
    let mut values = 1;
    let mut limit = None;
    loop {
        if ended.load(Ordering::SeqCst) {
            if newest[0].details == store.clients().get(1).unwrap().details {
                return values;
            }
            assert!(limit.get_or_insert_with(Instant::now).elapsed() < LONG, "the final state was missed");
        }
        if let Some(value) = observation.next_timeout(SHORT) {
            newest = value.unwrap();
            values += 1;
            assert_eq!(newest[0].details, newest[1].details, "a state that never was");
        }
    }
}

/// Writes by threads and other processes while others observe, and compares what each saw last with what is there.
fn under_writers(observed: usize, threads: usize, processes: usize, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path);
    store.clients().create_all(["1", "2"].map(NewClient::named)).unwrap();
    let ended = AtomicBool::new(false);
    let last: Vec<Receiver<Arc<Vec<Client>>>> = std::thread::scope(|scope| {
        let checks: Vec<_> = (0..observed).map(|_| scope.spawn(|| check_pairs(&store, &ended))).collect();
        let (handles, last): (Vec<_>, Vec<_>) = (0..observed)
            .map(|_| {
                let (send, receive) = mpsc::channel();
                (clients(&store).on_change(move |value| drop(send.send(value.unwrap()))).unwrap(), receive)
            })
            .unzip();
        let children: Vec<Child> = (0..processes).map(|_| start(&path)).collect();
        let writers: Vec<_> = (0..threads).map(|_| scope.spawn(|| write_pairs(&store, rounds))).collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        let end = store.clients().get(1).unwrap().details;
        for receive in &last {
            let mut value = receive.recv_timeout(LONG).unwrap();
            while value[0].details != end {
                assert_eq!(value[0].details, value[1].details, "a state that never was");
                value = receive.recv_timeout(LONG).expect("the final state comes");
            }
        }
        ended.store(true, Ordering::SeqCst);
        let values: usize = checks.into_iter().map(|check| check.join().unwrap()).sum();
        assert!(values >= observed, "{values}");
        drop(handles);
        last
    });
    // After the final state, no other came.
    for receive in last {
        assert!(receive.recv_timeout(LONG).is_err());
    }
}

#[test]
fn under_writers_and_other_processes_no_final_state_is_missed_and_no_state_is_seen_that_never_was() {
    under_writers(4, 4, 2, 50);
}

#[test]
#[ignore = "it takes long; for measuring"]
fn under_eight_writers_and_four_processes_for_long() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        under_writers(8, 8, 4, 200);
    }
}

#[test]
#[ignore = "for measuring: what observers and the feed cost a commit"]
fn the_cost_of_a_commit_while_a_hundred_observe() {
    let folder = tempfile::tempdir().unwrap();
    let stores = ["without feed", "with feed"].map(|name| ClientStore::open(folder.path().join(name)).unwrap());
    for store in &stores {
        store.clients().create_all((0..10).map(|number| NewClient::named(number.to_string()))).unwrap();
    }
    stores[1].change_version().unwrap();
    let commit = |store: &ClientStore, number: i32| {
        let begun = Instant::now();
        store.clients().update(1, &ClientChanges::new().details(number.to_string())).unwrap();
        begun.elapsed()
    };
    let (mut plain, mut observed, mut fed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..40 {
        for number in 0..20 {
            plain.push(commit(&stores[0], number));
            fed.push(commit(&stores[1], number));
        }
        let observations: Vec<_> = (0..100).map(|_| clients(&stores[0]).on_change(drop).unwrap()).collect();
        observed.extend((0..20).map(|number| commit(&stores[0], number)));
        drop(observations);
        // Until their threads have ended.
        std::thread::sleep(SHORT);
    }
    for (name, mut took) in [("plain", plain), ("observed", observed), ("with feed", fed)] {
        took.sort_unstable();
        let within = |part: usize| took[took.len() * part / 10];
        tell(format!("{name}: 1 of 10 within {:?}, 5 within {:?}, 9 within {:?}", within(1), within(5), within(9)));
    }
}

#[test]
fn the_feed_tells_what_was_created_updated_and_deleted() {
    let (store, _) = memory();
    let kept = store.clients().create(&NewClient::named("kept")).unwrap();
    let gone = store.clients().create(&NewClient::named("gone")).unwrap();
    let contact = store.contacts().create(&NewContact::of(gone, "Jane", "Doe")).unwrap();
    let version = store.change_version().unwrap();
    assert!(store.changes_since(version).unwrap().is_empty());

    store.clients().update(kept, &ClientChanges::new().details("more")).unwrap();
    store.clients().delete(gone).unwrap();
    let new = store.clients().create(&NewClient::named("new")).unwrap();
    store.clients().toggle(new).unwrap();
    let brief = store.clients().create(&NewClient::named("brief")).unwrap();
    store.clients().delete(brief).unwrap();
    let changes = store.changes_since(version).unwrap();
    let expected = [(kept, ChangeKind::Updated), (gone, ChangeKind::Deleted), (new, ChangeKind::Created)];
    assert_eq!(changes.of::<Client>().unwrap(), expected);
    assert_eq!(changes.of::<Contact>().unwrap(), [(contact, ChangeKind::Deleted)], "it went with its client");
    assert_eq!(changes.of::<Task>().unwrap(), []);
    assert!(store.changes_since(changes.version()).unwrap().is_empty());
}

#[test]
fn the_feed_leaves_out_what_was_refused_and_what_was_rolled_back() {
    let (store, _) = memory();
    let id = store.clients().create(&NewClient::named("A")).unwrap();
    let version = store.change_version().unwrap();
    store.invoices().create(&NewInvoice::of(7)).unwrap_err();
    store
        .transaction(|tx| {
            tx.clients().update(id, &ClientChanges::new().name("B"))?;
            tx.clients().delete(7)
        })
        .unwrap_err();
    store
        .transaction(|tx| {
            tx.tasks().create(&NewTask::named("Design"))?;
            tx.invoices().create(&NewInvoice::of(7)).unwrap_err();
            let list = b"<clients><client><id>9</id><name>C</name></client><client><id>9</id><name>D</name></client></clients>";
            tx.load([("clients.xml", list.as_slice())], LoadOptions::new(), |_| {}).unwrap_err();
            Ok::<_, Error>(())
        })
        .unwrap();
    let changes = store.changes_since(version).unwrap();
    assert_eq!(changes.of::<Client>().unwrap(), []);
    assert_eq!(changes.of::<Invoice>().unwrap(), []);
    assert_eq!(changes.of::<Task>().unwrap().len(), 1);
}

#[test]
fn what_another_program_writes_is_unknown_to_the_feed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path);
    store.clients().create_all(["1", "2"].map(NewClient::named)).unwrap();
    let version = store.change_version().unwrap();
    assert!(start(&path).wait().unwrap().success());
    let changes = store.changes_since(version).unwrap();
    assert!(!changes.are_known());
    assert_eq!(changes.of::<Client>(), None);
    assert!(store.changes_since(changes.version()).unwrap().is_empty());
    // Seen by the transaction that comes after it as well.
    let version = store.change_version().unwrap();
    assert!(start(&path).wait().unwrap().success());
    store.clients().create(&NewClient::named("3")).unwrap();
    assert!(!store.changes_since(version).unwrap().are_known());
}
