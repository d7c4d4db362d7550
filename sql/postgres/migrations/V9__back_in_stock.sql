-- Who wants to know when a product is there again. A row goes when the mail has gone out, or is not wanted any more: no
-- address is kept longer than it is needed.
CREATE TABLE back_in_stock (
    -- Never given twice: links in mails name it.
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES product (id),
    email      text NOT NULL,
    -- HMAC-SHA-256 of the address, without case.
    customer   bytea NOT NULL CHECK (length(customer) = 32),
    status     text NOT NULL DEFAULT 'unconfirmed' CHECK (status IN ('unconfirmed', 'waiting', 'due')),
    created_at timestamptz(3) NOT NULL DEFAULT date_trunc('milliseconds', now())
);
CREATE UNIQUE INDEX back_in_stock_of_customer ON back_in_stock (customer, product_id);
CREATE INDEX back_in_stock_waiting ON back_in_stock (product_id, id) WHERE status = 'waiting';
CREATE INDEX back_in_stock_unconfirmed ON back_in_stock (created_at) WHERE status = 'unconfirmed';
