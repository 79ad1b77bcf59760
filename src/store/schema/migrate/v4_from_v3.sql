-- From version 3 to 4: people, contacts, assignments. Nothing that was there is made anew.

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

-- Every project has the administrator from its beginning.
INSERT INTO user_assignments (user_id, project_id, created_at, updated_at)
    SELECT 1, id, created_at, created_at FROM projects ORDER BY id;

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
