-- The file's schema, version 4. docs/file.md explains it.
--
-- Every rule of the API stands here as well as in the library, because other programs write to the
-- file too, with foreign keys off (their default) and with REPLACE, which fires no delete triggers.
-- So each reference is guarded by triggers on both of its ends, and triggers look at whole rows:
-- `UPDATE OF id` would not see `SET rowid = …`. SQLite 3.37 reads all of it; writing takes
-- SQLite 3.38 or newer, where JSON is built in.
--
-- Booleans are 0 or 1; dates, datetimes (UTC) and decimals are text, just as the documents carry
-- them. A text never holds a character that XML 1.0 cannot carry: a control character other than tab,
-- LF and CR, U+FFFE or U+FFFF. One CHECK looks for them in all texts of a row: json_array writes control
-- characters as \b, \f or \u001f (tab, LF and CR as \t, \n and \r), and a backslash as two, which are
-- taken out first. Dates and decimals are among them because GLOB stops at NUL.
-- Columns are in the documents' order; those that no document shows come last.

CREATE TABLE clients (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name TEXT NOT NULL CHECK (trim(name, char(9, 10, 13, 32)) <> ''),
    active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    details TEXT NOT NULL DEFAULT '',
    highrise_id INTEGER,
    cache_version INTEGER NOT NULL DEFAULT 0,
    currency TEXT NOT NULL DEFAULT 'United States Dollar - USD',
    currency_symbol TEXT NOT NULL DEFAULT '$',
    default_invoice_timeframe TEXT,
    last_invoice_kind TEXT,
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    statement_key TEXT,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(name, details, currency, currency_symbol, default_invoice_timeframe,
            last_invoice_kind, created_at, updated_at, statement_key),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX clients_updated_at ON clients (updated_at);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    client_id INTEGER NOT NULL REFERENCES clients (id),
    name TEXT NOT NULL CHECK (trim(name, char(9, 10, 13, 32)) <> ''),
    code TEXT NOT NULL DEFAULT '',
    active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    billable INTEGER NOT NULL DEFAULT 1 CHECK (billable IN (0, 1)),
    bill_by TEXT NOT NULL DEFAULT 'none' CHECK (bill_by IN ('none', 'Tasks', 'People', 'Project')),
    hourly_rate TEXT CHECK (hourly_rate GLOB '*[0-9].[0-9]*' AND hourly_rate NOT GLOB '*[^0-9.-]*'),
    budget_by TEXT NOT NULL DEFAULT 'none' CHECK (
        budget_by IN ('project', 'project_cost', 'task', 'person', 'task_fees', 'none')),
    budget TEXT CHECK (budget GLOB '*[0-9].[0-9]*' AND budget NOT GLOB '*[^0-9.-]*'),
    notify_when_over_budget INTEGER NOT NULL DEFAULT 0 CHECK (notify_when_over_budget IN (0, 1)),
    over_budget_notification_percentage TEXT DEFAULT '80.0' CHECK (
        over_budget_notification_percentage GLOB '*[0-9].[0-9]*'
        AND over_budget_notification_percentage NOT GLOB '*[^0-9.-]*'),
    over_budget_notified_at TEXT CHECK (over_budget_notified_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    show_budget_to_all INTEGER NOT NULL DEFAULT 0 CHECK (show_budget_to_all IN (0, 1)),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    starts_on TEXT CHECK (starts_on GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    ends_on TEXT CHECK (ends_on GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    hint_earliest_record_at TEXT CHECK (hint_earliest_record_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    hint_latest_record_at TEXT CHECK (hint_latest_record_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    notes TEXT NOT NULL DEFAULT '',
    cost_budget TEXT CHECK (cost_budget GLOB '*[0-9].[0-9]*' AND cost_budget NOT GLOB '*[^0-9.-]*'),
    cost_budget_include_expenses INTEGER NOT NULL DEFAULT 0 CHECK (cost_budget_include_expenses IN (0, 1)),
    is_fixed_fee INTEGER NOT NULL DEFAULT 0 CHECK (is_fixed_fee IN (0, 1)),
    fee TEXT CHECK (fee GLOB '*[0-9].[0-9]*' AND fee NOT GLOB '*[^0-9.-]*'),
    -- counts the writes to the record, from 0
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(name, code, hourly_rate, budget, over_budget_notification_percentage,
            over_budget_notified_at, created_at, updated_at, starts_on, ends_on, hint_earliest_record_at,
            hint_latest_record_at, notes, cost_budget, fee),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX projects_client_id ON projects (client_id);
CREATE INDEX projects_active ON projects (client_id) WHERE active = 1;
CREATE INDEX projects_updated_at ON projects (updated_at);

CREATE TABLE invoices (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    amount TEXT NOT NULL DEFAULT '0.0' CHECK (amount GLOB '*[0-9].[0-9]*' AND amount NOT GLOB '*[^0-9.-]*'),
    due_amount TEXT NOT NULL DEFAULT '0.0' CHECK (due_amount GLOB '*[0-9].[0-9]*' AND due_amount NOT GLOB '*[^0-9.-]*'),
    due_at TEXT NOT NULL CHECK (due_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    due_at_human_format TEXT NOT NULL DEFAULT 'upon receipt',
    period_end TEXT CHECK (period_end GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    period_start TEXT CHECK (period_start GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    client_id INTEGER NOT NULL REFERENCES clients (id),
    subject TEXT NOT NULL DEFAULT '',
    currency TEXT NOT NULL,
    issued_at TEXT NOT NULL CHECK (issued_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    created_by_id INTEGER NOT NULL DEFAULT 1,
    notes TEXT NOT NULL DEFAULT '',
    number TEXT NOT NULL,
    purchase_order TEXT NOT NULL DEFAULT '',
    client_key TEXT NOT NULL CHECK (
        length(client_key) BETWEEN 1 AND 64 AND client_key NOT GLOB '*[' || char(9, 10, 13, 32) || ']*'),
    state TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'open', 'partial', 'paid', 'closed')),
    tax TEXT CHECK (tax GLOB '*[0-9].[0-9]*' AND tax NOT GLOB '*[^0-9.]*'),
    tax2 TEXT CHECK (tax2 GLOB '*[0-9].[0-9]*' AND tax2 NOT GLOB '*[^0-9.]*'),
    tax_amount TEXT NOT NULL DEFAULT '0.0' CHECK (
        tax_amount GLOB '*[0-9].[0-9]*' AND tax_amount NOT GLOB '*[^0-9.-]*'),
    tax2_amount TEXT NOT NULL DEFAULT '0.0' CHECK (
        tax2_amount GLOB '*[0-9].[0-9]*' AND tax2_amount NOT GLOB '*[^0-9.-]*'),
    discount_amount TEXT NOT NULL DEFAULT '0.0' CHECK (
        discount_amount GLOB '*[0-9].[0-9]*' AND discount_amount NOT GLOB '*[^0-9.-]*'),
    discount TEXT CHECK (discount GLOB '*[0-9].[0-9]*' AND discount NOT GLOB '*[^0-9.]*'),
    recurring_invoice_id INTEGER,
    estimate_id INTEGER,
    retainer_id INTEGER,
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    -- what the invoice was made from
    kind TEXT NOT NULL DEFAULT 'free_form' CHECK (kind IN ('free_form', 'project', 'task', 'people', 'detailed')),
    -- what the state follows from, together with the payments
    sent INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1)),
    closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    -- counts the writes to the record, from 0
    version INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'closed') = closed),
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(amount, due_amount, due_at, due_at_human_format, period_end,
            period_start, subject, currency, issued_at, notes, number, purchase_order, client_key, tax, tax2,
            tax_amount, tax2_amount, discount_amount, discount, updated_at, created_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX invoices_newest ON invoices (created_at, id);
CREATE INDEX invoices_client_id ON invoices (client_id, created_at, id);
CREATE INDEX invoices_state ON invoices (state, created_at, id);
CREATE INDEX invoices_issued_at ON invoices (issued_at);
CREATE INDEX invoices_updated_at ON invoices (updated_at);
CREATE INDEX invoices_number ON invoices (number);

-- An id is for ever.

CREATE TRIGGER clients_id_stays BEFORE UPDATE ON clients WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a client cannot change'); END;

CREATE TRIGGER projects_id_stays BEFORE UPDATE ON projects WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a project cannot change'); END;

CREATE TRIGGER invoices_id_stays BEFORE UPDATE ON invoices WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of an invoice cannot change'); END;

-- An inactive client has no active project: seen from the client (the insert is for REPLACE) …

CREATE TRIGGER clients_inserted AFTER INSERT ON clients
WHEN NEW.active = 0 AND EXISTS (SELECT 1 FROM projects WHERE client_id = NEW.id AND active = 1)
BEGIN SELECT RAISE(ABORT, 'client has active projects'); END;

CREATE TRIGGER clients_updated AFTER UPDATE ON clients
WHEN NEW.active = 0 AND EXISTS (SELECT 1 FROM projects WHERE client_id = NEW.id AND active = 1)
BEGIN SELECT RAISE(ABORT, 'client has active projects'); END;

-- … and from the project, whose client must exist.

CREATE TRIGGER projects_inserted AFTER INSERT ON projects
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id AND (active = 1 OR NEW.active = 0))
BEGIN SELECT RAISE(ABORT, 'the project''s client does not exist or is inactive'); END;

CREATE TRIGGER projects_updated AFTER UPDATE ON projects
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id AND (active = 1 OR NEW.active = 0))
BEGIN SELECT RAISE(ABORT, 'the project''s client does not exist or is inactive'); END;

-- A client with projects or invoices is not deleted; an invoice's client must exist.

CREATE TRIGGER clients_deleted BEFORE DELETE ON clients
WHEN EXISTS (SELECT 1 FROM projects WHERE client_id = OLD.id)
    OR EXISTS (SELECT 1 FROM invoices WHERE client_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'client has projects or invoices'); END;

CREATE TRIGGER invoices_client_exists_on_insert AFTER INSERT ON invoices
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id)
BEGIN SELECT RAISE(ABORT, 'the invoice''s client does not exist'); END;

CREATE TRIGGER invoices_client_exists_on_update AFTER UPDATE ON invoices
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id)
BEGIN SELECT RAISE(ABORT, 'the invoice''s client does not exist'); END;

-- A client knows the kind of its newest invoice.

CREATE TRIGGER invoices_inserted AFTER INSERT ON invoices
BEGIN
    UPDATE clients SET last_invoice_kind = (
        SELECT kind FROM invoices WHERE client_id = NEW.client_id ORDER BY created_at DESC, id DESC LIMIT 1
    ) WHERE id = NEW.client_id;
END;

CREATE TRIGGER invoices_updated AFTER UPDATE OF client_id, kind, created_at ON invoices
BEGIN
    UPDATE clients SET last_invoice_kind = (
        SELECT kind FROM invoices WHERE client_id = clients.id ORDER BY created_at DESC, id DESC LIMIT 1
    ) WHERE id IN (OLD.client_id, NEW.client_id);
END;

CREATE TRIGGER invoices_deleted AFTER DELETE ON invoices
BEGIN
    UPDATE clients SET last_invoice_kind = (
        SELECT kind FROM invoices WHERE client_id = OLD.client_id ORDER BY created_at DESC, id DESC LIMIT 1
    ) WHERE id = OLD.client_id;
END;

-- An insert that replaces another client's invoice would tell no trigger of the client that it leaves.

CREATE TRIGGER invoices_stay_with_client BEFORE INSERT ON invoices
WHEN EXISTS (SELECT 1 FROM invoices WHERE id = NEW.id AND client_id IS NOT NEW.client_id)
BEGIN SELECT RAISE(ABORT, 'the invoice is another client''s; an UPDATE moves it'); END;

-- A client that is replaced has its invoices still; one without, loaded from a list, has the kind it was given.

CREATE TRIGGER clients_kind_inserted AFTER INSERT ON clients
WHEN EXISTS (SELECT 1 FROM invoices WHERE client_id = NEW.id)
BEGIN
    UPDATE clients SET last_invoice_kind = (
        SELECT kind FROM invoices WHERE client_id = NEW.id ORDER BY created_at DESC, id DESC LIMIT 1
    ) WHERE id = NEW.id;
END;

-- The lines of an invoice, in the order of their ids.

CREATE TABLE invoice_line_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    invoice_id INTEGER NOT NULL REFERENCES invoices (id),
    kind TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    quantity TEXT NOT NULL CHECK (quantity GLOB '*[0-9].[0-9]*' AND quantity NOT GLOB '*[^0-9.-]*'),
    unit_price TEXT NOT NULL CHECK (unit_price GLOB '*[0-9].[0-9]*' AND unit_price NOT GLOB '*[^0-9.-]*'),
    amount TEXT NOT NULL CHECK (amount GLOB '*[0-9].[0-9]*' AND amount NOT GLOB '*[^0-9.-]*'),
    taxed INTEGER NOT NULL DEFAULT 0 CHECK (taxed IN (0, 1)),
    taxed2 INTEGER NOT NULL DEFAULT 0 CHECK (taxed2 IN (0, 1)),
    -- as it was sent; there may be no project of the number
    project_id TEXT,
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(kind, description, quantity, unit_price, amount, project_id),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX invoice_line_items_invoice_id ON invoice_line_items (invoice_id);

CREATE TABLE invoice_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    invoice_id INTEGER NOT NULL REFERENCES invoices (id),
    send_me_a_copy INTEGER NOT NULL DEFAULT 0 CHECK (send_me_a_copy IN (0, 1)),
    body TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    sent_by TEXT NOT NULL DEFAULT '',
    sent_by_email TEXT NOT NULL DEFAULT '',
    thank_you INTEGER NOT NULL DEFAULT 0 CHECK (thank_you IN (0, 1)),
    subject TEXT NOT NULL DEFAULT '',
    include_pay_pal_link INTEGER NOT NULL DEFAULT 0 CHECK (include_pay_pal_link IN (0, 1)),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    full_recipient_list TEXT NOT NULL DEFAULT '',
    sent_from_email TEXT NOT NULL DEFAULT '',
    sent_from TEXT NOT NULL DEFAULT '',
    send_reminder_on TEXT CHECK (send_reminder_on GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(body, created_at, sent_by, sent_by_email, subject, updated_at,
            full_recipient_list, sent_from_email, sent_from, send_reminder_on),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX invoice_messages_invoice_id ON invoice_messages (invoice_id);

CREATE TABLE invoice_payments (
    amount TEXT NOT NULL CHECK (amount GLOB '*[0-9].[0-9]*' AND amount NOT GLOB '*[^0-9.-]*'),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    invoice_id INTEGER NOT NULL REFERENCES invoices (id),
    notes TEXT NOT NULL DEFAULT '',
    paid_at TEXT NOT NULL CHECK (paid_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    recorded_by TEXT NOT NULL DEFAULT '',
    recorded_by_email TEXT NOT NULL DEFAULT '',
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(amount, created_at, notes, paid_at, recorded_by, recorded_by_email,
            updated_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX invoice_payments_invoice_id ON invoice_payments (invoice_id);

CREATE TABLE invoice_item_categories (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name TEXT NOT NULL CHECK (trim(name, char(9, 10, 13, 32)) <> ''),
    use_as_service INTEGER NOT NULL DEFAULT 0 CHECK (use_as_service IN (0, 1)),
    use_as_expense INTEGER NOT NULL DEFAULT 0 CHECK (use_as_expense IN (0, 1)),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(name, created_at, updated_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

-- Every new store has the same three; the first two stay.
INSERT INTO invoice_item_categories (id, name, use_as_service, use_as_expense, created_at, updated_at) VALUES
    (1, 'Service', 1, 0, '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (2, 'Expense', 0, 1, '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (3, 'Product', 0, 0, '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z');

CREATE TRIGGER invoice_item_categories_deleted BEFORE DELETE ON invoice_item_categories WHEN OLD.id <= 2
BEGIN SELECT RAISE(ABORT, 'the default categories stay'); END;

CREATE TRIGGER invoice_line_items_id_stays BEFORE UPDATE ON invoice_line_items WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a line item cannot change'); END;

CREATE TRIGGER invoice_messages_id_stays BEFORE UPDATE ON invoice_messages WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a message cannot change'); END;

CREATE TRIGGER invoice_payments_id_stays BEFORE UPDATE ON invoice_payments WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a payment cannot change'); END;

CREATE TRIGGER invoice_item_categories_id_stays BEFORE UPDATE ON invoice_item_categories WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a category cannot change'); END;

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name TEXT NOT NULL CHECK (trim(name, char(9, 10, 13, 32)) <> ''),
    billable_by_default INTEGER NOT NULL DEFAULT 1 CHECK (billable_by_default IN (0, 1)),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
    default_hourly_rate TEXT CHECK (default_hourly_rate GLOB '*[0-9].[0-9]*' AND default_hourly_rate NOT GLOB '*[^0-9.-]*'),
    deactivated INTEGER NOT NULL DEFAULT 0 CHECK (deactivated IN (0, 1)),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(name, created_at, updated_at, default_hourly_rate),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX tasks_updated_at ON tasks (updated_at);

-- Every new store has the same three; each can be deleted.
INSERT INTO tasks (id, name, created_at, updated_at) VALUES
    (1, 'Admin', '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (2, 'Programming', '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (3, 'Project Management', '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z');

CREATE TRIGGER tasks_id_stays BEFORE UPDATE ON tasks WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a task cannot change'); END;

-- Lines, messages and payments have an invoice, and go with it.

CREATE TRIGGER invoice_line_items_inserted AFTER INSERT ON invoice_line_items
WHEN NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id)
BEGIN SELECT RAISE(ABORT, 'the line item''s invoice does not exist'); END;

CREATE TRIGGER invoice_line_items_updated AFTER UPDATE ON invoice_line_items
WHEN NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id)
BEGIN SELECT RAISE(ABORT, 'the line item''s invoice does not exist'); END;

CREATE TRIGGER invoice_messages_inserted AFTER INSERT ON invoice_messages
WHEN NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id)
BEGIN SELECT RAISE(ABORT, 'the message''s invoice does not exist'); END;

CREATE TRIGGER invoice_messages_updated AFTER UPDATE ON invoice_messages
WHEN NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id)
BEGIN SELECT RAISE(ABORT, 'the message''s invoice does not exist'); END;

CREATE TRIGGER invoice_payments_inserted AFTER INSERT ON invoice_payments
WHEN NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id)
BEGIN SELECT RAISE(ABORT, 'the payment''s invoice does not exist'); END;

CREATE TRIGGER invoice_payments_updated AFTER UPDATE ON invoice_payments
WHEN NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id)
BEGIN SELECT RAISE(ABORT, 'the payment''s invoice does not exist'); END;

CREATE TRIGGER invoices_parts_go BEFORE DELETE ON invoices
BEGIN
    DELETE FROM invoice_line_items WHERE invoice_id = OLD.id;
    DELETE FROM invoice_messages WHERE invoice_id = OLD.id;
    DELETE FROM invoice_payments WHERE invoice_id = OLD.id;
END;

-- People.

CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    email TEXT NOT NULL CHECK (trim(email, char(9, 10, 13, 32)) <> ''),
    first_name TEXT NOT NULL CHECK (trim(first_name, char(9, 10, 13, 32)) <> ''),
    last_name TEXT NOT NULL CHECK (trim(last_name, char(9, 10, 13, 32)) <> ''),
    has_access_to_all_future_projects INTEGER NOT NULL DEFAULT 0 CHECK (has_access_to_all_future_projects IN (0, 1)),
    default_hourly_rate TEXT CHECK (default_hourly_rate GLOB '*[0-9].[0-9]*' AND default_hourly_rate NOT GLOB '*[^0-9.-]*'),
    cost_rate TEXT CHECK (cost_rate GLOB '*[0-9].[0-9]*' AND cost_rate NOT GLOB '*[^0-9.-]*'),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    is_admin INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    is_contractor INTEGER NOT NULL DEFAULT 0 CHECK (is_contractor IN (0, 1)),
    is_project_manager INTEGER NOT NULL DEFAULT 0 CHECK (is_project_manager IN (0, 1)),
    telephone TEXT NOT NULL DEFAULT '',
    department TEXT NOT NULL DEFAULT '',
    timezone TEXT NOT NULL DEFAULT 'UTC',
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    -- counts the writes to the record, from 0
    version INTEGER NOT NULL DEFAULT 0,
    -- salted; none where the person has no password
    password_hash TEXT,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(email, first_name, last_name, default_hourly_rate, cost_rate, telephone,
            department, timezone, updated_at, created_at, password_hash),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE UNIQUE INDEX people_email ON people (email COLLATE NOCASE);
CREATE INDEX people_administrators ON people (id) WHERE is_admin = 1 AND is_active = 1;
CREATE INDEX people_joining ON people (id) WHERE has_access_to_all_future_projects = 1;
CREATE INDEX people_updated_at ON people (updated_at);

-- Every new store has one: the account's administrator, by the name and address that the store is opened with.
INSERT INTO people (id, email, first_name, last_name, is_admin, created_at, updated_at) VALUES
    (1, 'admin@example.com', 'Admin', 'User', 1, '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z');

CREATE TRIGGER people_id_stays BEFORE UPDATE ON people WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a person cannot change'); END;

-- Without these, REPLACE would put a person in the place of another with the same address.

CREATE TRIGGER people_email_is_free_on_insert BEFORE INSERT ON people
WHEN EXISTS (SELECT 1 FROM people WHERE email = NEW.email COLLATE NOCASE AND id IS NOT NEW.id)
BEGIN SELECT RAISE(ABORT, 'another person has the e-mail address'); END;

CREATE TRIGGER people_email_is_free_on_update BEFORE UPDATE ON people
WHEN EXISTS (SELECT 1 FROM people WHERE email = NEW.email COLLATE NOCASE AND id IS NOT NEW.id)
BEGIN SELECT RAISE(ABORT, 'another person has the e-mail address'); END;

-- At least one active person is an administrator (the insert is for REPLACE).

CREATE TRIGGER people_inserted AFTER INSERT ON people
WHEN NOT EXISTS (SELECT 1 FROM people WHERE is_admin = 1 AND is_active = 1)
BEGIN SELECT RAISE(ABORT, 'no active administrator would be left'); END;

CREATE TRIGGER people_updated AFTER UPDATE ON people
WHEN NOT EXISTS (SELECT 1 FROM people WHERE is_admin = 1 AND is_active = 1)
BEGIN SELECT RAISE(ABORT, 'no active administrator would be left'); END;

CREATE TRIGGER people_deleted AFTER DELETE ON people
WHEN NOT EXISTS (SELECT 1 FROM people WHERE is_admin = 1 AND is_active = 1)
BEGIN SELECT RAISE(ABORT, 'no active administrator would be left'); END;

-- The contacts of a client go with it, and do not hold it back.

CREATE TABLE contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    client_id INTEGER NOT NULL REFERENCES clients (id),
    first_name TEXT NOT NULL CHECK (trim(first_name, char(9, 10, 13, 32)) <> ''),
    last_name TEXT NOT NULL CHECK (trim(last_name, char(9, 10, 13, 32)) <> ''),
    email TEXT NOT NULL DEFAULT '',
    phone_office TEXT NOT NULL DEFAULT '',
    phone_mobile TEXT NOT NULL DEFAULT '',
    fax TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(first_name, last_name, email, phone_office, phone_mobile, fax, title,
            created_at, updated_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX contacts_client_id ON contacts (client_id);
CREATE INDEX contacts_updated_at ON contacts (updated_at);

CREATE TRIGGER contacts_id_stays BEFORE UPDATE ON contacts WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a contact cannot change'); END;

CREATE TRIGGER contacts_inserted AFTER INSERT ON contacts
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id)
BEGIN SELECT RAISE(ABORT, 'the contact''s client does not exist'); END;

CREATE TRIGGER contacts_updated AFTER UPDATE ON contacts
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id)
BEGIN SELECT RAISE(ABORT, 'the contact''s client does not exist'); END;

CREATE TRIGGER clients_contacts_go AFTER DELETE ON clients
BEGIN DELETE FROM contacts WHERE client_id = OLD.id; END;

CREATE INDEX tasks_default ON tasks (id) WHERE is_default = 1 AND deactivated = 0;

-- Which tasks a project has, and who works on it: one assignment of each pair, which is the same pair for ever.

CREATE TABLE task_assignments (
    project_id INTEGER NOT NULL REFERENCES projects (id),
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    billable INTEGER NOT NULL DEFAULT 1 CHECK (billable IN (0, 1)),
    deactivated INTEGER NOT NULL DEFAULT 0 CHECK (deactivated IN (0, 1)),
    hourly_rate TEXT CHECK (hourly_rate GLOB '*[0-9].[0-9]*' AND hourly_rate NOT GLOB '*[^0-9.-]*'),
    budget TEXT CHECK (budget GLOB '*[0-9].[0-9]*' AND budget NOT GLOB '*[^0-9.-]*'),
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(hourly_rate, budget, created_at, updated_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE UNIQUE INDEX task_assignments_pair ON task_assignments (project_id, task_id);
CREATE INDEX task_assignments_task_id ON task_assignments (task_id);
CREATE INDEX task_assignments_updated_at ON task_assignments (updated_at);

CREATE TABLE user_assignments (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    user_id INTEGER NOT NULL REFERENCES people (id),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    deactivated INTEGER NOT NULL DEFAULT 0 CHECK (deactivated IN (0, 1)),
    hourly_rate TEXT CHECK (hourly_rate GLOB '*[0-9].[0-9]*' AND hourly_rate NOT GLOB '*[^0-9.-]*'),
    is_project_manager INTEGER NOT NULL DEFAULT 0 CHECK (is_project_manager IN (0, 1)),
    budget TEXT CHECK (budget GLOB '*[0-9].[0-9]*' AND budget NOT GLOB '*[^0-9.-]*'),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(hourly_rate, budget, created_at, updated_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE UNIQUE INDEX user_assignments_pair ON user_assignments (user_id, project_id);
CREATE INDEX user_assignments_project_id ON user_assignments (project_id);
CREATE INDEX user_assignments_updated_at ON user_assignments (updated_at);

CREATE TRIGGER task_assignments_stay BEFORE UPDATE ON task_assignments
WHEN NEW.id IS NOT OLD.id OR NEW.project_id IS NOT OLD.project_id OR NEW.task_id IS NOT OLD.task_id
BEGIN SELECT RAISE(ABORT, 'the id, the project and the task of an assignment cannot change'); END;

CREATE TRIGGER user_assignments_stay BEFORE UPDATE ON user_assignments
WHEN NEW.id IS NOT OLD.id OR NEW.project_id IS NOT OLD.project_id OR NEW.user_id IS NOT OLD.user_id
BEGIN SELECT RAISE(ABORT, 'the id, the project and the person of an assignment cannot change'); END;

-- Without these, REPLACE would put an assignment in the place of another pair's, or of one of the same pair.

CREATE TRIGGER task_assignments_are_single BEFORE INSERT ON task_assignments
WHEN EXISTS (SELECT 1 FROM task_assignments WHERE project_id = NEW.project_id AND task_id = NEW.task_id AND id IS NOT NEW.id)
    OR EXISTS (SELECT 1 FROM task_assignments
        WHERE id = NEW.id AND (project_id IS NOT NEW.project_id OR task_id IS NOT NEW.task_id))
BEGIN SELECT RAISE(ABORT, 'the task is assigned to the project already, or the id is that of another assignment'); END;

CREATE TRIGGER user_assignments_are_single BEFORE INSERT ON user_assignments
WHEN EXISTS (SELECT 1 FROM user_assignments WHERE user_id = NEW.user_id AND project_id = NEW.project_id AND id IS NOT NEW.id)
    OR EXISTS (SELECT 1 FROM user_assignments
        WHERE id = NEW.id AND (project_id IS NOT NEW.project_id OR user_id IS NOT NEW.user_id))
BEGIN SELECT RAISE(ABORT, 'the person is assigned to the project already, or the id is that of another assignment'); END;

CREATE TRIGGER task_assignments_inserted AFTER INSERT ON task_assignments
WHEN NOT EXISTS (SELECT 1 FROM projects WHERE id = NEW.project_id)
    OR NOT EXISTS (SELECT 1 FROM tasks WHERE id = NEW.task_id)
BEGIN SELECT RAISE(ABORT, 'the assignment''s project or task does not exist'); END;

CREATE TRIGGER user_assignments_inserted AFTER INSERT ON user_assignments
WHEN NOT EXISTS (SELECT 1 FROM projects WHERE id = NEW.project_id)
    OR NOT EXISTS (SELECT 1 FROM people WHERE id = NEW.user_id)
BEGIN SELECT RAISE(ABORT, 'the assignment''s project or person does not exist'); END;

-- An assignment goes with its project, its task or its person. Alone, the last active one of a project's tasks stays.

CREATE TRIGGER task_assignments_deleted BEFORE DELETE ON task_assignments
WHEN OLD.deactivated = 0
    AND EXISTS (SELECT 1 FROM projects WHERE id = OLD.project_id) AND EXISTS (SELECT 1 FROM tasks WHERE id = OLD.task_id)
    AND NOT EXISTS (SELECT 1 FROM task_assignments WHERE project_id = OLD.project_id AND deactivated = 0 AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'it is the last active task of its project'); END;

CREATE TRIGGER projects_assignments_go AFTER DELETE ON projects
BEGIN
    DELETE FROM task_assignments WHERE project_id = OLD.id;
    DELETE FROM user_assignments WHERE project_id = OLD.id;
END;

CREATE TRIGGER tasks_assignments_go AFTER DELETE ON tasks
BEGIN DELETE FROM task_assignments WHERE task_id = OLD.id; END;

CREATE TRIGGER people_assignments_go AFTER DELETE ON people
BEGIN DELETE FROM user_assignments WHERE user_id = OLD.id; END;

-- Time.

CREATE TABLE day_entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    notes TEXT CHECK (notes <> ''),
    spent_at TEXT NOT NULL CHECK (spent_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    -- without the time of a timer that runs
    hours TEXT NOT NULL DEFAULT '0.0' CHECK (
        hours GLOB '*[0-9].[0-9]*' AND hours NOT GLOB '*[^0-9.]*' AND CAST(hours AS REAL) <= 24),
    user_id INTEGER NOT NULL REFERENCES people (id),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    -- since when the timer runs
    timer_started_at TEXT CHECK (timer_started_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    is_closed INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1)),
    is_billed INTEGER NOT NULL DEFAULT 0 CHECK (is_billed IN (0, 1)),
    invoice_id INTEGER REFERENCES invoices (id),
    version INTEGER NOT NULL DEFAULT 0,
    -- one that was billed elsewhere is on none
    CHECK (invoice_id IS NULL OR is_billed = 1),
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(notes, spent_at, hours, created_at, updated_at, timer_started_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

-- A person's day and report, a project's report, what holds a task back, and the one timer that a person has.
CREATE INDEX day_entries_of_person ON day_entries (user_id, spent_at);
CREATE INDEX day_entries_of_project ON day_entries (project_id, spent_at);
CREATE INDEX day_entries_of_task ON day_entries (task_id, project_id);
CREATE INDEX day_entries_of_invoice ON day_entries (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX day_entries_updated_at ON day_entries (updated_at);
CREATE UNIQUE INDEX day_entries_running ON day_entries (user_id) WHERE timer_started_at IS NOT NULL;

CREATE TRIGGER day_entries_stay BEFORE UPDATE ON day_entries
WHEN NEW.id IS NOT OLD.id OR NEW.user_id IS NOT OLD.user_id
BEGIN SELECT RAISE(ABORT, 'the id and the person of a time entry cannot change'); END;

-- Without these, REPLACE would put an entry in the place of another whose timer runs, or of one of another project or day.

CREATE TRIGGER day_entries_are_single BEFORE INSERT ON day_entries
WHEN EXISTS (SELECT 1 FROM day_entries
        WHERE NEW.timer_started_at IS NOT NULL AND user_id = NEW.user_id AND timer_started_at IS NOT NULL AND id IS NOT NEW.id)
    OR EXISTS (SELECT 1 FROM day_entries
        WHERE id = NEW.id AND (project_id IS NOT NEW.project_id OR spent_at IS NOT NEW.spent_at))
BEGIN SELECT RAISE(ABORT, 'another timer of the person runs, or the id is that of another entry'); END;

CREATE TRIGGER day_entries_run_alone BEFORE UPDATE ON day_entries
WHEN EXISTS (SELECT 1 FROM day_entries
    WHERE NEW.timer_started_at IS NOT NULL AND user_id = NEW.user_id AND timer_started_at IS NOT NULL AND id IS NOT NEW.id)
BEGIN SELECT RAISE(ABORT, 'another timer of the person runs'); END;

CREATE TRIGGER day_entries_inserted AFTER INSERT ON day_entries
WHEN NOT EXISTS (SELECT 1 FROM people WHERE id = NEW.user_id)
    OR NOT EXISTS (SELECT 1 FROM projects WHERE id = NEW.project_id)
    OR NOT EXISTS (SELECT 1 FROM tasks WHERE id = NEW.task_id)
    OR (NEW.invoice_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id))
BEGIN SELECT RAISE(ABORT, 'the time entry''s person, project, task or invoice does not exist'); END;

CREATE TRIGGER day_entries_updated AFTER UPDATE ON day_entries
WHEN NOT EXISTS (SELECT 1 FROM projects WHERE id = NEW.project_id)
    OR NOT EXISTS (SELECT 1 FROM tasks WHERE id = NEW.task_id)
    OR (NEW.invoice_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id))
BEGIN SELECT RAISE(ABORT, 'the time entry''s project, task or invoice does not exist'); END;

-- What has time recorded stays, and so do the assignments that say whether the time is billable.

CREATE TRIGGER projects_time_stays BEFORE DELETE ON projects
WHEN EXISTS (SELECT 1 FROM day_entries WHERE project_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'time is recorded for the project'); END;

CREATE TRIGGER tasks_time_stays BEFORE DELETE ON tasks
WHEN EXISTS (SELECT 1 FROM day_entries WHERE task_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'time is recorded for the task'); END;

CREATE TRIGGER people_time_stays BEFORE DELETE ON people
WHEN EXISTS (SELECT 1 FROM day_entries WHERE user_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'time is recorded for the person'); END;

CREATE TRIGGER task_assignments_time_stays BEFORE DELETE ON task_assignments
WHEN EXISTS (SELECT 1 FROM day_entries WHERE task_id = OLD.task_id AND project_id = OLD.project_id)
BEGIN SELECT RAISE(ABORT, 'time is recorded for the assignment'); END;

CREATE TRIGGER user_assignments_time_stays BEFORE DELETE ON user_assignments
WHEN EXISTS (SELECT 1 FROM day_entries WHERE user_id = OLD.user_id AND project_id = OLD.project_id)
BEGIN SELECT RAISE(ABORT, 'time is recorded for the assignment'); END;

-- An entry that is approved or on an invoice is locked. Deleting the invoice frees it.

CREATE TRIGGER day_entries_locked_on_update BEFORE UPDATE ON day_entries
WHEN (OLD.is_closed = 1 OR OLD.is_billed = 1 OR OLD.invoice_id IS NOT NULL)
    AND (NEW.project_id IS NOT OLD.project_id OR NEW.task_id IS NOT OLD.task_id OR NEW.spent_at IS NOT OLD.spent_at)
BEGIN SELECT RAISE(ABORT, 'the time entry is locked'); END;

CREATE TRIGGER day_entries_locked_on_delete BEFORE DELETE ON day_entries
WHEN OLD.is_closed = 1 OR OLD.is_billed = 1 OR OLD.invoice_id IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the time entry is locked'); END;

CREATE TRIGGER invoices_time_goes_free AFTER DELETE ON invoices
BEGIN
    UPDATE day_entries SET invoice_id = NULL, is_billed = 0, is_closed = 0, version = version + 1
    WHERE invoice_id = OLD.id;
END;

-- The first and the last day of a project with time.

CREATE TRIGGER projects_days_on_insert AFTER INSERT ON day_entries
BEGIN
    UPDATE projects SET
        hint_earliest_record_at = min(ifnull(hint_earliest_record_at, NEW.spent_at), NEW.spent_at),
        hint_latest_record_at = max(ifnull(hint_latest_record_at, NEW.spent_at), NEW.spent_at)
    WHERE id = NEW.project_id
        AND (hint_earliest_record_at <= NEW.spent_at AND hint_latest_record_at >= NEW.spent_at) IS NOT 1;
END;

CREATE TRIGGER projects_days_on_update AFTER UPDATE ON day_entries
WHEN NEW.project_id IS NOT OLD.project_id OR NEW.spent_at IS NOT OLD.spent_at
BEGIN
    UPDATE projects SET
        hint_earliest_record_at = (SELECT min(spent_at) FROM day_entries WHERE project_id = projects.id),
        hint_latest_record_at = (SELECT max(spent_at) FROM day_entries WHERE project_id = projects.id)
    WHERE id IN (OLD.project_id, NEW.project_id);
END;

CREATE TRIGGER projects_days_on_delete AFTER DELETE ON day_entries
BEGIN
    UPDATE projects SET
        hint_earliest_record_at = (SELECT min(spent_at) FROM day_entries WHERE project_id = projects.id),
        hint_latest_record_at = (SELECT max(spent_at) FROM day_entries WHERE project_id = projects.id)
    WHERE id = OLD.project_id
        AND (hint_earliest_record_at < OLD.spent_at AND hint_latest_record_at > OLD.spent_at) IS NOT 1;
END;

-- Expenses, the categories that they have, and their receipts.

CREATE TABLE expense_categories (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name TEXT NOT NULL CHECK (trim(name, char(9, 10, 13, 32)) <> ''),
    unit_name TEXT,
    unit_price TEXT CHECK (unit_price GLOB '*[0-9].[0-9]*' AND unit_price NOT GLOB '*[^0-9.-]*'),
    deactivated INTEGER NOT NULL DEFAULT 0 CHECK (deactivated IN (0, 1)),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    version INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(name, unit_name, unit_price, updated_at, created_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX expense_categories_updated_at ON expense_categories (updated_at);

-- Every new store has the same four; each can be deleted while no expense has it.
INSERT INTO expense_categories (id, name, unit_name, unit_price, updated_at, created_at) VALUES
    (1, 'Lodging', NULL, NULL, '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (2, 'Meals', NULL, NULL, '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (3, 'Mileage', 'mile', '0.55', '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (4, 'Other', NULL, NULL, '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z');

CREATE TABLE expenses (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    notes TEXT NOT NULL DEFAULT '',
    total_cost TEXT NOT NULL CHECK (total_cost GLOB '*[0-9].[0-9]*' AND total_cost NOT GLOB '*[^0-9.-]*'),
    units TEXT NOT NULL DEFAULT '1.0' CHECK (units GLOB '*[0-9].[0-9]*' AND units NOT GLOB '*[^0-9.-]*'),
    project_id INTEGER NOT NULL REFERENCES projects (id),
    expense_category_id INTEGER NOT NULL REFERENCES expense_categories (id),
    billable INTEGER NOT NULL DEFAULT 1 CHECK (billable IN (0, 1)),
    spent_at TEXT NOT NULL CHECK (spent_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    user_id INTEGER NOT NULL DEFAULT 1 REFERENCES people (id),
    is_closed INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1)),
    is_billed INTEGER NOT NULL DEFAULT 0 CHECK (is_billed IN (0, 1)),
    invoice_id INTEGER REFERENCES invoices (id),
    created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    updated_at TEXT NOT NULL CHECK (updated_at GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z'),
    version INTEGER NOT NULL DEFAULT 0,
    CHECK (invoice_id IS NULL OR is_billed = 1),
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(notes, total_cost, units, spent_at, created_at, updated_at),
            '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE INDEX expenses_of_person ON expenses (user_id, spent_at);
CREATE INDEX expenses_of_project ON expenses (project_id, spent_at);
CREATE INDEX expenses_expense_category_id ON expenses (expense_category_id);
CREATE INDEX expenses_invoice_id ON expenses (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX expenses_updated_at ON expenses (updated_at);

-- At most one an expense, with which it goes. The bytes come last, so that the rest is read without them.
CREATE TABLE receipts (
    expense_id INTEGER PRIMARY KEY CHECK (expense_id > 0) REFERENCES expenses (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    type TEXT NOT NULL CHECK (type GLOB '?*/?*' AND length(type) <= 127),
    bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 10485760),
    CONSTRAINT "no character that XML 1.0 cannot carry" CHECK (
        replace(replace(replace(json_array(name, type), '\\', ''), char(65534), '\u'), char(65535), '\u')
        NOT GLOB '*\[bfu]*')
) STRICT;

CREATE TRIGGER expense_categories_id_stays BEFORE UPDATE ON expense_categories WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of an expense category cannot change'); END;

CREATE TRIGGER expense_categories_deleted BEFORE DELETE ON expense_categories
WHEN EXISTS (SELECT 1 FROM expenses WHERE expense_category_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'expenses have the category'); END;

CREATE TRIGGER expenses_stay BEFORE UPDATE ON expenses WHEN NEW.id IS NOT OLD.id OR NEW.user_id IS NOT OLD.user_id
BEGIN SELECT RAISE(ABORT, 'the id and the person of an expense cannot change'); END;

CREATE TRIGGER expenses_inserted AFTER INSERT ON expenses
WHEN NOT EXISTS (SELECT 1 FROM projects WHERE id = NEW.project_id)
    OR NOT EXISTS (SELECT 1 FROM expense_categories WHERE id = NEW.expense_category_id)
    OR NOT EXISTS (SELECT 1 FROM people WHERE id = NEW.user_id)
    OR (NEW.invoice_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id))
BEGIN SELECT RAISE(ABORT, 'the expense''s project, category, person or invoice does not exist'); END;

CREATE TRIGGER expenses_updated AFTER UPDATE ON expenses
WHEN NOT EXISTS (SELECT 1 FROM projects WHERE id = NEW.project_id)
    OR NOT EXISTS (SELECT 1 FROM expense_categories WHERE id = NEW.expense_category_id)
    OR (NEW.invoice_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM invoices WHERE id = NEW.invoice_id))
BEGIN SELECT RAISE(ABORT, 'the expense''s project, category or invoice does not exist'); END;

-- What is closed or on an invoice keeps its project, its category and its day, and is not deleted.

CREATE TRIGGER expenses_locked BEFORE UPDATE ON expenses
WHEN (OLD.is_closed = 1 OR OLD.invoice_id IS NOT NULL) AND (NEW.project_id IS NOT OLD.project_id
    OR NEW.expense_category_id IS NOT OLD.expense_category_id OR NEW.spent_at IS NOT OLD.spent_at)
BEGIN SELECT RAISE(ABORT, 'the expense is closed or on an invoice'); END;

CREATE TRIGGER expenses_deleted BEFORE DELETE ON expenses WHEN OLD.is_closed = 1 OR OLD.invoice_id IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the expense is closed or on an invoice'); END;

-- Without this, REPLACE would give the expense to somebody else, or move it while it is locked.
CREATE TRIGGER expenses_replaced BEFORE INSERT ON expenses
WHEN EXISTS (SELECT 1 FROM expenses AS old WHERE old.id = NEW.id AND (old.user_id IS NOT NEW.user_id
    OR ((old.is_closed = 1 OR old.invoice_id IS NOT NULL) AND (old.project_id IS NOT NEW.project_id
        OR old.expense_category_id IS NOT NEW.expense_category_id OR old.spent_at IS NOT NEW.spent_at))))
BEGIN SELECT RAISE(ABORT, 'the id is that of another expense'); END;

CREATE TRIGGER expenses_receipts_go AFTER DELETE ON expenses
BEGIN DELETE FROM receipts WHERE expense_id = OLD.id; END;

CREATE TRIGGER receipts_stay BEFORE UPDATE ON receipts WHEN NEW.expense_id IS NOT OLD.expense_id
BEGIN SELECT RAISE(ABORT, 'the expense of a receipt cannot change'); END;

CREATE TRIGGER receipts_inserted AFTER INSERT ON receipts
WHEN NOT EXISTS (SELECT 1 FROM expenses WHERE id = NEW.expense_id)
BEGIN SELECT RAISE(ABORT, 'the receipt''s expense does not exist'); END;

CREATE TRIGGER projects_have_no_expenses BEFORE DELETE ON projects
WHEN EXISTS (SELECT 1 FROM expenses WHERE project_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'the project has expenses'); END;

CREATE TRIGGER people_have_no_expenses BEFORE DELETE ON people
WHEN EXISTS (SELECT 1 FROM expenses WHERE user_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'the person has expenses'); END;

-- An invoice that goes sets its expenses free.

CREATE TRIGGER invoices_expenses_are_free BEFORE DELETE ON invoices
BEGIN
    UPDATE expenses SET is_closed = 0, is_billed = 0, invoice_id = NULL, version = version + 1 WHERE invoice_id = OLD.id;
END;
