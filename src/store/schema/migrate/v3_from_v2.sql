-- From version 2 to 3: the fields of the service's last years, taxes' amounts that are never nil, client keys of any
-- text, an index of the invoices' numbers, the table of tasks, and a cheaper CHECK of the texts in every table. So each
-- table is made anew.
--
-- Renaming a table looks at every trigger, so they go first and come back last.

DROP TRIGGER clients_id_stays;
DROP TRIGGER projects_id_stays;
DROP TRIGGER invoices_id_stays;
DROP TRIGGER clients_inserted;
DROP TRIGGER clients_updated;
DROP TRIGGER projects_inserted;
DROP TRIGGER projects_updated;
DROP TRIGGER clients_deleted;
DROP TRIGGER invoices_client_exists_on_insert;
DROP TRIGGER invoices_client_exists_on_update;
DROP TRIGGER invoices_inserted;
DROP TRIGGER invoices_updated;
DROP TRIGGER invoices_deleted;
DROP TRIGGER invoices_stay_with_client;
DROP TRIGGER clients_kind_inserted;
DROP TRIGGER invoice_item_categories_deleted;
DROP TRIGGER invoice_line_items_id_stays;
DROP TRIGGER invoice_messages_id_stays;
DROP TRIGGER invoice_payments_id_stays;
DROP TRIGGER invoice_item_categories_id_stays;
DROP TRIGGER invoice_line_items_inserted;
DROP TRIGGER invoice_line_items_updated;
DROP TRIGGER invoice_messages_inserted;
DROP TRIGGER invoice_messages_updated;
DROP TRIGGER invoice_payments_inserted;
DROP TRIGGER invoice_payments_updated;
DROP TRIGGER invoices_parts_go;

CREATE TABLE new_clients (
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

INSERT INTO new_clients (
    id, name, active, details, highrise_id, cache_version, currency, currency_symbol, default_invoice_timeframe,
    last_invoice_kind, created_at, updated_at
)
SELECT
    id, name, active, details, highrise_id, cache_version, currency, currency_symbol, default_invoice_timeframe,
    last_invoice_kind, created_at, updated_at
FROM clients;
DELETE FROM sqlite_sequence WHERE name = 'new_clients';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_clients', seq FROM sqlite_sequence WHERE name = 'clients';
DROP INDEX clients_updated_at;
DROP TABLE clients;
ALTER TABLE new_clients RENAME TO clients;
CREATE INDEX clients_updated_at ON clients (updated_at);

CREATE TABLE new_projects (
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

INSERT INTO new_projects (
    id, client_id, name, code, active, billable, bill_by, hourly_rate, budget_by, budget,
    notify_when_over_budget, over_budget_notification_percentage, over_budget_notified_at, show_budget_to_all,
    created_at, updated_at, starts_on, ends_on, hint_earliest_record_at, hint_latest_record_at, notes,
    cost_budget, cost_budget_include_expenses, version
)
SELECT
    id, client_id, name, code, active, billable, bill_by, hourly_rate, budget_by, budget,
    notify_when_over_budget, over_budget_notification_percentage, over_budget_notified_at, show_budget_to_all,
    created_at, updated_at, starts_on, ends_on, hint_earliest_record_at, hint_latest_record_at, notes,
    cost_budget, cost_budget_include_expenses, version
FROM projects;
DELETE FROM sqlite_sequence WHERE name = 'new_projects';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_projects', seq FROM sqlite_sequence WHERE name = 'projects';
DROP INDEX projects_client_id;
DROP INDEX projects_active;
DROP INDEX projects_updated_at;
DROP TABLE projects;
ALTER TABLE new_projects RENAME TO projects;
CREATE INDEX projects_client_id ON projects (client_id);
CREATE INDEX projects_active ON projects (client_id) WHERE active = 1;
CREATE INDEX projects_updated_at ON projects (updated_at);

CREATE TABLE new_invoices (
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

INSERT INTO new_invoices (
    id, amount, due_amount, due_at, due_at_human_format, period_end, period_start, client_id, subject, currency,
    issued_at, created_by_id, notes, number, purchase_order, client_key, state, tax, tax2, tax_amount,
    tax2_amount, discount_amount, discount, recurring_invoice_id, estimate_id, retainer_id, updated_at,
    created_at, kind, sent, closed, version
)
SELECT
    id, amount, due_amount, due_at, due_at_human_format, period_end, period_start, client_id, subject, currency,
    issued_at, created_by_id, notes, number, purchase_order, client_key, state, tax, tax2, coalesce(tax_amount,
    '0.0'), coalesce(tax2_amount, '0.0'), discount_amount, discount, recurring_invoice_id, estimate_id,
    retainer_id, updated_at, created_at, kind, sent, closed, version
FROM invoices;
DELETE FROM sqlite_sequence WHERE name = 'new_invoices';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_invoices', seq FROM sqlite_sequence WHERE name = 'invoices';
DROP INDEX invoices_newest;
DROP INDEX invoices_client_id;
DROP INDEX invoices_state;
DROP INDEX invoices_issued_at;
DROP INDEX invoices_updated_at;
DROP TABLE invoices;
ALTER TABLE new_invoices RENAME TO invoices;
CREATE INDEX invoices_newest ON invoices (created_at, id);
CREATE INDEX invoices_client_id ON invoices (client_id, created_at, id);
CREATE INDEX invoices_state ON invoices (state, created_at, id);
CREATE INDEX invoices_issued_at ON invoices (issued_at);
CREATE INDEX invoices_updated_at ON invoices (updated_at);
CREATE INDEX invoices_number ON invoices (number);

CREATE TABLE new_invoice_messages (
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

INSERT INTO new_invoice_messages (
    id, invoice_id, send_me_a_copy, body, created_at, sent_by, sent_by_email, thank_you, subject,
    include_pay_pal_link, updated_at, full_recipient_list, version
)
SELECT
    id, invoice_id, send_me_a_copy, body, created_at, sent_by, sent_by_email, thank_you, subject,
    include_pay_pal_link, updated_at, full_recipient_list, version
FROM invoice_messages;
DELETE FROM sqlite_sequence WHERE name = 'new_invoice_messages';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_invoice_messages', seq FROM sqlite_sequence WHERE name = 'invoice_messages';
DROP INDEX invoice_messages_invoice_id;
DROP TABLE invoice_messages;
ALTER TABLE new_invoice_messages RENAME TO invoice_messages;
CREATE INDEX invoice_messages_invoice_id ON invoice_messages (invoice_id);

CREATE TABLE new_invoice_line_items (
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

INSERT INTO new_invoice_line_items SELECT * FROM invoice_line_items;
DELETE FROM sqlite_sequence WHERE name = 'new_invoice_line_items';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_invoice_line_items', seq FROM sqlite_sequence WHERE name = 'invoice_line_items';
DROP INDEX invoice_line_items_invoice_id;
DROP TABLE invoice_line_items;
ALTER TABLE new_invoice_line_items RENAME TO invoice_line_items;
CREATE INDEX invoice_line_items_invoice_id ON invoice_line_items (invoice_id);

CREATE TABLE new_invoice_payments (
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

INSERT INTO new_invoice_payments SELECT * FROM invoice_payments;
DELETE FROM sqlite_sequence WHERE name = 'new_invoice_payments';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_invoice_payments', seq FROM sqlite_sequence WHERE name = 'invoice_payments';
DROP INDEX invoice_payments_invoice_id;
DROP TABLE invoice_payments;
ALTER TABLE new_invoice_payments RENAME TO invoice_payments;
CREATE INDEX invoice_payments_invoice_id ON invoice_payments (invoice_id);

CREATE TABLE new_invoice_item_categories (
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

INSERT INTO new_invoice_item_categories SELECT * FROM invoice_item_categories;
DELETE FROM sqlite_sequence WHERE name = 'new_invoice_item_categories';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'new_invoice_item_categories', seq FROM sqlite_sequence WHERE name = 'invoice_item_categories';
DROP TABLE invoice_item_categories;
ALTER TABLE new_invoice_item_categories RENAME TO invoice_item_categories;

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

INSERT INTO tasks (id, name, created_at, updated_at) VALUES
    (1, 'Admin', '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (2, 'Programming', '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z'),
    (3, 'Project Management', '2008-01-01T00:00:00Z', '2008-01-01T00:00:00Z');

CREATE TRIGGER tasks_id_stays BEFORE UPDATE ON tasks WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a task cannot change'); END;

CREATE TRIGGER clients_id_stays BEFORE UPDATE ON clients WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a client cannot change'); END;

CREATE TRIGGER projects_id_stays BEFORE UPDATE ON projects WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of a project cannot change'); END;

CREATE TRIGGER invoices_id_stays BEFORE UPDATE ON invoices WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'the id of an invoice cannot change'); END;

CREATE TRIGGER clients_inserted AFTER INSERT ON clients
WHEN NEW.active = 0 AND EXISTS (SELECT 1 FROM projects WHERE client_id = NEW.id AND active = 1)
BEGIN SELECT RAISE(ABORT, 'client has active projects'); END;

CREATE TRIGGER clients_updated AFTER UPDATE ON clients
WHEN NEW.active = 0 AND EXISTS (SELECT 1 FROM projects WHERE client_id = NEW.id AND active = 1)
BEGIN SELECT RAISE(ABORT, 'client has active projects'); END;

CREATE TRIGGER projects_inserted AFTER INSERT ON projects
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id AND (active = 1 OR NEW.active = 0))
BEGIN SELECT RAISE(ABORT, 'the project''s client does not exist or is inactive'); END;

CREATE TRIGGER projects_updated AFTER UPDATE ON projects
WHEN NOT EXISTS (SELECT 1 FROM clients WHERE id = NEW.client_id AND (active = 1 OR NEW.active = 0))
BEGIN SELECT RAISE(ABORT, 'the project''s client does not exist or is inactive'); END;

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

CREATE TRIGGER invoices_stay_with_client BEFORE INSERT ON invoices
WHEN EXISTS (SELECT 1 FROM invoices WHERE id = NEW.id AND client_id IS NOT NEW.client_id)
BEGIN SELECT RAISE(ABORT, 'the invoice is another client''s; an UPDATE moves it'); END;

CREATE TRIGGER clients_kind_inserted AFTER INSERT ON clients
WHEN EXISTS (SELECT 1 FROM invoices WHERE client_id = NEW.id)
BEGIN
    UPDATE clients SET last_invoice_kind = (
        SELECT kind FROM invoices WHERE client_id = NEW.id ORDER BY created_at DESC, id DESC LIMIT 1
    ) WHERE id = NEW.id;
END;

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
