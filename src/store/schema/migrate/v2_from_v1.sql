-- From version 1 to 2: two triggers, and what was stale for want of them.

UPDATE clients SET last_invoice_kind = (
    SELECT kind FROM invoices WHERE client_id = clients.id ORDER BY created_at DESC, id DESC LIMIT 1
)
WHERE EXISTS (SELECT 1 FROM invoices WHERE client_id = clients.id)
    AND last_invoice_kind IS NOT (
        SELECT kind FROM invoices WHERE client_id = clients.id ORDER BY created_at DESC, id DESC LIMIT 1
    );

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
