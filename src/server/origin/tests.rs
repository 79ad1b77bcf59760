use super::*;

fn knows(rules: &Rules, host: &str) -> bool {
    split(host).is_some_and(|host| rules.knows(host.name) && !is_unspecified(host.name))
}

#[test]
fn hosts_that_no_page_can_have_are_known() {
    let mut rules = Rules::default();
    rules.allow_host("Harvest.Example").unwrap();
    rules.allow_host(".Below.Example.").unwrap();
    for host in [
        "localhost",
        "LocalHost:7557",
        "localhost:",
        "a.localhost",
        "localhost.",
        "127.0.0.1",
        "10.1.2.3:80",
        "[::1]:7557",
        "[2001:db8::1]",
        "demo.harvestapp.com",
        "a.b.HarvestApp.com:80",
        "harvest.example",
        "harvest.example:1",
        "a.below.example",
        "a.b.below.example.",
    ] {
        assert!(knows(&rules, host), "{host}");
    }
    for host in [
        "example.com",
        "localhost.example.com",
        "xlocalhost",
        ".localhost",
        "harvestapp.com",
        "xharvestapp.com",
        "demo.harvestapp.com.example.com",
        "127.0.0.1.example.com",
        "2130706433",
        "127.1",
        "x.harvest.example",
        "below.example",
        "xbelow.example",
        "0.0.0.0",
        "0.0.0.0:7557",
        "0.1.2.3",
        "[::]",
        "[0:0::0]:7557",
        "[::ffff:0.0.0.0]",
    ] {
        assert!(!knows(&rules, host), "{host}");
    }
}

#[test]
fn a_host_is_read_whole() {
    for host in [
        "",
        ":80",
        "a b",
        "a/b",
        "user@localhost",
        "[::1",
        "[localhost]",
        "[::1]x",
        "[::1]80",
        "[::1].example.com",
        "[::1]:80x",
        "[fe80::1%eth0]",
        "localhost:x",
        "localhost:99999",
        "localhost:+80",
        "localhost:-1",
        "localhost: 80",
        "localhost:80:80",
        "localhost:80@evil.example",
        "localhost:80/",
        "localhost#",
        "127.0.0.1 x",
        "127.0.0.1,evil.example",
        "127.0.0.1:80 evil.example",
        "::1",
    ] {
        assert_eq!(split(host), None, "{host}");
    }
}

#[test]
fn an_origin_is_the_own_one_by_scheme_host_and_port() {
    let own = |port| Host { name: "localhost", port };
    assert!(is_same("http://LOCALHOST:7557", "http", &own(Some(7557))));
    assert!(is_same("http://localhost", "http", &own(Some(80))));
    assert!(is_same("http://localhost:80", "http", &own(None)));
    for origin in ["https://localhost:7557", "http://localhost", "http://127.0.0.1:7557", "null", "", "http://"] {
        assert!(!is_same(origin, "http", &own(Some(7557))), "{origin}");
    }
}

#[test]
fn allowed_origins_are_kept_as_browsers_write_them() {
    for (given, kept) in [
        ("http://localhost:3000", "http://localhost:3000"),
        ("HTTP://LocalHost:3000/", "http://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("https://app.example:443", "https://app.example"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://localhost:03000", "http://localhost:3000"),
        ("http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("tauri://localhost", "tauri://localhost"),
    ] {
        let mut rules = Rules::default();
        rules.allow_origin(given).unwrap();
        assert_eq!(rules.origins, [kept]);
    }
    for given in [
        "",
        "null",
        "localhost",
        "localhost:3000",
        "http://",
        "file://",
        "://localhost",
        "http://localhost:*",
        "http://*.example.com",
        "*",
        "http://localhost:0",
        "http://localhost:x",
        "http://localhost:99999",
        "http://localhost:3000/app",
        "http://localhost:3000//",
        "http://localhost?x",
        "http://user@localhost",
        "http://a..b",
        "http://127.1",
        "http://b\u{fc}cher.example",
        "http://local host",
    ] {
        assert!(Rules::default().allow_origin(given).is_err(), "{given}");
    }
}

#[test]
fn allowed_hosts_that_no_request_could_name_are_refused() {
    for given in [
        "",
        ".",
        "..",
        "*.harvest.test",
        "*",
        "http://harvest.test",
        "harvest.test/",
        "harvest.test:8080",
        "[::1]:80",
        "a..b",
        "a b",
        "user@host",
        ".127.0.0.1",
        ".[::1]",
        "0.0.0.0",
        "[::]",
        "b\u{fc}cher.example",
        &"a".repeat(64),
        &"a.".repeat(200),
    ] {
        assert!(Rules::default().allow_host(given).is_err(), "{given}");
    }
    for given in ["harvest.test", "Harvest.Test.", ".harvest.test", "my_host", "192.168.1.1", "[::1]"] {
        assert_eq!(Rules::default().allow_host(given), Ok(()), "{given}");
    }
}

fn request(target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::get(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn the_account_is_the_first_label_of_the_host_or_named_by_the_header() {
    let mut rules = Rules::default();
    rules.has_accounts();
    rules.account_domain("Harvest.Test.").unwrap();
    rules.account_domain("eu.harvest.test").unwrap();
    rules.allow_host("other.test").unwrap();
    let account = |target: &str, headers: &[(&str, &str)]| {
        rules.account(&request(target, headers)).map(str::to_owned).map_err(|refusal| refusal.status.as_u16())
    };
    for (host, name) in [
        ("demo.localhost", "demo"),
        ("Demo.LOCALHOST.:80", "Demo"),
        ("demo.harvestapp.com:443", "demo"),
        ("demo.harvest.test", "demo"),
        ("eu.harvest.test", "eu"),
        ("demo.eu.harvest.test", "demo"),
        // Whether it can be a name is not decided here.
        ("a_b.localhost", "a_b"),
    ] {
        assert_eq!(account("/", &[("host", host)]).as_deref(), Ok(name), "{host}");
    }
    for (host, status) in [
        ("localhost", 404),
        ("127.0.0.1", 404),
        ("[::1]:80", 404),
        ("a.demo.localhost", 404),
        ("other.test", 404),
        ("demo.other.test", 403),
        ("harvest.test", 403),
        ("demo.db", 403),
        ("demo.localhost.example", 403),
        ("demo.localhost..", 403),
        ("..", 403),
        ("../demo.localhost", 400),
        ("demo.localhost:80:80", 400),
    ] {
        assert_eq!(account("/", &[("host", host)]), Err(status), "{host}");
    }
    let named = |host, name| account("/", &[("host", host), ("x-clientstore-account", name)]);
    assert_eq!(named("127.0.0.1", "demo").as_deref(), Ok("demo"));
    assert_eq!(named("demo.localhost", "DEMO").as_deref(), Ok("demo"));
    assert_eq!(named("demo.localhost", "other"), Err(400));
    assert_eq!(named("demo.example.com", "demo"), Err(403), "a host that no page can have is needed all the same");
    let twice = [("host", "localhost"), ("x-clientstore-account", "demo"), ("x-clientstore-account", "demo")];
    assert_eq!(account("/", &twice), Err(400));
    // The target's host counts, where it has one.
    let target = "http://one.localhost/clients";
    assert_eq!(account(target, &[("host", "two.localhost")]).as_deref(), Ok("one"));
    assert_eq!(account("/", &[]), Err(400));
}

#[test]
fn a_domain_of_accounts_is_one_that_has_names_below_it() {
    for given in
        ["", ".", ".harvest.test", "*.harvest.test", "http://harvest.test", "harvest.test:80", "127.0.0.1", "[::1]"]
    {
        assert!(Rules::default().account_domain(given).is_err(), "{given}");
    }
}

#[test]
fn control_paths_of_an_account_never_answer_to_names_of_the_service() {
    let mut rules = Rules::default();
    rules.has_accounts();
    rules.account_domain("harvest.test").unwrap();
    let decide = |host| rules.decide(&request("/_clientstore/reset", &[("host", host)]), false, true);
    for host in ["demo.localhost", "demo.harvest.test", "127.0.0.1"] {
        assert_eq!(decide(host), Ok(Decision::Pass), "{host}");
    }
    for host in ["demo.harvestapp.com", "DEMO.HarvestApp.com.", "a.demo.harvestapp.com"] {
        assert_eq!(decide(host), Err(CONTROL), "{host}");
    }
}
