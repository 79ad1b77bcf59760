-- A file of version 2 or 1, only read: what version 3 has besides. A column that stands twice in a view is the first one,
-- so that these views are right, too, once another program has brought the file to version 3.

CREATE TEMP VIEW clients AS SELECT *, NULL AS statement_key FROM main.clients;

CREATE TEMP VIEW projects AS SELECT *, 0 AS is_fixed_fee, NULL AS fee FROM main.projects;

CREATE TEMP VIEW invoices AS
SELECT coalesce(tax_amount, '0.0') AS tax_amount, coalesce(tax2_amount, '0.0') AS tax2_amount, * FROM main.invoices;

CREATE TEMP VIEW invoice_messages AS
SELECT *, '' AS sent_from_email, '' AS sent_from, NULL AS send_reminder_on FROM main.invoice_messages;

CREATE TEMP VIEW tasks AS
SELECT column1 AS id, column2 AS name, 1 AS billable_by_default, '2008-01-01T00:00:00Z' AS created_at,
    '2008-01-01T00:00:00Z' AS updated_at, 0 AS is_default, NULL AS default_hourly_rate, 0 AS deactivated, 0 AS version
FROM (VALUES (1, 'Admin'), (2, 'Programming'), (3, 'Project Management'));
