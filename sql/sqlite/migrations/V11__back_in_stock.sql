-- Who wants to know when a product is there again. A row goes when the mail has gone out, or is not wanted any more: no
-- address is kept longer than it is needed.
CREATE TABLE back_in_stock (
    -- Never given twice: links in mails name it.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id INTEGER NOT NULL REFERENCES product (id),
    email      TEXT    NOT NULL,
    -- HMAC-SHA-256 of the address, without case.
    customer   BLOB    NOT NULL CHECK (length(customer) = 32),
    status     TEXT    NOT NULL DEFAULT 'unconfirmed' CHECK (status IN ('unconfirmed', 'waiting', 'due')),
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE UNIQUE INDEX back_in_stock_of_customer ON back_in_stock (customer, product_id);
CREATE INDEX back_in_stock_waiting ON back_in_stock (product_id, id) WHERE status = 'waiting';
CREATE INDEX back_in_stock_unconfirmed ON back_in_stock (created_at) WHERE status = 'unconfirmed';
