//! The rulings about input documents, one test each (`wire.md`).

mod common;

use clientstore::{
    Client, ClientChanges, Error, Invoice, NewClient, NewInvoice, NewProject, Project, ProjectChanges, xml,
};
use common::{invalid, malformed, memory};
use rust_decimal::Decimal;

fn client(body: &str) -> Result<NewClient, Error> {
    xml::read_new::<Client>(body.as_bytes())
}

fn project(fields: &str) -> Result<NewProject, Error> {
    xml::read_new::<Project>(format!("<project>\n{fields}</project>").as_bytes())
}

#[track_caller]
fn reads_as(body: &str, expected: NewClient) {
    assert_eq!(client(body).unwrap(), expected, "{body}");
}

#[test]
fn names_come_dashed_or_underscored_with_or_without_types() {
    for body in [
        "<client><highrise-id type=\"integer\">5</highrise-id></client>",
        "<client><highrise_id>5</highrise_id></client>",
        "<client><highrise_id type='string'>5</highrise_id></client>",
    ] {
        reads_as(body, NewClient::new().highrise_id(5));
    }
    let fields =
        project("<client_id>3</client_id><over_budget-notification_percentage>7</over_budget-notification_percentage>");
    let percent = Decimal::from(7);
    assert_eq!(fields.unwrap(), NewProject::new().client_id(3).over_budget_notification_percentage(percent));
}

#[test]
fn names_differ_by_case_and_prefix() {
    reads_as("<client><Name>x</Name><x:name>y</x:name></client>", NewClient::new());
}

#[test]
fn unknown_elements_are_ignored_with_all_they_contain() {
    let body = "<client><contact><name>Not this</name><a><b/></a></contact><name>This</name></client>";
    reads_as(body, NewClient::named("This"));
    reads_as("<client><name>A<b>not <name>this</name></b>B</name></client>", NewClient::named("AB"));
}

#[test]
fn text_between_the_elements_is_ignored() {
    reads_as("<client>\n  ...\n<name>x</name> &amp; </client>", NewClient::named("x"));
}

#[test]
fn read_only_fields_and_an_id_are_ignored() {
    let body = "<client><id>77</id><cache-version>x</cache-version><created-at/><name>n</name>\
                <last-invoice-kind>task</last-invoice-kind><default-invoice-timeframe nil='true'/></client>";
    reads_as(body, NewClient::named("n"));
    let changes = xml::read_changes::<Project>(b"<project><active>false</active><code>c</code></project>").unwrap();
    assert_eq!(changes, ProjectChanges::new().code("c").active(false), "an update may deactivate a project");
    assert_eq!(project("<active>0</active>").unwrap(), NewProject::new().active(false));
    let invoice = xml::read_new::<Invoice>(b"<invoice><state>nonsense</state><amount>x</amount></invoice>").unwrap();
    assert_eq!(invoice, NewInvoice::new());
}

#[test]
fn nil_sets_a_nullable_field_to_nil() {
    for body in ["<highrise-id nil=\"true\"></highrise-id>", "<highrise_id type='integer' nil='true'/>"] {
        reads_as(&format!("<client>{body}</client>"), NewClient::new().highrise_id(None));
    }
    reads_as("<client><highrise-id nil='false'>4</highrise-id></client>", NewClient::new().highrise_id(4));
    assert_eq!(project("<hourly-rate nil=\"true\"></hourly-rate>").unwrap(), NewProject::new().hourly_rate(None));
}

#[test]
fn an_empty_element_is_the_empty_text_or_nil() {
    reads_as("<client><details></details></client>", NewClient::new().details(""));
    reads_as("<client><details/></client>", NewClient::new().details(""));
    reads_as("<client><highrise-id/></client>", NewClient::new().highrise_id(None));
    assert_eq!(project("<budget type=\"decimal\"></budget>").unwrap(), NewProject::new().budget(None));
    assert_eq!(project("<starts-on> \n</starts-on>").unwrap(), NewProject::new().starts_on(None));
}

#[test]
fn nil_for_a_text_that_cannot_be_nil_is_the_empty_text() {
    reads_as("<client><details nil=\"true\"></details></client>", NewClient::new().details(""));
    let (store, _) = memory();
    let blank = client("<client><name nil=\"true\"/></client>").unwrap();
    assert_eq!(invalid(store.clients().create(&blank)).0, "name");
    let id = store.clients().create(&NewClient::named("x")).unwrap();
    let blank = xml::read_changes(b"<client><name nil=\"true\"/></client>").unwrap();
    assert_eq!(invalid(store.clients().update(id, &blank)).0, "name");
}

#[test]
fn nil_or_empty_leaves_another_field_that_cannot_be_nil_as_it_is() {
    for active in ["<active nil=\"true\"/>", "<active></active>", "<active type=\"boolean\"> </active>"] {
        reads_as(&format!("<client>{active}<name>n</name></client>"), NewClient::named("n"));
    }
    let (store, _) = memory();
    let id = store.clients().create(&NewClient::named("x").active(false)).unwrap();
    let changes = xml::read_changes(b"<client><active nil='true'/></client>").unwrap();
    store.clients().update(id, &changes).unwrap();
    assert!(!store.clients().get(id).unwrap().active);
}

#[test]
fn nil_or_empty_for_a_required_number_is_refused_with_its_line() {
    assert_eq!(invalid(project("<client-id nil=\"true\"/>")), ("client-id", Some(2)));
    assert_eq!(invalid(project("<name>x</name>\n<client-id></client-id>")), ("client-id", Some(3)));
}

#[test]
fn of_a_repeated_element_the_last_wins() {
    reads_as("<client><name>a</name><details>d</details><name>b</name></client>", NewClient::named("b").details("d"));
    let project = project("<budget_by>task</budget_by><budget>3</budget><budget-by>person</budget-by><budget/>");
    assert_eq!(project.unwrap(), NewProject::new().budget_by(clientstore::BudgetBy::Person).budget(None));
}

#[test]
fn white_space_around_a_typed_value_is_trimmed_and_text_is_kept() {
    reads_as("<client><highrise-id>\r\n\t 5 \n</highrise-id></client>", NewClient::new().highrise_id(5));
    reads_as("<client><active>\n1\n</active></client>", NewClient::new().active(true));
    reads_as("<client><name>\t a \n</name></client>", NewClient::named("\t a \n"));
    assert_eq!(invalid(client("<client><highrise-id>\u{A0}5</highrise-id></client>")), ("highrise-id", Some(1)));
}

#[test]
fn line_ends_become_line_feeds_and_referenced_returns_stay() {
    reads_as("<client>\r\n<details>a\r\nb\rc\n\r\nd</details>\r</client>", NewClient::new().details("a\nb\nc\n\nd"));
    reads_as("<client><details>a&#13;\nb&#xD;</details></client>", NewClient::new().details("a\r\nb\r"));
    reads_as("<client><details><![CDATA[a\r\nb\r]]></details></client>", NewClient::new().details("a\nb\n"));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    reads_as("\u{FEFF}<client><name>x</name></client>", NewClient::named("x"));
    reads_as("\u{FEFF}<?xml version=\"1.0\"?><client><name>x</name></client>", NewClient::named("x"));
    reads_as("<client><name>\u{FEFF}x</name></client>", NewClient::named("\u{FEFF}x"));
    assert_eq!(malformed(client("\u{FEFF}\n<project/>")).0, 2);
}

#[test]
fn declared_encodings_that_utf_8_contains_are_read() {
    for declaration in [
        "<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\r\n",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
        "<?xml version=\"1.0\" encoding=\"US-ASCII\"?>",
    ] {
        reads_as(&format!("{declaration}<client><name>x</name></client>"), NewClient::named("x"));
    }
}

#[test]
fn another_declared_encoding_is_refused_and_named() {
    for encoding in ["ISO-8859-1", "UTF-16", "windows-1252"] {
        let body = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n<client><name>x</name></client>");
        let (line, reason) = malformed(client(&body));
        assert_eq!(line, 1);
        assert!(reason.contains(encoding), "{reason}");
    }
}

#[test]
fn comments_instructions_cdata_and_references_are_understood() {
    let body = "<!-- a --><?go on?>\n<client><!-- <name>no</name> --><name>a<!-- b -->c<?d e?>\
                <![CDATA[<&]]]]><![CDATA[>]]>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F980;</name></client><!-- z -->\n<?z?>\n";
    reads_as(body, NewClient::named("ac<&]]><>&\"'A🦀"));
    reads_as("<client><highrise-id>4<!-- 3 -->&#50;</highrise-id></client>", NewClient::new().highrise_id(42));
}

#[test]
fn booleans_have_four_spellings() {
    for (sent, kept) in [("true", true), ("false", false), ("1", true), ("0", false)] {
        reads_as(&format!("<client><active>{sent}</active></client>"), NewClient::new().active(kept));
    }
    for sent in ["TRUE", "yes", "t", "2", "nil"] {
        let body = format!("<client>\n\n<active>{sent}</active></client>");
        assert_eq!(invalid(client(&body)), ("active", Some(3)), "{sent}");
    }
}

#[test]
fn integers_are_in_plain_notation() {
    reads_as(
        "<client><highrise-id>-9223372036854775808</highrise-id></client>",
        NewClient::new().highrise_id(i64::MIN),
    );
    for sent in ["9223372036854775808", "1.0", "1e3", "0x1", "1 2", "١"] {
        let body = format!("<client><highrise-id>{sent}</highrise-id></client>");
        assert_eq!(invalid(client(&body)), ("highrise-id", Some(1)), "{sent}");
    }
}

#[test]
fn a_decimal_has_at_most_12_digits_before_the_point_and_6_after_it() {
    for sent in ["999999999999.999999", "-999999999999.999999", "5", "0.5", "12.50"] {
        let expected: Decimal = sent.parse().unwrap();
        assert_eq!(project(&format!("<budget>{sent}</budget>")).unwrap(), NewProject::new().budget(expected), "{sent}");
    }
    for sent in ["1000000000000", "0.0000001", "1e3", "1,5", "--1", "1.2.3", ".", "NaN", "1_000"] {
        assert_eq!(invalid(project(&format!("<budget>{sent}</budget>"))), ("budget", Some(2)), "{sent}");
    }
}

#[test]
fn dates_are_iso_or_eight_digits() {
    for sent in ["2011-03-31", "20110331", " 2011-03-31\n", "2011-03-31T23:00:00-05:00", "2011-03-31 10:00"] {
        let expected = NewProject::new().ends_on(common::day("2011-03-31"));
        assert_eq!(project(&format!("<ends-on type=\"date\">{sent}</ends-on>")).unwrap(), expected, "{sent}");
    }
    for sent in ["2011-02-29", "2011-3-31", "31.03.2011", "0000-01-01", "10000-01-01", "2011-03-31T10"] {
        assert_eq!(invalid(project(&format!("<ends-on>{sent}</ends-on>"))), ("ends-on", Some(2)), "{sent}");
    }
}

#[test]
fn datetimes_are_read_in_every_form() {
    for sent in [
        "2011-03-31T10:00:00Z",
        "2011-03-31 10:00:00",
        "2011-03-31T12:00:00+02:00",
        "2011-03-31 10:00:00 +0000",
        "2011-03-31 10:00:00 UTC",
    ] {
        let document = format!("<client><updated-at>{sent}</updated-at></client>");
        let canonical = "<client><updated-at>2011-03-31T10:00:00Z</updated-at></client>";
        let read = |document: &str| xml::read::<Client>(document.as_bytes()).unwrap();
        assert_eq!(read(&document), read(canonical), "{sent}");
    }
    let document = b"<client>\n<updated-at>2011-03-31T24:00:00Z</updated-at></client>";
    assert_eq!(invalid(xml::read::<Client>(document)), ("updated-at", Some(2)));
}

#[test]
fn bill_by_is_read_without_regard_to_case() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("x")).unwrap();
    let fields = project(&format!("<client-id>{client}</client-id><name>p</name><bill-by>tASKS</bill-by>")).unwrap();
    let id = store.projects().create(&fields).unwrap();
    assert_eq!(store.projects().get(id).unwrap().bill_by, clientstore::BillBy::Tasks);
}

#[test]
fn a_value_outside_the_listed_ones_is_refused_with_the_list() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("x")).unwrap();
    for (field, listed) in [
        ("bill-by", "none, Tasks, People, Project"),
        ("budget-by", "project, project_cost, task, person, task_fees, none"),
    ] {
        for value in ["hours", ""] {
            let body = format!("<client-id>{client}</client-id><name>p</name><{field}>{value}</{field}>");
            match store.projects().create(&project(&body).unwrap()) {
                Err(Error::Invalid { field: named, reason, .. }) => {
                    assert_eq!(named, field);
                    assert!(reason.contains(listed), "{reason}");
                }
                other => panic!("{field} {value:?} gave {other:?}"),
            }
        }
    }
}

#[test]
fn an_invoices_kind_is_read_with_a_dash_as_well() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("x")).unwrap();
    for (kind, kept) in [("free-form", "free_form"), ("free_form", "free_form"), ("task", "task"), ("people", "people")]
    {
        let body = format!("<invoice><client-id>{client}</client-id><kind>{kind}</kind></invoice>");
        store.invoices().create(&xml::read_new(body.as_bytes()).unwrap()).unwrap();
        assert_eq!(store.clients().get(client).unwrap().last_invoice_kind.as_deref(), Some(kept));
    }
    let body = format!("<invoice><client-id>{client}</client-id><kind>retainer</kind></invoice>");
    assert_eq!(invalid(store.invoices().create(&xml::read_new(body.as_bytes()).unwrap())).0, "kind");
}

#[test]
fn the_root_is_named_like_the_resource() {
    for body in ["<project></project>", "<clients></clients>", "<Client></Client>", "<hash/>"] {
        let (line, reason) = malformed(client(&format!("<?xml version=\"1.0\"?>\n\n{body}")));
        assert_eq!(line, 3);
        assert!(reason.contains("<client>"), "{reason}");
    }
    let (_, reason) = malformed(xml::read_list::<Client>(b"<client></client>"));
    assert!(reason.contains("<clients>"), "{reason}");
}

#[test]
fn thirty_two_levels_are_read_and_one_more_is_refused() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        client(&format!("<client>{}{}</client>", "<a>".repeat(inner), "</a>".repeat(inner)))
    };
    assert_eq!(nested(32).unwrap(), NewClient::new());
    assert!(malformed(nested(33)).1.contains("32"));
    let empty = format!("<client>{}<b/>{}</client>", "<a>".repeat(31), "</a>".repeat(31));
    assert!(malformed(client(&empty)).1.contains("32"), "an empty element is a level too");
}

#[test]
fn sixty_four_attributes_are_read_and_one_more_is_refused() {
    let with = |count: usize| {
        let attributes: String = (0..count).map(|number| format!(" a{number}=''")).collect();
        client(&format!("<client>\n<name{attributes}>x</name></client>"))
    };
    assert_eq!(with(64).unwrap(), NewClient::named("x"));
    let (line, reason) = malformed(with(65));
    assert_eq!(line, 2);
    assert!(reason.contains("64"), "{reason}");
}

#[test]
fn a_doctype_is_refused_and_named() {
    for doctype in ["<!DOCTYPE client>", "<!DOCTYPE client SYSTEM 'x.dtd'>", "<!DOCTYPE client [<!ENTITY a 'b'>]>"] {
        let (line, reason) = malformed(client(&format!("\n{doctype}<client><name>&a;</name></client>")));
        assert_eq!(line, 2);
        assert!(reason.contains("DOCTYPE"), "{reason}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused_with_its_line_and_never_repaired() {
    for (line, body) in [
        (2, "<client>\n<name>Fish & Chips</name></client>"),
        (2, "<client>\n<name>&unknown;</name></client>"),
        (2, "<client>\n<name>a ]]> b</name></client>"),
        (3, "<client>\n<name>\n</client>"),
        (2, "<client>\n<name>x</nam></client>"),
        (2, "<client>\n<name a=b>x</name></client>"),
        (2, "<client>\n<name a='1' a='2'>x</name></client>"),
        (2, "<client>\n<name a>x</name></client>"),
        (2, "<client>\n<name a='<'>x</name></client>"),
        (2, "<client>\n<name a='&b;'>x</name></client>"),
        (2, "<client>\n<1name>x</1name></client>"),
        (2, "<client>\n<!-- a -- b --></client>"),
        (2, "<client></client>\n<client></client>"),
        (2, "<client>\n</client>text"),
        (1, "text<client></client>"),
        (2, "\n<?xml version=\"1.0\"?><client></client>"),
        (1, "<?xml version=\"2.0\"?><client></client>"),
        (1, "<?xml encoding=\"UTF-8\"?><client></client>"),
        (1, ""),
        (3, "\n \n"),
    ] {
        assert_eq!(malformed(client(body)).0, line, "{body:?}");
    }
}

#[test]
fn an_update_takes_a_subset_and_leaves_the_rest() {
    let changes = xml::read_changes::<Client>(b"<client><details>d</details></client>").unwrap();
    assert_eq!(changes, ClientChanges::new().details("d"));
    assert_eq!(xml::read_changes::<Client>(b"<client/>").unwrap(), ClientChanges::new());
}
