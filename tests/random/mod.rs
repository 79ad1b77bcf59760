//! Requests by chance: valid ones of every kind, most of them with something wrong, in every format.

mod json;

use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri};

use crate::common::Random;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "M-SEARCH"];
const SUFFIXES: &[&str] = &[
    "",
    "",
    "/",
    ".xml",
    ".json",
    ".json",
    ".json/",
    "/toggle",
    "/toggle.xml",
    "/toggle.json",
    "/%74oggle",
    "//",
    "/x",
    "%2F1",
];

const QUERIES: &[&str] = &[
    "updated_since=2011-03-31+10:00",
    "updated_since=",
    "updated_since=2010-09-25%2018%3A30%3A00%20%2B0000",
    "updated_since=9999-12-31T23:59:59-23:59",
    "client=1",
    "client=abc",
    "client=-9223372036854775808",
    "status=unpaid",
    "status=pastdue",
    "state=draft",
    "status=%27%20OR%201=1",
    "page=2",
    "page=0",
    "page=4294967295",
    "page=99999999999999999999",
    "from=20110301",
    "to=2011-03-31",
    "from=0000",
    "x",
    "%FF=%00",
    "+&&=;",
];

/// The types that say what a body is.
const XML_TYPES: &[&str] = &["", "", "application/xml", "text/xml; charset=utf-8"];
const JSON_TYPES: &[&str] =
    &["", "application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""];
const FORM_TYPE: &str = "application/x-www-form-urlencoded";

const HEADERS: &[(&str, &[u8])] = &[
    ("content-type", b"application/xml"),
    ("content-type", b"text/xml; charset=utf-8"),
    ("content-type", b"text/xml; charset=iso-8859-1"),
    ("content-type", b"text/xml; charset=\xFF\xE9"),
    ("content-type", b";;charset=\"\";="),
    ("content-type", b"application/json; charset=utf-16"),
    ("accept", b"application/json"),
    ("accept", b"application/json, text/javascript, */*; q=0.01"),
    ("accept", b"text/xml;q=0.9, application/json;q=0.91"),
    ("accept", b"application/json;q=0, */*"),
    ("accept", b"application/xml"),
    ("accept", b";q=\xFF,,application/json;q=1.001"),
    ("authorization", b"Basic (QWxhZGRpbjpvcGVuIHNlc2FtZQ)"),
    ("content-length", b"99999999999999999999"),
    ("transfer-encoding", b"chunked, chunked"),
    ("host", b"evil.example"),
    ("x-http-method-override", b"DELETE"),
    ("if-none-match", b"*"),
];

/// A resource's path, its root, and its fields, a few each so that some are repeated.
type Resource = (&'static str, &'static str, &'static [&'static str]);

/// The same of expenses, which a few requests are about.
const OF_EXPENSES: &[Resource] = &[
    ("/expense_categories", "expense-category", &["name", "unit-name", "unit_price", "deactivated", "id"]),
    (
        "/expenses",
        "expense",
        &[
            "project-id",
            "expense-category-id",
            "spent-at",
            "units",
            "total_cost",
            "notes",
            "billable",
            "of_user",
            "user-id",
            "is-closed",
            "has-receipt",
        ],
    ),
];

const RESOURCES: &[Resource] = &[
    ("/clients", "client", &["name", "active", "details", "highrise-id", "currency", "currency_symbol", "id", "other"]),
    (
        "/projects",
        "project",
        &[
            "client-id",
            "name",
            "active",
            "code",
            "billable",
            "bill-by",
            "hourly_rate",
            "budget-by",
            "budget",
            "over-budget-notification-percentage",
            "starts-on",
            "ends_on",
            "notes",
            "cost-budget",
            "created-at",
        ],
    ),
    (
        "/invoices",
        "invoice",
        &[
            "client-id",
            "due-at",
            "due-at-human-format",
            "period-end",
            "subject",
            "currency",
            "issued-at",
            "notes",
            "number",
            "purchase-order",
            "tax",
            "tax2",
            "discount",
            "kind",
            "projects-to-invoice",
            "import-hours",
            "import-expenses",
            "state",
            "amount",
            "csv-line-items",
        ],
    ),
    (
        "/invoices/{}/messages",
        "invoice-message",
        &["body", "recipients", "send-me-a-copy", "thank_you", "subject", "include-pay-pal-link", "attach-pdf"],
    ),
    ("/invoice/{}/payments", "payment", &["amount", "paid-at", "notes", "invoice-id", "recorded-by"]),
    ("/invoice_item_categories", "invoice-item-category", &["name", "use-as-service", "use_as_expense", "id"]),
    ("/tasks", "task", &["name", "billable-by-default", "is_default", "default-hourly-rate", "deactivated", "id"]),
    (
        "/people",
        "user",
        &[
            "email",
            "first-name",
            "last-name",
            "has-access-to-all-future-projects",
            "default-hourly-rate",
            "cost-rate",
            "is-active",
            "is-admin",
            "is_project_manager",
            "timezone",
            "password",
        ],
    ),
    ("/contacts", "contact", &["client-id", "first-name", "last-name", "email", "phone-office", "title", "id"]),
    ("/projects/{}/task_assignments", "task", &["id", "task-id", "billable", "deactivated", "hourly-rate", "budget"]),
    ("/projects/{}/user_assignments", "user-assignment", &["user-id", "id", "deactivated", "is-project-manager"]),
    ("/projects/{}/task_assignments/add_with_create_new_task", "task", &["name", "is-default", "deactivated"]),
];

/// What follows the path of an invoice's messages and changes its state.
const STATES: &[&str] = &["mark_as_sent", "mark_as_sent", "mark_as_draft", "mark_as_closed", "re_open", "messages"];

const LINES: &[&str] = &[
    "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\nService,\"a, \"\"b\"\"\",2,10.50,,true,false,1\n",
    "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\n  Product,x,-0.333333,999999.99,7,1,1\n\nx,y,0,0,0,,,\n",
    "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\nService,many,999999999999.999999,999999999999,,,,\n",
    "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\n",
    "kind,description\nx,y\n",
];

/// Values that fit some fields and offend others.
const VALUES: &[&str] = &[
    "",
    " ",
    "x",
    "1",
    "0",
    "true",
    "false",
    "7.25",
    "100.000001",
    "-3",
    "999999999999.999999",
    "1e9",
    "9223372036854775807",
    "-9223372036854775808",
    "2011-03-31",
    "20110331",
    "0001-01-01",
    "9999-12-31",
    "2011-03-31T10:00:00Z",
    "NET 30",
    "net -30",
    "NET 99999999999999999999",
    "5 days",
    "due upon receipt",
    "custom",
    "none",
    "TASKS",
    "project_cost",
    "free-form",
    "all",
    "detailed",
    "open",
    "Euro - EUR",
    " - ",
    "INV-0099",
    "99999999999999999999",
    "Größe &amp; &lt;mehr&gt;\r\n\t&#13;&#x1F600;",
    "&#0;",
    "&#xFFFE;",
    "\u{FFFD}\u{85}\u{7F}",
    "'; DROP TABLE clients; --",
    "%s%n\\0",
    "&amp",
    "]]>",
    "<![CDATA[<a> & b]]>",
    "<!-- c -->",
    "<inner><name>x</name></inner>",
];

/// What is put into paths and bodies.
const SHARDS: &[&[u8]] = &[
    b"<",
    b">",
    b"&",
    b"</",
    b"/>",
    b"\"",
    b"'",
    b"=",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?xml",
    b"?>",
    b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
    b"&a;",
    b"&#x0;",
    b" nil=\"true\"",
    b" nil=nil",
    b"\0",
    b"\xFF",
    b"\xEF\xBB\xBF",
    b"\xED\xA0\x80",
    b"\r\n",
    b"\n",
    b" ",
    b"<a>",
    b"<client>",
    b"</client>",
    b"<clients>",
    b"<id>1</id>",
    b" encoding=\"UTF-16\"",
    b"%",
    b"%00",
    b"%2e%2e",
    b"/",
    b"?",
    b"&",
    b"#",
    b".xml",
    b"..",
    b"\xC3\xA9",
];

/// Makes the body of a record with a root, of its fields.
type Make<'a> = dyn FnMut(&mut Random, &str, &[&str]) -> Vec<u8> + 'a;

impl Random {
    /// A request to records with ids up to about the given one.
    pub fn request(&mut self, ids: usize) -> Request<Vec<u8>> {
        let of_expenses = self.percent(8);
        let (template, root, fields) = self.of(if of_expenses { OF_EXPENSES } else { RESOURCES });
        // The oldest records live longest.
        let newest = self.of(&[ids / 4, ids]);
        let (id, invoice) = (1 + self.below(newest + 2), 1 + self.below(newest + 2));
        let base = template.replace("{}", &invoice.to_string());
        let mut kind = "";
        let mut document = |random: &mut Self, root: &str, fields: &[&str]| {
            let (body, said) = random.body(root, fields, ids);
            kind = said;
            body
        };
        let (method, path, body) = match self.below(100) {
            0..14 => ("GET", format!("{base}/{id}"), Vec::new()),
            14..20 => self.of_time(ids, &mut document),
            20..24 => ("GET", base.clone(), Vec::new()),
            24..42 => ("POST", base.clone(), document(self, root, fields)),
            42..63 => ("PUT", format!("{base}/{id}"), document(self, root, fields)),
            63..79 if root == "expense" => match self.below(3) {
                0 => ("GET", format!("/expenses/{}/2011", 80 + self.below(20)), Vec::new()),
                1 => ("GET", format!("{base}/{id}/receipt"), Vec::new()),
                _ => ("POST", format!("{base}/{id}/receipt"), self.receipt()),
            },
            63..79 if root == "invoice-message" => {
                (self.of(&["POST", "PUT"]), format!("{base}/{}", self.of(STATES)), document(self, root, fields))
            }
            63..79 => (self.of(&["POST", "PUT"]), format!("{base}/{id}/toggle"), Vec::new()),
            79..86 => ("DELETE", format!("{base}/{id}"), Vec::new()),
            86..88 => ("GET", "/account/who_am_i".to_owned(), Vec::new()),
            _ => {
                let path = format!("{base}/{}{}", self.of(VALUES), self.of(SUFFIXES));
                (self.of(METHODS), path, document(self, root, fields))
            }
        };
        let mut path = path.into_bytes();
        if self.percent(10) {
            path.extend_from_slice(self.of(SUFFIXES).as_bytes());
        }
        if self.percent(30) {
            path.push(b'?');
            for _ in 0..=self.below(3) {
                path.extend_from_slice(self.of(QUERIES).as_bytes());
                path.push(b'&');
            }
        }
        if self.percent(5) {
            path.splice(0..0, *b"http://demo.harvestapp.com");
        }
        if self.percent(12) {
            self.spoil(&mut path);
        }
        let uri = Uri::try_from(path).unwrap_or_else(|_| Uri::try_from(base).unwrap());
        let mut request = Request::new(body);
        if !kind.is_empty() {
            request.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
        }
        *request.uri_mut() = uri;
        let method = if self.percent(4) { self.of(METHODS) } else { method };
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        if request.body().starts_with(b"--B") {
            let kind = "multipart/form-data; boundary=B".try_into().unwrap();
            request.headers_mut().insert(CONTENT_TYPE, kind);
        }
        while self.percent(30) {
            let (name, value) = self.of(HEADERS);
            request.headers_mut().append(name, value.try_into().unwrap());
        }
        request
    }

    /// A form with a receipt.
    fn receipt(&mut self) -> Vec<u8> {
        let (name, value) = (self.of(&["a.png", "a.html", "", "a"]), self.of(VALUES));
        let part = format!(
            "--B\r\nContent-Disposition: form-data; name=\"expense[receipt]\"; filename=\"{name}\"\r\n\r\n{value}\r\n--B--\r\n"
        );
        let mut body = part.into_bytes();
        if self.percent(20) {
            self.spoil(&mut body);
        }
        body
    }

    /// A call of time tracking, or a report on it; the first projects have most of it.
    fn of_time(&mut self, ids: usize, document: &mut Make<'_>) -> (&'static str, String, Vec<u8>) {
        let (id, value) = (1 + self.below(ids / 8 + 2), self.of(VALUES));
        let (project, task) = (1 + self.below(3), 1 + self.below(3));
        let fields = ["project-id", "task_id", "hours", "spent_at", "notes", "of_user", "id"];
        match self.below(12) {
            0..3 => {
                let body = format!("<task><id>{task}</id></task>").into_bytes();
                ("POST", format!("/projects/{project}/task_assignments"), body)
            }
            3..7 => {
                let of = format!("<project-id>{project}</project-id><task_id>{task}</task_id>");
                let hours = self.of(&["", " ", "0:45", "7.5", "24.01"]);
                let body = format!("<request>{of}<hours>{hours}</hours></request>").into_bytes();
                ("POST", "/daily/add".to_owned(), body)
            }
            7 => ("POST", "/daily/add".to_owned(), document(self, "request", &fields)),
            8 => (self.of(&["POST", "PUT"]), format!("/daily/update/{id}"), document(self, "request", &fields)),
            9 => (self.of(&["GET", "POST", "HEAD"]), format!("/daily/timer/{id}"), Vec::new()),
            10 => {
                let part = self.of(&["show", "delete", "90", value]);
                (self.of(&["GET", "DELETE"]), format!("/daily/{part}/{id}"), Vec::new())
            }
            _ => {
                let (path, to) = (self.of(&["projects", "people"]), self.of(&["20110331", value]));
                ("GET", format!("/{path}/{id}/entries?from=20110301&to={to}"), Vec::new())
            }
        }
    }

    /// A body that makes or changes a record, and its type: half of them are JSON.
    fn body(&mut self, root: &str, fields: &[&str], ids: usize) -> (Vec<u8>, &'static str) {
        // What is required mostly stands first.
        let required: Vec<(&str, String)> =
            fields.iter().take(3).filter_map(|field| Some((*field, self.required(root, field, ids)?))).collect();
        let lines = (root == "invoice" && self.percent(30)).then(|| self.of(LINES));
        let (mut body, kind) = match self.below(100) {
            0..50 => (self.json(root, fields, &required, lines), self.of(JSON_TYPES)),
            50..58 => (self.form(root, fields, &required, lines), FORM_TYPE),
            _ => (self.xml(root, fields, &required, lines), self.of(XML_TYPES)),
        };
        if self.percent(20) {
            self.spoil(&mut body);
        }
        (body, kind)
    }

    fn required(&mut self, root: &str, field: &str, ids: usize) -> Option<String> {
        Some(match field {
            "name" | "first-name" | "last-name" => "x".to_owned(),
            "email" if root == "user" => format!("p{}@example.com", self.below(ids + 1)),
            "id" | "user-id" | "task_id" => (1 + self.below(4)).to_string(),
            "expense-category-id" => (1 + self.below(4)).to_string(),
            "spent-at" => format!("2011-03-{}", 10 + self.below(22)),
            "client-id" | "project-id" => (1 + self.below(ids + 1)).to_string(),
            "amount" => format!("{}.{}", self.below(30), self.below(100)),
            "paid-at" => "2011-04-01".to_owned(),
            _ => return None,
        })
    }

    fn xml(&mut self, root: &str, fields: &[&str], required: &[(&str, String)], lines: Option<&str>) -> Vec<u8> {
        let mut body = String::new();
        if self.percent(10) {
            body.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        }
        let root = if self.percent(3) { "clients" } else { root };
        body.push_str(&format!("<{root}>\n"));
        for (name, value) in required {
            body.push_str(&format!("  <{name}>{value}</{name}>\n"));
        }
        if let Some(lines) = lines {
            body.push_str(&format!("  <csv-line-items>{lines}</csv-line-items>\n"));
        }
        while self.percent(45) {
            let name = self.of(fields);
            let attribute = self.of(&["", "", "", " type=\"x\"", " nil=\"true\"", " nil='false' a=\"&lt;\""]);
            let value = self.of(VALUES);
            body.push_str(&format!("  <{name}{attribute}>{value}</{name}>\n"));
        }
        body.push_str(&format!("</{root}>\n"));
        body.into_bytes()
    }

    /// Damages some bytes.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(12)).min(bytes.len());
            let shard = if self.percent(50) { self.of(SHARDS) } else { self.of(json::SHARDS) };
            match self.below(7) {
                0 | 1 => drop(bytes.splice(at..at, shard.iter().copied())),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 if at < bytes.len() => bytes[at] = self.next() as u8,
                4 => drop(bytes.drain(at..end)),
                5 => {
                    let piece = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, piece));
                }
                6 if self.percent(20) => bytes.truncate(at),
                _ => {}
            }
        }
    }
}
