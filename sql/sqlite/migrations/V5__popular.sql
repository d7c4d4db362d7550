-- Products by popularity: how many have rated them, then how well. Of all, within a category and within a tag.

CREATE INDEX listing_popular ON product_listing (rating_count, rating);

-- As before for the filter, which needs no more than the beginning of it.
DROP INDEX listing_category;
CREATE INDEX listing_category ON product_listing (category, rating_count, rating);

-- The popularity is part of a tag's key, since the most popular products of a tag that half the catalogue has
-- must be found without a look at the others.
CREATE TABLE popular_tag (
    tag          TEXT    NOT NULL,
    rating_count INTEGER NOT NULL,
    rating       INTEGER NOT NULL,
    product_id   INTEGER NOT NULL REFERENCES product_listing (product_id) ON DELETE CASCADE,
    PRIMARY KEY (tag, rating_count, rating, product_id)
) STRICT, WITHOUT ROWID;
INSERT INTO popular_tag (tag, rating_count, rating, product_id)
SELECT t.tag, l.rating_count, l.rating, l.product_id
FROM product_tag t
JOIN product_listing l ON l.product_id = t.product_id
ORDER BY t.tag, l.rating_count, l.rating, l.product_id;
DROP TABLE product_tag;
ALTER TABLE popular_tag RENAME TO product_tag;
CREATE INDEX tag_of_product ON product_tag (product_id);
