//! Generated stores: the same for the same seed, to the byte, and full of what an account has.

mod common;
mod transfers;

use std::collections::HashSet;
use std::path::Path;

use clientstore::{
    BillBy, ClientId, ClientStore, Error, Generator, Invoice, InvoiceState, NewClient, NewInvoice, NewProject,
    ProjectId, Rule,
};
use common::{memory, plain, refusal};
use rust_decimal::Decimal;
use transfers::{dumped, load};

fn small(seed: u64) -> Generator {
    let generator = Generator::new(seed).people(9).tasks(15).contacts_per_client(1);
    generator.clients(40).projects_per_client(2).invoices_per_client(3)
}

fn generated(generator: Generator) -> ClientStore {
    let store = ClientStore::open_in_memory().unwrap();
    generator.run(&store, |_| {}).unwrap();
    store
}

fn invoices(store: &ClientStore) -> Vec<Invoice> {
    store.invoices().list(&Default::default()).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_seed_gives_the_same_document_for_ever() {
    let generator = Generator::new(7).people(2).tasks(2).contacts_per_client(1);
    let store = generated(generator.clients(2).projects_per_client(1).invoices_per_client(2));
    assert_eq!(dumped(&store), include_str!("fixtures/generated.xml"));
}

#[test]
fn two_stores_of_one_seed_are_equal_files_whatever_their_clocks_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (_, clock) = memory();
    let builders = [ClientStore::builder(), common::builder(&clock)];
    let files = ["one.db", "two.db"].into_iter().zip(builders).map(|(name, builder)| {
        let path = folder.path().join(name);
        small(3).run(&builder.open(&path).unwrap(), |_| {}).unwrap();
        assert!(!folder.path().join(format!("{name}-wal")).exists());
        std::fs::read(path).unwrap()
    });
    let files: Vec<_> = files.collect();
    assert!(files[0] == files[1], "the files differ");
    assert!(files[0].len() > 100_000);
}

#[test]
fn other_seeds_give_other_stores() {
    assert_ne!(dumped(&generated(small(1))), dumped(&generated(small(2))));
    assert_eq!(dumped(&generated(small(1))), dumped(&generated(small(1))));
}

#[test]
fn there_are_as_many_records_as_asked_for_each_with_its_client() {
    let generator = small(1);
    assert_eq!(generator.records(), 9 + 15 + 40 + 40 + 80 + 120);
    let store = generated(generator);
    let clients: Vec<ClientId> =
        store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().id).collect();
    assert_eq!(clients, (1..=40).collect::<Vec<_>>());
    let owners: Vec<ClientId> =
        store.projects().list(&Default::default()).unwrap().map(|project| project.unwrap().client_id).collect();
    assert_eq!(owners, (1..=40).flat_map(|client| [client; 2]).collect::<Vec<_>>());
    let mut owners: Vec<ClientId> = invoices(&store).iter().map(|invoice| invoice.client_id).collect();
    owners.sort_unstable();
    assert_eq!(owners, (1..=40).flat_map(|client| [client; 3]).collect::<Vec<_>>());
}

#[test]
fn nothing_asked_for_is_nothing_made() {
    for generator in [Generator::new(1), Generator::new(1).projects_per_client(3).invoices_per_client(3)] {
        assert_eq!(generator.records(), 0);
        assert_eq!(dumped(&generated(generator)), dumped(&ClientStore::open_in_memory().unwrap()));
    }
    let clients = generated(Generator::new(1).clients(3));
    assert_eq!(clients.projects().list(&Default::default()).unwrap().count(), 0);
    assert_eq!(invoices(&clients).len(), 0);
    let without_projects = generated(Generator::new(1).clients(3).invoices_per_client(1));
    assert_eq!(invoices(&without_projects).len(), 3);
}

#[test]
fn clients_are_as_various_as_an_accounts_and_as_long_as_the_pages() {
    let store = generated(Generator::new(1).clients(2_000));
    let clients: Vec<_> = store.clients().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    let share = |holds: fn(&clientstore::Client) -> bool| clients.iter().filter(|client| holds(client)).count();
    assert!((1_700..1_820).contains(&share(|client| client.active)));
    assert!((240..360).contains(&share(|client| client.highrise_id.is_some())));
    assert!((60..180).contains(&share(|client| client.details.is_empty())));
    assert!(share(|client| client.name.contains('&')) > 200);
    assert!(share(|client| !client.name.is_ascii()) > 50);
    let different = |text: fn(&clientstore::Client) -> &str| clients.iter().map(text).collect::<HashSet<_>>().len();
    assert_eq!(different(|client| &client.currency), 7);
    assert!(different(|client| &client.name) > 1_500);
    assert!(different(|client| &client.details) > 1_850);
    // The page's own example has 110 bytes in seven lines.
    let bytes: usize = clients.iter().map(|client| client.details.len()).sum();
    assert!((80..130).contains(&(bytes / clients.len())), "{}", bytes / clients.len());
    assert!(clients.is_sorted_by_key(|client| client.created_at));
    assert!(clients.iter().all(|client| client.created_at == client.updated_at && client.cache_version == 0));
}

#[test]
fn projects_have_every_way_of_billing_and_an_inactive_client_has_no_active_one() {
    let store = generated(Generator::new(1).clients(300).projects_per_client(2));
    let projects: Vec<_> = store.projects().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    let ways: HashSet<_> = projects.iter().map(|project| project.bill_by).collect();
    assert_eq!(ways.len(), 4);
    let budgets: HashSet<_> = projects.iter().map(|project| project.budget_by).collect();
    assert_eq!(budgets.len(), 5);
    assert!(projects.iter().all(|project| project.hourly_rate.is_some() == (project.bill_by == BillBy::Project)));
    let active = projects.iter().filter(|project| project.active).count();
    assert!((330..420).contains(&active), "{active}");
    for project in &projects {
        let client = store.clients().get(project.client_id).unwrap();
        assert!(client.active || !project.active, "project {}", project.id);
        assert!(project.created_at >= client.created_at);
        assert!(project.ends_on.is_none_or(|end| project.starts_on.is_some_and(|start| start < end)));
    }
}

#[test]
fn invoices_have_every_state_and_what_belongs_to_it() {
    let store = generated(Generator::new(1).clients(100).projects_per_client(2).invoices_per_client(4));
    let invoices = invoices(&store);
    let mut taxed = 0;
    for invoice in &invoices {
        let id = invoice.id;
        let lines = store.invoices().lines(id).unwrap();
        let projects = |line: &clientstore::LineItem| {
            line.project_id.as_deref().is_none_or(|project| {
                store.projects().get(project.parse::<ProjectId>().unwrap()).unwrap().client_id == invoice.client_id
            })
        };
        assert!(!lines.is_empty() && lines.iter().all(projects), "invoice {id}");
        let payments = store.payments().list(&clientstore::PaymentFilter::new().invoice(id)).unwrap();
        let payments: Vec<_> = payments.map(Result::unwrap).collect();
        let paid: rust_decimal::Decimal = payments.iter().map(|payment| payment.amount).sum();
        let messages = store.messages().list(&clientstore::MessageFilter::new().invoice(id)).unwrap().count();
        assert_eq!(invoice.due_amount, invoice.amount - paid, "invoice {id}");
        assert!(invoice.amount.is_sign_positive() && invoice.issued_at == invoice.created_at.date_naive());
        assert!(payments.iter().all(|payment| payment.paid_at > invoice.created_at), "invoice {id}");
        match invoice.state {
            InvoiceState::Draft => {
                assert_eq!((payments.len(), messages, invoice.updated_at), (0, 0, invoice.created_at))
            }
            InvoiceState::Open | InvoiceState::Closed => assert_eq!(payments.len(), 0),
            InvoiceState::Partial => assert!(payments.len() == 1 && !invoice.due_amount.is_zero()),
            InvoiceState::Paid => assert!((1..=2).contains(&payments.len()) && invoice.due_amount.is_zero()),
            other => panic!("{other:?}"),
        }
        taxed += usize::from(invoice.tax.is_some());
    }
    let of = |state| invoices.iter().filter(|invoice| invoice.state == state).count();
    for (state, least) in [
        (InvoiceState::Draft, 10),
        (InvoiceState::Open, 30),
        (InvoiceState::Partial, 8),
        (InvoiceState::Paid, 230),
        (InvoiceState::Closed, 8),
    ] {
        assert!(of(state) >= least, "{} are {state:?}", of(state));
    }
    assert!((160..300).contains(&taxed), "{taxed}");
    // Newest first: numbers, ids and times all fall.
    assert!(invoices.is_sorted_by(|one, next| {
        let number = |invoice: &Invoice| invoice.number.parse::<u32>().unwrap();
        number(one) == number(next) + 1
            && i64::from(one.id) == i64::from(next.id) + 1
            && one.created_at >= next.created_at
    }));
    let keys: HashSet<_> = invoices.iter().map(|invoice| &invoice.client_key).collect();
    assert_eq!(keys.len(), invoices.len());
}

#[test]
fn a_generated_store_goes_through_dump_and_load() {
    let document = dumped(&generated(small(5)));
    let (copy, _) = memory();
    load(&copy, &document).unwrap();
    assert_eq!(dumped(&copy), document);
}

#[test]
fn a_store_that_gave_ids_already_is_refused_and_stays_as_it_is() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "Website")).unwrap();
    let invoice = store.invoices().create(&NewInvoice::of(client)).unwrap();
    let refused = (Rule::StoreIsNotNew, vec![("used client id", 1), ("used project id", 1), ("used invoice id", 1)]);
    let before = dumped(&store);
    assert_eq!(refusal(small(1).run(&store, |_| panic!("nothing is made"))), refused);
    assert_eq!(dumped(&store), before);
    // Their records may be gone.
    store.invoices().delete(invoice).unwrap();
    store.projects().delete(project).unwrap();
    store.clients().delete(client).unwrap();
    let error = small(1).run(&store, |_| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The store is not new: 1 used client id and 1 used project id and 1 used invoice id; generate into a new file"
    );
}

#[test]
fn progress_comes_to_the_number_of_records_in_batches_that_readers_see() {
    let folder = tempfile::tempdir().unwrap();
    let store = ClientStore::open(folder.path().join("store.db")).unwrap();
    let generator = Generator::new(1).clients(12_000).projects_per_client(1);
    let mut told = Vec::new();
    generator
        .run(&store, |progress| {
            let made = progress.done;
            assert_eq!(progress.total, 24_000);
            told.push(made);
            let clients = store.clients().list(&Default::default()).unwrap().count() as u64;
            assert_eq!(clients, made.min(12_000));
        })
        .unwrap();
    assert_eq!(told, [5_000, 10_000, 12_000, 17_000, 22_000, 24_000]);
    assert!(wal(folder.path()) < 16_000_000, "the log grew to {}", wal(folder.path()));
}

fn wal(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("store.db-wal")).unwrap().len()
}

#[test]
fn somebody_else_who_makes_records_meanwhile_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = ClientStore::open(&path).unwrap();
    let other = plain(&path);
    let error = Generator::new(1).clients(12_000).run(&store, |progress| {
        if progress.done == 10_000 {
            let now = "2026-01-01T00:00:00Z";
            other.execute("INSERT INTO clients (name, created_at, updated_at) VALUES ('x', ?1, ?1)", [now]).unwrap();
        }
    });
    assert!(matches!(error, Err(Error::Storage { .. })), "{error:?}");
    assert!(error.unwrap_err().to_string().contains("somebody else"));
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 10_001);
}

fn with_time(days: u32) -> Generator {
    small(7).days(days)
}

#[test]
fn a_seed_gives_the_same_time_sheets_and_expenses_for_ever() {
    let list = |document: &str, of: &str| {
        let end = format!("  </{of}>\n");
        document[document.rfind(&format!("  <{of}")).unwrap()..document.find(&end).unwrap() + end.len()].to_owned()
    };
    let generator = Generator::new(7).people(3).tasks(2).clients(2).projects_per_client(2);
    let days = |days| dumped(&generated(generator.days(days)));
    assert_eq!(list(&days(3), "day-entries"), include_str!("fixtures/generated-time.xml"));
    assert_eq!(list(&days(60), "expenses"), include_str!("fixtures/generated-expenses.xml"));
    assert_eq!(dumped(&generated(with_time(30))), dumped(&generated(with_time(30))));
}

#[test]
fn time_sheets_are_what_people_write() {
    let generator = with_time(60);
    assert_eq!(generator.records(), small(7).records() + 9 * 60);
    let store = generated(generator);
    let entries: Vec<_> = store.day_entries().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    let mut days = std::collections::BTreeMap::new();
    for entry in &entries {
        assert!(!["Sat", "Sun"].contains(&&*entry.spent_at.format("%a").to_string()), "{entry:?}");
        assert_eq!(entry.created_at.date_naive(), entry.spent_at);
        *days.entry((entry.user_id, entry.spent_at)).or_insert(Decimal::ZERO) += entry.hours;
    }
    for (day, hours) in &days {
        assert!((Decimal::from(7)..=Decimal::from(9)).contains(hours), "{day:?}: {hours}");
    }
    let people: HashSet<_> = days.keys().map(|(user, _)| *user).collect();
    assert!((5..=9).contains(&people.len()), "{people:?}");
    // 60 days have 43 or 44 working days, and people are away now and then.
    let each = days.len() / people.len();
    assert!((34..=43).contains(&each), "{each} days each");
    assert!(entries.len() > 3 * days.len() / 2 && entries.iter().any(|entry| entry.notes.is_none()));
    assert!(store.check(|_| {}).unwrap().is_clean());
}

#[test]
fn expenses_are_what_people_at_work_spend_for_their_projects() {
    let store = generated(with_time(90));
    let expenses: Vec<_> = store.expenses().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    let entries: Vec<_> = store.day_entries().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    let at_work: HashSet<_> = entries.iter().map(|entry| (entry.user_id, entry.spent_at)).collect();
    // About 7 of 100 days at work have one or two.
    assert!(
        (at_work.len() / 40..=at_work.len() / 5).contains(&expenses.len()),
        "{} of {}",
        expenses.len(),
        at_work.len()
    );
    let mut categories = HashSet::new();
    for expense in &expenses {
        assert!(at_work.contains(&(expense.user_id, expense.spent_at)), "{expense:?}");
        assert!(!expense.has_receipt && !expense.is_billed && expense.total_cost > Decimal::ONE, "{expense:?}");
        assert_eq!(expense.created_at.date_naive(), expense.spent_at);
        let category = store.expense_categories().get(expense.expense_category_id).unwrap();
        match category.unit_price {
            Some(price) => assert_eq!((expense.units * price).round_dp(2), expense.total_cost, "{expense:?}"),
            None => assert_eq!(expense.units, Decimal::ONE),
        }
        categories.insert(expense.expense_category_id);
    }
    assert_eq!(categories.len(), 4, "{categories:?}");
}
