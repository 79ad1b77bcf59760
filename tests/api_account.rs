//! Who asks: the account, and authentication.

mod api;
mod common;

use api::{Answer, DECLARATION, Service};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use clientstore::{Account, Clock, Dialect, TimeFormat, WeekStart};
use http::Request;

const WHO_AM_I: &str = include_str!("fixtures/who-am-i.xml");

#[test]
fn who_am_i_tells_the_account_to_the_byte_in_both_dialects() {
    let account = Account::default()
        .company("Example & Sons <Ltd>")
        .domain("example.harvestapp.com")
        .email("jane@example.com")
        .administrator("Jäne", "Doe\u{1}");
    for (dialect, declaration) in [(Dialect::Documented, ""), (Dialect::Live, DECLARATION)] {
        let service = Service::of(account.clone()).with(|api| api.dialect(dialect));
        for path in ["/account/who_am_i", "/account/who_am_i.xml", "/account/who_am_i/?x=1"] {
            let answer = service.get(path);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body, format!("{declaration}{WHO_AM_I}"), "{path}");
        }
    }
}

#[test]
fn an_account_has_defaults() {
    let body = Service::new().get("/account/who_am_i").body;
    for line in [
        "<base-uri>https://demo.harvestapp.com</base-uri>",
        "<name>Example Company</name>",
        "<email>admin@example.com</email>",
        "<first-name>Admin</first-name>",
        "<last-name>User</last-name>",
    ] {
        assert!(body.contains(line), "{line} in {body}");
    }
}

#[test]
fn every_option_of_the_account_is_shown() {
    let account = Account::default()
        .domain("sons.example.com")
        .at("http://localhost:7557")
        .time_format(TimeFormat::HoursMinutes)
        .clock(Clock::TwentyFourHours)
        .decimal_symbol(',')
        .thousands_separator('\u{a0}')
        .week_start_day(WeekStart::Sunday);
    let body = Service::of(account).get("/account/who_am_i").body;
    for line in [
        "<base-uri>http://localhost:7557</base-uri>",
        "<full-domain>sons.example.com</full-domain>",
        "<week-start-day>Sunday</week-start-day>",
        "<time-format>hours_minutes</time-format>",
        "<clock>24h</clock>",
        "<decimal-symbol>,</decimal-symbol>",
        "<thousands-separator>\u{a0}</thousands-separator>",
    ] {
        assert!(body.contains(line), "{line} in {body}");
    }
}

#[test]
fn the_words_of_an_option_are_read_in_any_case() {
    assert_eq!("saturday".parse(), Ok(WeekStart::Saturday));
    assert_eq!("24H".parse(), Ok(Clock::TwentyFourHours));
    assert_eq!(" 24h".parse::<Clock>(), Err("expected 12h or 24h"));
    for format in [TimeFormat::Decimal, TimeFormat::HoursMinutes] {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
}

#[track_caller]
fn ask(service: &Service, authorization: impl AsRef<[u8]>) -> Answer {
    service.send(Request::get("/clients").header("Authorization", authorization.as_ref()).body("").unwrap())
}

fn locked() -> Service {
    Service::new().with(|api| api.auth("jane@example.com", "se:cr:et"))
}

#[test]
fn nobody_is_asked_by_default() {
    let service = Service::new();
    assert_eq!(ask(&service, "Basic nonsense").status, 200);
    assert_eq!(service.get("/clients").status, 200);
}

#[test]
fn the_right_credentials_are_let_in_however_they_are_spelled() {
    let pair = b"jane@example.com:se:cr:et";
    let (padded, bare) = (STANDARD.encode(pair), STANDARD_NO_PAD.encode(pair));
    assert_ne!(padded, bare, "the pair is one that needs padding");
    for base64 in [padded, bare] {
        for header in [
            format!("Basic {base64}"),
            format!("Basic ({base64})"),
            format!("basic {base64}"),
            format!("BASIC ({base64})"),
            format!("Basic  {base64} "),
        ] {
            assert_eq!(ask(&locked(), &header).status, 200, "{header}");
        }
    }
}

#[test]
fn missing_and_wrong_credentials_are_refused_to_the_byte() {
    let expected = |message: &str| {
        let body = format!("<hash>\n  <message>{message}</message>\n</hash>\n");
        format!(
            "401\ncontent-length: {}\ncontent-type: application/xml; charset=utf-8\nstatus: 401 Unauthorized\n\
             www-authenticate: Basic realm=\"Harvest\"\n\n{body}",
            body.len()
        )
    };
    let service = locked();
    let asked = "This account asks for a user and a password, by HTTP Basic.";
    assert_eq!(service.get("/clients").whole(), expected(asked));
    let encoded = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    for header in [
        encoded("jane@example.com:se:cr:e"),
        encoded("jane@example.com:se:cr:et "),
        encoded("jane@example.com:se:cr:etse:cr:et"),
        encoded("jane@example.com:SE:CR:ET"),
        encoded("john@example.com:se:cr:et"),
        encoded("jane@example.com:se:cr:et:"),
        encoded("jane@example.com:se"),
        encoded("jane@example.comse:cr:et"),
        encoded("jane@example.com:"),
        encoded(":se:cr:et"),
        encoded(":"),
    ] {
        assert_eq!(ask(&service, &header).whole(), expected("Authentication failed for API request."), "{header}");
    }
    for header in [
        encoded(""),
        STANDARD.encode("jane@example.com:se:cr:et"),
        format!("Bearer {}", STANDARD.encode("jane@example.com:se:cr:et")),
        format!("Basic ({}", STANDARD.encode("jane@example.com:se:cr:et")),
        "Basic !!!!".to_owned(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic ()".to_owned(),
        "\u{e9}\u{e9}\u{e9}\u{e9}".to_owned(),
        String::new(),
    ] {
        let unread = "The credentials cannot be read; send HTTP Basic, USER:PASSWORD in base64.";
        assert_eq!(ask(&service, &header).whole(), expected(unread), "{header}");
    }
}

#[test]
fn an_empty_user_or_password_is_compared_like_any_other() {
    let ask_for = |user: &str, password: &str, pair: &str| {
        let service = Service::new().with(|api| api.auth(user, password));
        ask(&service, format!("Basic {}", STANDARD.encode(pair))).status
    };
    assert_eq!(ask_for("jane", "", "jane:"), 200);
    assert_eq!(ask_for("jane", "", "jane:x"), 401);
    assert_eq!(ask_for("jane", "", "jane"), 401);
    assert_eq!(ask_for("", "x", ":x"), 200);
    assert_eq!(ask_for("", "x", "a:x"), 401);
    assert_eq!(ask_for("jané", "pässwörd", "jané:pässwörd"), 200);
}

#[test]
fn credentials_come_before_everything_else() {
    let service = locked();
    for (method, path) in [
        ("GET", "/nowhere"),
        ("PATCH", "/clients"),
        ("POST", "/clients"),
        ("DELETE", "/clients/1"),
        ("HEAD", "/clients"),
        ("GET", "/account/who_am_i"),
    ] {
        let answer = service.call(method, path, "<client><name>x</name></client>");
        assert_eq!(answer.status, 401, "{method} {path}");
    }
    assert_eq!(ask(&service, format!("Basic {}", STANDARD.encode("jane@example.com:se:cr:et"))).ids(), [0; 0]);
}
