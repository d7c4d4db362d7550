-- How far those who follow the stream of versions have come that pass it on, and whom.
CREATE TABLE outbox_follower (
    name text COLLATE "C" PRIMARY KEY,
    mark text NOT NULL
);

-- Receivers of webhooks that are not sent anything: one that was given up.
CREATE TABLE webhook_disabled (
    url    text COLLATE "C" PRIMARY KEY,
    reason text NOT NULL,
    since  timestamptz(3) NOT NULL DEFAULT date_trunc('milliseconds', now())
);

-- The newest version of each product that a receiver has taken.
CREATE TABLE webhook_sent (
    url        text COLLATE "C" NOT NULL,
    product_id bigint NOT NULL,
    version    bigint NOT NULL,
    PRIMARY KEY (url, product_id)
);
