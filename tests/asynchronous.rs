//! The typed access for asynchronous code.

#![cfg(feature = "async")]

mod common;

use std::sync::mpsc;
use std::time::Duration;

use clientstore::{
    Client, ClientChanges, ClientFilter, ClientStore, DayEntryFilter, Error, NewClient, NewProject, Rule,
};
use common::refusal;

#[tokio::test]
async fn each_call_does_what_the_blocking_one_does() {
    let blocking = ClientStore::open_in_memory().unwrap();
    let store = blocking.to_async();
    let id = store.clients().create(&NewClient::named("A")).await.unwrap();
    assert_eq!(store.clients().create_all(["B", "C"].map(NewClient::named)).await.unwrap(), 2);
    store.clients().update(id, &ClientChanges::new().details("more")).await.unwrap();
    assert_eq!(store.clients().get(id).await.unwrap(), blocking.clients().get(id).unwrap());
    let listed = store.clients().list(&ClientFilter::new()).await.unwrap();
    let expected: Vec<Client> =
        blocking.clients().list(&ClientFilter::new()).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!((listed.len(), listed), (3, expected));
    store.clients().delete(2).await.unwrap();
    assert!(matches!(store.clients().get(2).await, Err(Error::NotFound { id: 2, .. })));
    assert!(store.day_entries().list(&DayEntryFilter::new()).await.unwrap().is_empty());

    store.projects().create(&NewProject::of(id, "Website")).await.unwrap();
    let toggled = store.clients().call(move |clients| clients.toggle(id)).await;
    assert_eq!(refusal(toggled).0, Rule::ClientHasActiveProjects);
}

#[tokio::test]
async fn a_transaction_happens_wholly_or_not_at_all_and_what_it_panics_with_goes_on() {
    let store = ClientStore::open_in_memory().unwrap().to_async();
    let result: Result<(), Box<dyn std::error::Error + Send + Sync>> = store
        .transaction(|tx| {
            tx.clients().create(&NewClient::named("A"))?;
            Err("a program's own error".into())
        })
        .await;
    assert_eq!(result.unwrap_err().to_string(), "a program's own error");
    let its = store.clone();
    let panicked = tokio::spawn(async move {
        its.transaction(|tx| {
            tx.clients().create(&NewClient::named("B"))?;
            if tx.clients().get(1).is_ok() {
                panic!("on purpose");
            }
            Ok::<_, Error>(())
        })
        .await
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert!(store.clients().list(&ClientFilter::new()).await.unwrap().is_empty());
}

/// On a runtime with one thread, a call that waits for another thread's transaction lets other tasks go on.
#[tokio::test(flavor = "current_thread")]
async fn no_call_blocks_the_executor() {
    let folder = tempfile::tempdir().unwrap();
    let builder = ClientStore::builder().busy_timeout(Duration::from_secs(60));
    let store = builder.open(folder.path().join("store.db")).unwrap();
    let (begun, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let its = store.clone();
    let holder = std::thread::spawn(move || {
        its.transaction(|_| {
            begun.send(()).unwrap();
            may_end.recv().ok();
            Ok::<_, Error>(())
        })
    });
    has_begun.recv().unwrap();
    let clients = store.to_async().clients();
    let writing = tokio::spawn(async move { clients.create(&NewClient::named("A")).await });
    tokio::task::yield_now().await;
    assert!(!writing.is_finished());
    // This task goes on while the other waits.
    end.send(()).unwrap();
    writing.await.unwrap().unwrap();
    holder.join().unwrap().unwrap();
}

#[cfg(feature = "stream")]
#[tokio::test(flavor = "current_thread")]
async fn a_stream_of_values_wakes_its_task() {
    use std::pin::pin;

    use futures_core::Stream;

    let store = ClientStore::open_in_memory().unwrap();
    let mut clients = pin!(store.observe::<Client>(&ClientFilter::new()).unwrap().into_stream().unwrap());
    let mut counts = Vec::new();
    while counts.len() < 3 {
        let value = std::future::poll_fn(|context| clients.as_mut().poll_next(context)).await.unwrap().unwrap();
        counts.push(value.len());
        store.to_async().clients().create(&NewClient::named("A")).await.unwrap();
    }
    assert!(counts.is_sorted() && counts[0] < counts[2], "{counts:?}");
}
