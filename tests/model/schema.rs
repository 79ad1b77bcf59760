//! The resources and their elements, as the tables of the specification list them.

use self::Kind::{Boolean, Date, DateTime, Decimal, Integer, OneOf, Percent, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Text,
    /// A text with a fixed set of values.
    OneOf(&'static [&'static str]),
    Boolean,
    Decimal,
    /// A decimal from 0 to 100.
    Percent,
    Date,
    DateTime,
}

impl Kind {
    pub fn type_name(self) -> Option<&'static str> {
        match self {
            Integer => Some("integer"),
            Boolean => Some("boolean"),
            Decimal | Percent => Some("decimal"),
            Date => Some("date"),
            DateTime => Some("datetime"),
            Text | OneOf(_) => None,
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self, Text | OneOf(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nil {
    Never,
    Typed,
    /// Nil carries no type.
    Bare,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    Always,
    Live,
    /// In the dump alone.
    Dump,
}

/// Where a value that is not stored comes from.
#[derive(Clone, Copy, Debug)]
pub enum Twin {
    /// Another element of the record.
    Of(&'static str),
    /// The name of the record's client.
    ClientName,
}

#[derive(Clone, Copy, Debug)]
pub struct Element {
    pub name: &'static str,
    pub kind: Kind,
    pub nil: Nil,
    pub on_create: bool,
    pub on_update: bool,
    pub required: bool,
    pub default: Option<&'static str>,
    /// What is not stored, but shown from elsewhere.
    pub twin: Option<Twin>,
    pub shown: Shown,
}

/// Read only, never nil, always shown.
const fn element(name: &'static str, kind: Kind) -> Element {
    let (nil, shown) = (Nil::Never, Shown::Always);
    Element { name, kind, nil, on_create: false, on_update: false, required: false, default: None, twin: None, shown }
}

impl Element {
    const fn nil(self) -> Element {
        Element { nil: Nil::Typed, ..self }
    }

    const fn bare_nil(self) -> Element {
        Element { nil: Nil::Bare, ..self }
    }

    const fn created_with(self, default: &'static str) -> Element {
        Element { on_create: true, default: Some(default), ..self }
    }

    const fn writable(self) -> Element {
        Element { on_create: true, on_update: true, ..self }
    }

    const fn or(self, default: &'static str) -> Element {
        Element { default: Some(default), ..self }
    }

    const fn required(self) -> Element {
        Element { on_create: true, required: true, ..self }
    }

    const fn twin(self, twin: Twin) -> Element {
        Element { twin: Some(twin), ..self }
    }

    const fn live(self) -> Element {
        Element { shown: Shown::Live, ..self }
    }

    const fn dump(self) -> Element {
        Element { shown: Shown::Dump, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    Clients,
    Projects,
    Invoices,
    Lines,
    Messages,
    Payments,
    Categories,
    Tasks,
    People,
    Contacts,
    TaskAssignments,
    UserAssignments,
    /// The model has none; the calls about them have a model of their own.
    DayEntries,
    ExpenseCategories,
    /// The model has none; they have tests of their own.
    Expenses,
}

impl Resource {
    /// In the order of the dump.
    pub const ALL: [Resource; 15] = [
        Resource::Clients,
        Resource::Projects,
        Resource::Invoices,
        Resource::Lines,
        Resource::Messages,
        Resource::Payments,
        Resource::Categories,
        Resource::Tasks,
        Resource::People,
        Resource::Contacts,
        Resource::TaskAssignments,
        Resource::UserAssignments,
        Resource::DayEntries,
        Resource::ExpenseCategories,
        Resource::Expenses,
    ];

    pub fn elements(self) -> &'static [Element] {
        match self {
            Resource::Clients => CLIENT,
            Resource::Projects => PROJECT,
            Resource::Invoices => INVOICE,
            Resource::Lines => LINE,
            Resource::Messages => MESSAGE,
            Resource::Payments => PAYMENT,
            Resource::Categories => CATEGORY,
            Resource::Tasks => TASK,
            Resource::People => PERSON,
            Resource::Contacts => CONTACT,
            Resource::TaskAssignments => TASK_ASSIGNMENT,
            Resource::UserAssignments => USER_ASSIGNMENT,
            Resource::DayEntries => &[],
            Resource::ExpenseCategories => EXPENSE_CATEGORY,
            Resource::Expenses => &[],
        }
    }

    /// The root of one, the root of a list, whether the list's root has a type in `documented`.
    pub fn roots(self) -> (&'static str, &'static str, bool) {
        match self {
            Resource::Clients => ("client", "clients", false),
            Resource::Projects => ("project", "projects", false),
            Resource::Invoices => ("invoice", "invoices", true),
            Resource::Lines => ("invoice-line-item", "invoice-line-items", true),
            Resource::Messages => ("invoice-message", "invoice-message", true),
            Resource::Payments => ("payment", "payments", true),
            Resource::Categories => ("invoice-item-category", "invoice-item-categories", true),
            Resource::Tasks => ("task", "tasks", false),
            Resource::People => ("user", "users", false),
            Resource::Contacts => ("contact", "contacts", true),
            Resource::TaskAssignments => ("task-assignment", "task-assignments", false),
            Resource::UserAssignments => ("user-assignment", "user-assignments", false),
            Resource::DayEntries => ("day-entry", "day-entries", true),
            Resource::ExpenseCategories => ("expense-category", "expense-categories", false),
            Resource::Expenses => ("expense", "expenses", false),
        }
    }

    /// The last part of a list's path.
    pub fn path(self) -> &'static str {
        match self {
            Resource::Messages => "messages",
            Resource::Categories => "invoice_item_categories",
            Resource::People => "people",
            Resource::TaskAssignments => "task_assignments",
            Resource::UserAssignments => "user_assignments",
            Resource::ExpenseCategories => "expense_categories",
            _ => self.roots().1,
        }
    }

    /// What its records belong to, and the element that says so.
    pub fn parent(self) -> Option<(Resource, &'static str)> {
        match self {
            Resource::Messages | Resource::Payments => Some((Resource::Invoices, "invoice-id")),
            Resource::TaskAssignments | Resource::UserAssignments => Some((Resource::Projects, "project-id")),
            _ => None,
        }
    }

    /// The path of a list or, without its last part, of one.
    pub fn base(self, parent: Option<i64>) -> String {
        match self.parent().zip(parent) {
            Some(((of, _), id)) => format!("/{}/{id}/{}", of.path(), self.path()),
            None => format!("/{}", self.path()),
        }
    }

    pub fn updates(self) -> bool {
        !matches!(self, Resource::Messages | Resource::Payments)
    }

    pub fn is_assignment(self) -> bool {
        matches!(self, Resource::TaskAssignments | Resource::UserAssignments)
    }

    /// The elements that count where the other one is missing or empty.
    pub fn stand_ins(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Resource::Clients => &[("address", "details")],
            Resource::Projects => &[("estimate", "budget"), ("estimate-by", "budget-by")],
            _ => &[],
        }
    }

    /// What counts the writes to a record.
    pub fn version(self) -> &'static str {
        if self == Resource::Clients { "cache-version" } else { "version" }
    }
}

const VERSION: Element = element("version", Integer).or("0").dump();
const CREATED_AT: Element = element("created-at", DateTime);
const UPDATED_AT: Element = element("updated-at", DateTime);

static CLIENT: &[Element] = &[
    element("id", Integer),
    element("name", Text).writable().required(),
    element("active", Boolean).writable().or("true"),
    element("details", Text).writable().or(""),
    element("highrise-id", Integer).nil().writable().live(),
    element("cache-version", Integer).or("0").live(),
    element("currency", Text).writable().or("United States Dollar - USD").live(),
    element("currency-symbol", Text).writable().live(),
    element("default-invoice-timeframe", Text).nil().live(),
    element("last-invoice-kind", Text).nil().live(),
    CREATED_AT.live(),
    UPDATED_AT.live(),
    element("statement-key", Text).nil().live(),
];

const BILL_BY: Kind = OneOf(&["none", "Tasks", "People", "Project"]);
const BUDGET_BY: Kind = OneOf(&["project", "project_cost", "task", "person", "task_fees", "none"]);

static PROJECT: &[Element] = &[
    element("id", Integer),
    element("client-id", Integer).writable().required(),
    element("name", Text).writable().required(),
    element("code", Text).writable().or(""),
    element("active", Boolean).writable().or("true"),
    element("billable", Boolean).writable().or("true"),
    element("bill-by", BILL_BY).writable().or("none"),
    element("hourly-rate", Decimal).bare_nil().writable(),
    element("budget-by", BUDGET_BY).writable().or("none"),
    element("budget", Decimal).nil().writable(),
    element("notify-when-over-budget", Boolean).writable().or("false"),
    element("over-budget-notification-percentage", Decimal).nil().writable().or("80.0"),
    element("over-budget-notified-at", DateTime).bare_nil(),
    element("show-budget-to-all", Boolean).writable().or("false"),
    CREATED_AT,
    UPDATED_AT,
    element("starts-on", Date).nil().writable(),
    element("ends-on", Date).nil().writable(),
    element("hint-earliest-record-at", Date).nil(),
    element("hint-latest-record-at", Date).nil(),
    element("notes", Text).writable().or(""),
    element("cost-budget", Decimal).nil().writable(),
    element("cost-budget-include-expenses", Boolean).writable().or("false"),
    element("is-fixed-fee", Boolean).writable().or("false"),
    element("fee", Decimal).nil().writable(),
    element("estimate", Decimal).nil().twin(Twin::Of("budget")),
    element("estimate-by", BUDGET_BY).twin(Twin::Of("budget-by")),
    VERSION,
];

const KIND: Kind = OneOf(&["free_form", "project", "task", "people", "detailed"]);

static INVOICE: &[Element] = &[
    element("id", Integer),
    element("amount", Decimal).or("0.0"),
    element("due-amount", Decimal).or("0.0"),
    element("due-at", Date).writable(),
    element("due-at-human-format", Text).writable(),
    element("period-end", Date).nil().writable(),
    element("period-start", Date).nil().writable(),
    element("client-id", Integer).writable().required(),
    element("subject", Text).writable().or(""),
    element("currency", Text).writable(),
    element("issued-at", Date).writable(),
    element("created-by-id", Integer).or("1"),
    element("notes", Text).writable().or(""),
    element("number", Text).writable(),
    element("purchase-order", Text).writable().or(""),
    element("client-key", Text),
    element("state", Text).or("draft"),
    element("tax", Percent).nil().writable(),
    element("tax2", Percent).nil().writable(),
    element("tax-amount", Decimal).or("0.0"),
    element("tax2-amount", Decimal).or("0.0"),
    element("discount-amount", Decimal).or("0.0"),
    element("discount", Percent).nil().writable(),
    element("recurring-invoice-id", Integer).nil(),
    element("estimate-id", Integer).nil(),
    element("retainer-id", Integer).nil(),
    UPDATED_AT,
    CREATED_AT,
    element("client-name", Text).twin(Twin::ClientName),
    element("kind", KIND).writable().or("free_form").dump(),
    element("sent", Boolean).or("false").dump(),
    element("closed", Boolean).or("false").dump(),
    VERSION,
];

static LINE: &[Element] = &[
    element("id", Integer),
    element("invoice-id", Integer),
    element("kind", Text),
    element("description", Text),
    element("quantity", Decimal),
    element("unit-price", Decimal),
    element("amount", Decimal),
    element("taxed", Boolean),
    element("taxed2", Boolean),
    element("project-id", Text).nil(),
    VERSION,
];

static MESSAGE: &[Element] = &[
    element("id", Integer),
    element("invoice-id", Integer),
    element("send-me-a-copy", Boolean).created_with("false"),
    element("body", Text).created_with(""),
    CREATED_AT,
    element("sent-by", Text).or("Admin User"),
    element("sent-by-email", Text).or("admin@example.com"),
    element("thank-you", Boolean).created_with("false"),
    element("subject", Text).created_with(""),
    element("include-pay-pal-link", Boolean).created_with("false"),
    UPDATED_AT,
    // written as `recipients`
    element("full-recipient-list", Text).created_with(""),
    element("sent-from-email", Text).or(""),
    element("sent-from", Text).or(""),
    element("send-reminder-on", Date).nil(),
    VERSION,
];

static PAYMENT: &[Element] = &[
    element("amount", Decimal).required(),
    CREATED_AT,
    element("id", Integer),
    element("invoice-id", Integer),
    element("notes", Text).created_with(""),
    element("paid-at", DateTime).required(),
    element("recorded-by", Text).or("Admin User"),
    element("recorded-by-email", Text).or("admin@example.com"),
    UPDATED_AT,
    VERSION,
];

static CATEGORY: &[Element] = &[
    element("id", Integer),
    element("name", Text).writable().required(),
    element("use-as-service", Boolean).writable().or("false"),
    element("use-as-expense", Boolean).writable().or("false"),
    CREATED_AT,
    UPDATED_AT,
    VERSION,
];

static TASK: &[Element] = &[
    element("id", Integer),
    element("name", Text).writable().required(),
    element("billable-by-default", Boolean).writable().or("true"),
    CREATED_AT,
    UPDATED_AT,
    element("is-default", Boolean).writable().or("false"),
    element("default-hourly-rate", Decimal).nil().writable(),
    element("deactivated", Boolean).writable().or("false"),
    VERSION,
];

static PERSON: &[Element] = &[
    element("id", Integer),
    element("email", Text).writable().required(),
    element("first-name", Text).writable().required(),
    element("last-name", Text).writable().required(),
    element("has-access-to-all-future-projects", Boolean).writable().or("false"),
    element("default-hourly-rate", Decimal).nil().writable(),
    element("cost-rate", Decimal).nil().writable(),
    element("is-active", Boolean).writable().or("true"),
    element("is-admin", Boolean).writable().or("false"),
    element("is-contractor", Boolean).writable().or("false"),
    element("is-project-manager", Boolean).writable().or("false"),
    element("telephone", Text).writable().or(""),
    element("department", Text).writable().or(""),
    element("timezone", Text).writable().or("UTC"),
    UPDATED_AT,
    CREATED_AT,
    VERSION,
    element("password-hash", Text).nil().dump(),
];

static CONTACT: &[Element] = &[
    element("id", Integer),
    element("client-id", Integer).writable().required(),
    element("first-name", Text).writable().required(),
    element("last-name", Text).writable().required(),
    element("email", Text).writable().or(""),
    element("phone-office", Text).writable().or(""),
    element("phone-mobile", Text).writable().or(""),
    element("fax", Text).writable().or(""),
    element("title", Text).writable().or(""),
    CREATED_AT,
    UPDATED_AT,
    VERSION,
];

static TASK_ASSIGNMENT: &[Element] = &[
    element("project-id", Integer),
    element("task-id", Integer),
    element("billable", Boolean).writable(),
    element("deactivated", Boolean).writable().or("false"),
    element("hourly-rate", Decimal).nil().writable(),
    element("budget", Decimal).nil().writable(),
    element("id", Integer),
    CREATED_AT,
    UPDATED_AT,
    element("estimate", Decimal).nil(),
    VERSION,
];

static USER_ASSIGNMENT: &[Element] = &[
    element("id", Integer),
    element("user-id", Integer),
    element("project-id", Integer),
    element("deactivated", Boolean).writable().or("false"),
    element("hourly-rate", Decimal).nil().writable(),
    element("is-project-manager", Boolean).writable().or("false"),
    element("budget", Decimal).nil().writable(),
    element("estimate", Decimal).nil(),
    CREATED_AT,
    UPDATED_AT,
    VERSION,
];

static EXPENSE_CATEGORY: &[Element] = &[
    element("id", Integer),
    element("name", Text).writable().required(),
    element("unit-name", Text).nil().writable(),
    element("unit-price", Decimal).nil().writable(),
    element("deactivated", Boolean).writable().or("false"),
    UPDATED_AT,
    CREATED_AT,
    VERSION,
];
