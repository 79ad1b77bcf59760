//! Any text that XML can carry survives the store and the documents; any other is refused.

mod common;

use std::ops::RangeInclusive;

use clientstore::{
    Client, ClientChanges, ClientStore, Dialect, Error, Invoice, NewClient, NewInvoice, NewProject, Project, Stored,
    xml,
};
use common::{invalid, memory, text};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// The ranges of characters that XML 1.0 can carry.
const XML: [RangeInclusive<char>; 6] = [
    '\t'..='\n',
    '\r'..='\r',
    ' '..='\u{D7FF}',
    '\u{E000}'..='\u{FFFD}',
    '\u{10000}'..='\u{10FFFF}',
    '\u{FFFD}'..='\u{FFFD}',
];

/// Texts made of what is hard to carry, and of everything else.
fn any_text() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "]]>",
        "<![CDATA[",
        "&amp;",
        "&",
        "<",
        ">",
        "\"",
        "'",
        "\r\n",
        "\r",
        "\n",
        "\t",
        "  ",
        " ",
        "🦀",
        "👩‍👩‍👧",
        "שלום",
        "مرحبا",
        "\u{202E}",
        "\u{FEFF}",
        "\u{FFFD}",
        "\u{85}",
        "\u{2028}",
        "\u{7F}",
        "<!--",
        "-->",
        "<?x?>",
        "&#13;",
        "'; --",
        "%00",
        "é",
        "e\u{301}",
    ]);
    let any = prop::char::ranges(XML.to_vec().into());
    prop::collection::vec(prop_oneof![hard.prop_map(str::to_owned), any.prop_map(String::from)], 0..12)
        .prop_map(|parts| parts.concat())
}

fn any_name() -> impl Strategy<Value = String> {
    (any_text(), "[a-zé\u{5D0}🦀]", any_text()).prop_map(|(before, letter, after)| before + &letter + &after)
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    (-999_999_999_999_999_999_i64..=999_999_999_999_999_999, 0..=6_u32)
        .prop_map(|(digits, scale)| Decimal::new(digits / 10_i64.pow(6 - scale), scale))
}

fn any_day() -> impl Strategy<Value = chrono::NaiveDate> {
    (1..=9999_i32, 1..=366_u32)
        .prop_filter_map("the year has the day", |(year, day)| chrono::NaiveDate::from_yo_opt(year, day))
}

fn any_client() -> impl Strategy<Value = NewClient> {
    (any_name(), any_text(), any_text(), any_text(), any::<bool>(), any::<Option<i64>>()).prop_map(
        |(name, details, currency, symbol, active, highrise)| {
            NewClient::named(name)
                .details(details)
                .currency(currency)
                .currency_symbol(symbol)
                .active(active)
                .highrise_id(highrise)
        },
    )
}

fn any_project() -> impl Strategy<Value = NewProject> {
    let rate = prop::option::of(any_decimal());
    let budget = prop::option::of(any_decimal());
    let days = (prop::option::of(any_day()), prop::option::of(any_day()));
    (any_name(), any_text(), any_text(), rate, budget, days, any::<bool>()).prop_map(
        |(name, code, notes, rate, budget, (starts_on, ends_on), flag)| {
            NewProject::of(1, name)
                .code(code)
                .notes(notes)
                .hourly_rate(rate)
                .cost_budget(budget)
                .starts_on(starts_on)
                .ends_on(ends_on)
                .active(flag)
                .billable(!flag)
        },
    )
}

fn any_invoice() -> impl Strategy<Value = NewInvoice> {
    let percent = prop::option::of((0..=100_000_000_i64).prop_map(|digits| Decimal::new(digits, 6)));
    (any_text(), any_text(), any_text(), any_text(), any_day(), percent.clone(), percent).prop_map(
        |(subject, notes, number, order, issued, tax, discount)| {
            NewInvoice::of(1)
                .subject(subject)
                .notes(notes)
                .number(number)
                .purchase_order(order)
                .issued_at(issued)
                .tax(tax)
                .discount(discount)
        },
    )
}

fn store() -> ClientStore {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    store
}

/// Record to document to record, and document to fields to document, in both dialects.
fn round_trips<R: Stored>(record: &R) {
    for dialect in [Dialect::Documented, Dialect::Live] {
        let document = xml::write(record, dialect).unwrap();
        let fields = xml::read::<R>(&document).unwrap();
        assert_eq!(text(&xml::write_fields(&fields, dialect).unwrap()), text(&document));
        let list = xml::write_list([record.fields(), record.fields()], dialect).unwrap();
        let read = xml::read_list::<R>(&list).unwrap();
        assert_eq!(text(&xml::write_list(read, dialect).unwrap()), text(&list));
        if dialect == Dialect::Live {
            assert_eq!(fields.complete().unwrap(), *record);
        }
    }
    let json = serde_json::to_string(record).unwrap();
    assert_eq!(serde_json::from_str::<R>(&json).unwrap(), *record);
}

proptest! {
    #[test]
    fn a_client_survives_the_store_and_its_documents(new in any_client()) {
        let store = store();
        let body = xml::write_fields(&new, Dialect::Documented).unwrap();
        prop_assert_eq!(&xml::read_new::<Client>(&body).unwrap(), &new);
        let client = store.clients().get(store.clients().create(&new).unwrap()).unwrap();
        prop_assert_eq!(xml::read_new::<Client>(&xml::write(&client, Dialect::Live).unwrap()).unwrap(), new);
        round_trips(&client);
    }

    #[test]
    fn a_project_survives_the_store_and_its_documents(new in any_project()) {
        let store = store();
        let body = xml::write_fields(&new, Dialect::Documented).unwrap();
        prop_assert_eq!(&xml::read_new::<Project>(&body).unwrap(), &new);
        let direct = store.projects().get(store.projects().create(&new).unwrap()).unwrap();
        let posted = store.projects().create(&xml::read_new(&body).unwrap()).unwrap();
        let mut posted = store.projects().get(posted).unwrap();
        posted.id = direct.id;
        prop_assert_eq!(&posted, &direct);
        round_trips(&direct);
    }

    #[test]
    fn an_invoice_survives_the_store_and_its_documents(new in any_invoice()) {
        let store = store();
        let body = xml::write_fields(&new, Dialect::Documented).unwrap();
        prop_assert_eq!(&xml::read_new::<Invoice>(&body).unwrap(), &new);
        let invoice = store.invoices().get(store.invoices().create(&new).unwrap()).unwrap();
        round_trips(&invoice);
    }

    #[test]
    fn an_update_keeps_the_text_to_the_byte(name in any_name(), details in any_text()) {
        let store = store();
        store.clients().update(1, &ClientChanges::new().name(&*name).details(&*details)).unwrap();
        let client = store.clients().get(1).unwrap();
        prop_assert_eq!((client.name, client.details), (name, details));
    }

    #[test]
    fn a_number_that_follows_any_number_is_another(number in any_text()) {
        let store = store();
        store.invoices().create(&NewInvoice::of(1).number(&*number)).unwrap();
        let next = store.invoices().get(store.invoices().create(&NewInvoice::of(1)).unwrap()).unwrap().number;
        prop_assert_ne!(next, number);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), body in "[<>/&;!?\\[\\]\"'a-c= #x\r\n-]{0,40}") {
        // Whatever comes out is fine, as long as it comes out; what is read can be written.
        for document in [bytes, body.clone().into_bytes(), format!("<client><name>{body}</name></client>").into_bytes()] {
            if let Ok(fields) = xml::read::<Client>(&document) {
                let written = xml::write_fields(&fields, Dialect::Documented).unwrap();
                prop_assert_eq!(xml::read::<Client>(&written).unwrap(), fields);
            }
        }
    }
}

/// The characters that XML cannot carry: control characters and two non-characters.
fn forbidden() -> impl Iterator<Item = char> {
    ('\0'..' ').filter(|character| !matches!(character, '\t' | '\n' | '\r')).chain(['\u{FFFE}', '\u{FFFF}'])
}

#[test]
fn a_text_that_xml_cannot_carry_is_refused_with_its_field() {
    let store = store();
    for character in forbidden() {
        let bad = format!("a{character}b");
        let clients = [
            ("name", NewClient::named(&*bad)),
            ("details", NewClient::named("n").details(&*bad)),
            ("currency", NewClient::named("n").currency(&*bad)),
            ("currency-symbol", NewClient::named("n").currency_symbol(&*bad)),
        ];
        for (field, new) in clients {
            assert_eq!(invalid(store.clients().create(&new)), (field, None), "{character:?}");
            assert_eq!(
                invalid(store.clients().update(1, &new.fields().clone().into())),
                (field, None),
                "{character:?}"
            );
            assert_eq!(invalid(xml::write_fields(&new, Dialect::Live)).0, field, "{character:?}");
        }
        for (field, new) in [
            ("name", NewProject::of(1, &*bad)),
            ("code", NewProject::of(1, "n").code(&*bad)),
            ("notes", NewProject::of(1, "n").notes(&*bad)),
        ] {
            assert_eq!(invalid(store.projects().create(&new)), (field, None), "{character:?}");
        }
        for (field, new) in [
            ("subject", NewInvoice::of(1).subject(&*bad)),
            ("currency", NewInvoice::of(1).currency(&*bad)),
            ("notes", NewInvoice::of(1).notes(&*bad)),
            ("number", NewInvoice::of(1).number(&*bad)),
            ("purchase-order", NewInvoice::of(1).purchase_order(&*bad)),
            ("due-at-human-format", NewInvoice::of(1).due_at_human_format(&*bad)),
        ] {
            assert_eq!(invalid(store.invoices().create(&new)), (field, None), "{character:?}");
        }
    }
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 1);
    assert_eq!(store.clients().get(1).unwrap().cache_version, 0);
}

#[test]
fn a_document_with_what_xml_cannot_carry_is_refused_with_its_field_and_line() {
    for character in forbidden() {
        let number = u32::from(character);
        for content in [
            character.to_string(),
            format!("&#{number};"),
            format!("&#x{number:X};"),
            format!("<![CDATA[{character}]]>"),
        ] {
            let body = format!("<client>\n<name>n</name>\n<details>a{content}b</details></client>");
            let result = xml::read_new::<Client>(body.as_bytes());
            assert_eq!(invalid(result), ("details", Some(3)), "{content:?}");
        }
        let elsewhere = format!("<client>\n<contact>{character}</contact></client>");
        assert!(matches!(xml::read_new::<Client>(elsewhere.as_bytes()), Err(Error::Xml { line: 2, .. })));
    }
}

#[test]
fn every_character_that_xml_can_carry_is_kept() {
    let all: String = XML.into_iter().flatten().collect();
    let store = store();
    store.clients().update(1, &ClientChanges::new().details(&*all)).unwrap();
    let client = store.clients().get(1).unwrap();
    assert!(client.details == all, "the store changed a character");
    let read = xml::read::<Client>(&xml::write(&client, Dialect::Documented).unwrap()).unwrap();
    assert!(read == xml::read::<Client>(&xml::write_fields(&read, Dialect::Documented).unwrap()).unwrap());
    assert!(
        xml::read_new::<Client>(&xml::write(&client, Dialect::Live).unwrap()).unwrap()
            == NewClient::named("SuprCorp")
                .active(true)
                .details(all)
                .highrise_id(None)
                .currency("United States Dollar - USD")
                .currency_symbol("$")
    );
}
