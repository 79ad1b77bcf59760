//! Operations: data that can be replayed, printed and left out, and the requests they become.

use http::Request;

use crate::schema::Resource;

#[derive(Clone, Debug)]
pub enum Op {
    Call(Box<Call>),
    /// The clock goes forward by this many seconds.
    Forward(i64),
    /// The file is closed and opened again.
    Reopen,
    /// The dump is loaded into a new store, and that one is used from now on.
    Move,
    /// A list of invoices is loaded.
    Load(Vec<Listed>),
}

/// An invoice as it stands in a list, without its lines and payments.
#[derive(Clone, Debug)]
pub struct Listed {
    pub client: i64,
    /// In millionths, as is what was paid.
    pub amount: i128,
    pub paid: i128,
    pub state: &'static str,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub method: &'static str,
    pub target: Target,
    /// How the path is written: a host before it, a suffix after it.
    pub host: &'static str,
    pub suffix: &'static str,
    pub query: Vec<(&'static str, String)>,
    pub content_type: &'static str,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Target {
    List(Resource, Option<i64>),
    One(Resource, Option<i64>, i64),
    Toggle(Resource, i64),
    /// The contacts of a client.
    ContactsOf(i64),
    /// A task that is made and assigned to the project.
    NewTask(i64),
    /// A change of an invoice's state, under its messages.
    Mark(i64, &'static str),
    Account,
    Nowhere(&'static str),
}

#[derive(Clone, Debug)]
pub enum Body {
    None,
    /// What is ignored where no document is asked for.
    Junk(&'static str),
    Document(Document),
}

#[derive(Clone, Debug)]
pub struct Document {
    pub root: &'static str,
    pub declared: bool,
    pub fields: Vec<Field>,
    pub flaw: Option<Flaw>,
}

/// What makes a document one that must be refused whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    Doctype,
    Unclosed,
    Ampersand,
    NotUtf8,
    OtherEncoding,
    IllegalCharacter,
    WrongRoot,
    After,
    TooDeep,
}

impl Flaw {
    pub const ALL: [Flaw; 9] = [
        Flaw::Doctype,
        Flaw::Unclosed,
        Flaw::Ampersand,
        Flaw::NotUtf8,
        Flaw::OtherEncoding,
        Flaw::IllegalCharacter,
        Flaw::WrongRoot,
        Flaw::After,
        Flaw::TooDeep,
    ];
}

#[derive(Clone, Debug)]
pub struct Field {
    pub element: &'static str,
    pub underscored: bool,
    pub nil: bool,
    pub content: Content,
    pub spelling: Spelling,
}

#[derive(Clone, Debug)]
pub enum Content {
    Text(String),
    Lines(Csv),
    /// Elements that an unknown one contains.
    Elements,
}

/// How a text is written in XML.
#[derive(Clone, Copy, Debug)]
pub enum Spelling {
    Escaped,
    Cdata,
    References,
    Commented,
    /// Newlines are CR LF.
    Windows,
}

#[derive(Clone, Debug)]
pub struct Csv {
    pub header: Header,
    /// White space before each record.
    pub indent: &'static str,
    pub rows: Vec<Vec<String>>,
    /// Every cell is quoted.
    pub quoted: bool,
    /// A last row whose quotes are malformed; mostly none.
    pub torn: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    Plain,
    Quoted,
    /// One that discards the lines.
    Other(&'static str),
}

pub const HEADER: &str = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id";

impl Csv {
    pub fn text(&self) -> String {
        let mut text = match self.header {
            Header::Plain => format!("{}{HEADER}\n", self.indent),
            Header::Quoted => format!("{}\"{}\"\n", self.indent, HEADER.replace(',', "\",\"")),
            Header::Other(other) => format!("{other}\n"),
        };
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| self.cell(cell)).collect();
            text.push_str(&format!("{}{}\n", self.indent, cells.join(",")));
        }
        text + self.torn
    }

    fn cell(&self, cell: &str) -> String {
        if self.quoted || cell.starts_with(' ') || cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    }
}

impl Field {
    pub fn text(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Lines(csv) => csv.text(),
            Content::Elements => String::new(),
        }
    }

    fn written(&self) -> String {
        let name = if self.underscored { self.element.replace('-', "_") } else { self.element.to_owned() };
        let attribute = if self.nil { " nil=\"true\"" } else { "" };
        let content = match &self.content {
            Content::Elements => "<name>x</name><id>7</id><active>maybe</active>".to_owned(),
            _ => self.spelling.write(&self.text()),
        };
        format!("  <{name}{attribute}>{content}</{name}>\n")
    }
}

impl Spelling {
    fn write(self, text: &str) -> String {
        let escaped = |text: &str| {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            text.replace('\r', "&#13;")
        };
        match self {
            Spelling::Cdata if !text.contains('\r') => {
                format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
            }
            Spelling::References => text.chars().map(|one| format!("&#x{:X};", u32::from(one))).collect(),
            Spelling::Commented => {
                let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
                format!("{}<!-- < & --><?pi > ?>{}", escaped(&text[..middle]), escaped(&text[middle..]))
            }
            Spelling::Windows => escaped(text).replace('\n', "\r\n"),
            _ => escaped(text),
        }
    }
}

impl Document {
    pub fn bytes(&self) -> Vec<u8> {
        let flaw = |flaw| self.flaw == Some(flaw);
        let root = if flaw(Flaw::WrongRoot) { "hash" } else { self.root };
        let mut text = String::new();
        if flaw(Flaw::OtherEncoding) {
            text.push_str("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n");
        } else if self.declared {
            text.push_str("\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        }
        if flaw(Flaw::Doctype) {
            text.push_str(&format!("<!DOCTYPE {root}>\n"));
        }
        text.push_str(&format!("<{root}>\n"));
        text.extend(self.fields.iter().map(Field::written));
        match self.flaw {
            Some(Flaw::Ampersand) => text.push_str("  <other>Fish & Chips</other>\n"),
            Some(Flaw::IllegalCharacter) => text.push_str("  <other>&#8;</other>\n"),
            Some(Flaw::TooDeep) => text.push_str(&format!("{}{}\n", "<a>".repeat(32), "</a>".repeat(32))),
            _ => {}
        }
        if !flaw(Flaw::Unclosed) {
            text.push_str(&format!("</{root}>\n"));
        }
        if flaw(Flaw::After) {
            text.push_str("<more></more>\n");
        }
        let mut bytes = text.into_bytes();
        if flaw(Flaw::NotUtf8) {
            let at = bytes.len() - root.len() - 4;
            bytes.splice(at..at, *b"<other>\xE9</other>");
        }
        bytes
    }
}

impl Target {
    fn path(&self) -> String {
        match self {
            Target::List(resource, parent) => resource.base(*parent),
            Target::One(resource, parent, id) => format!("{}/{id}", resource.base(*parent)),
            Target::ContactsOf(client) => format!("/clients/{client}/contacts"),
            Target::NewTask(project) => format!("/projects/{project}/task_assignments/add_with_create_new_task"),
            Target::Toggle(resource, id) => format!("/{}/{id}/toggle", resource.path()),
            Target::Mark(invoice, action) => format!("/invoices/{invoice}/messages/{action}"),
            Target::Account => "/account/who_am_i".to_owned(),
            Target::Nowhere(path) => (*path).to_owned(),
        }
    }

    /// What the call counts as.
    pub fn label(&self) -> String {
        match self {
            Target::List(resource, _) => below(*resource),
            Target::One(resource, ..) => format!("{}/#", below(*resource)),
            Target::ContactsOf(_) => "/clients/#/contacts".to_owned(),
            Target::NewTask(_) => "/projects/#/task_assignments/add_with_create_new_task".to_owned(),
            Target::Toggle(resource, _) => format!("/{}/#/toggle", resource.path()),
            Target::Mark(_, action) => format!("/invoices/#/messages/{action}"),
            Target::Account => "/account/who_am_i".to_owned(),
            Target::Nowhere(_) => "(no such path)".to_owned(),
        }
    }
}

/// The path of a list, with a sign for the parent's id.
fn below(resource: Resource) -> String {
    let parent = resource.parent().map_or_else(String::new, |(of, _)| format!("/{}/#", of.path()));
    format!("{parent}/{}", resource.path())
}

impl Call {
    pub fn request(&self) -> Request<Vec<u8>> {
        let mut path = format!("{}{}{}", self.host, self.target.path(), self.suffix);
        if let Target::List(Resource::Payments, _) | Target::One(Resource::Payments, ..) = self.target
            && self.suffix == ".xml"
        {
            path = path.replacen("/invoices/", "/invoice/", 1);
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            path.push(if at == 0 { '?' } else { '&' });
            path.push_str(&format!("{name}="));
            for byte in value.bytes() {
                match byte {
                    b' ' => path.push('+'),
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => path.push(byte.into()),
                    other => path.push_str(&format!("%{other:02X}")),
                }
            }
        }
        let body = match &self.body {
            Body::None => Vec::new(),
            Body::Junk(junk) => junk.as_bytes().to_vec(),
            Body::Document(document) => document.bytes(),
        };
        let mut request = Request::builder().method(self.method).uri(path);
        if !self.content_type.is_empty() {
            request = request.header("Content-Type", self.content_type);
        }
        request.body(body).unwrap()
    }
}

/// The operation as one would read it: the request's head and its body.
pub fn shown(op: &Op) -> String {
    match op {
        Op::Call(call) => {
            let request = call.request();
            let body = String::from_utf8_lossy(request.body()).into_owned();
            format!("{} {} [{}]\n{body}", request.method(), request.uri(), call.content_type)
        }
        other => format!("{other:?}\n"),
    }
}

/// The same in plain writing.
pub fn simplify(op: &mut Op) {
    if let Op::Call(call) = op {
        (call.host, call.suffix, call.content_type) = ("", "", "");
        if let Body::Document(document) = &mut call.body {
            document.declared = false;
            for field in &mut document.fields {
                (field.spelling, field.underscored) = (Spelling::Escaped, false);
            }
        }
    }
}
