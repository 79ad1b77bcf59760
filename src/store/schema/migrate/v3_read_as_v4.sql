-- A file of version 3 or older, only read: what version 4 has besides. Once another program has brought the file to
-- version 4, what it writes to these tables is seen when the file is opened again.

-- People.

CREATE TEMP VIEW people AS
SELECT 1 AS id, 'admin@example.com' AS email, 'Admin' AS first_name, 'User' AS last_name,
    0 AS has_access_to_all_future_projects, NULL AS default_hourly_rate, NULL AS cost_rate, 1 AS is_active, 1 AS is_admin,
    0 AS is_contractor, 0 AS is_project_manager, '' AS telephone, '' AS department, 'UTC' AS timezone,
    '2008-01-01T00:00:00Z' AS updated_at, '2008-01-01T00:00:00Z' AS created_at, 0 AS version, NULL AS password_hash;

CREATE TEMP VIEW contacts AS
SELECT 0 AS id, 0 AS client_id, '' AS first_name, '' AS last_name, '' AS email, '' AS phone_office, '' AS phone_mobile,
    '' AS fax, '' AS title, '' AS created_at, '' AS updated_at, 0 AS version
WHERE 0;

CREATE TEMP VIEW task_assignments AS
SELECT 0 AS project_id, 0 AS task_id, 0 AS billable, 0 AS deactivated, NULL AS hourly_rate, NULL AS budget, 0 AS id,
    '' AS created_at, '' AS updated_at, 0 AS version
WHERE 0;

CREATE TEMP VIEW user_assignments AS
SELECT row_number() OVER (ORDER BY id) AS id, 1 AS user_id, id AS project_id, 0 AS deactivated, NULL AS hourly_rate,
    0 AS is_project_manager, NULL AS budget, created_at, created_at AS updated_at, 0 AS version
FROM main.projects;

-- Time.

CREATE TEMP VIEW day_entries AS
SELECT 0 AS id, NULL AS notes, '' AS spent_at, '0.0' AS hours, 0 AS user_id, 0 AS project_id, 0 AS task_id, '' AS created_at,
    '' AS updated_at, NULL AS timer_started_at, 0 AS is_closed, 0 AS is_billed, NULL AS invoice_id, 0 AS version
WHERE 0;

-- Expenses.

CREATE TEMP VIEW expense_categories AS
SELECT column1 AS id, column2 AS name, column3 AS unit_name, column4 AS unit_price, 0 AS deactivated,
    '2008-01-01T00:00:00Z' AS updated_at, '2008-01-01T00:00:00Z' AS created_at, 0 AS version
FROM (VALUES (1, 'Lodging', NULL, NULL), (2, 'Meals', NULL, NULL), (3, 'Mileage', 'mile', '0.55'), (4, 'Other', NULL, NULL));

CREATE TEMP VIEW expenses AS
SELECT 0 AS id, '' AS notes, '' AS total_cost, '' AS units, 0 AS project_id, 0 AS expense_category_id, 0 AS billable,
    '' AS spent_at, 0 AS user_id, 0 AS is_closed, 0 AS is_billed, NULL AS invoice_id, '' AS created_at, '' AS updated_at,
    0 AS version
WHERE 0;

CREATE TEMP VIEW receipts AS
SELECT 0 AS expense_id, '' AS name, '' AS type, x'' AS bytes WHERE 0;
