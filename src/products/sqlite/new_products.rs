//! New products that have nothing to do with any other, written together.

use foldhash::HashSet;
use rusqlite::{CachedStatement, Connection};

use super::children;
use super::rows::{self, INSERT_IMAGE, INSERT_INVENTORY, INSERT_PRODUCT, INSERT_VARIANT, Rows};
use super::write::Writer;
use crate::products::input::ProductInput;
use crate::products::store::{CatalogTransaction, PutError, StoreError};

/// Products that wait to be written together. Nothing stands in their way: they are new, and their skus are nobody's.
/// So writing them fails only where the store does, and with it the transaction, which spares each a savepoint of its
/// own.
#[derive(Default)]
struct Run<'a> {
    products: Vec<&'a ProductInput>,
    handles: HashSet<&'a str>,
    skus: HashSet<&'a str>,
}

impl<'a> Run<'a> {
    /// Takes the product in, unless something may stand in its way.
    fn take(&mut self, taken: &mut Taken<'_>, product: &'a ProductInput) -> rusqlite::Result<bool> {
        let variants = || product.variants.iter().flatten();
        let skus = || variants().filter_map(|variant| variant.sku.as_deref());
        if product.title.is_none()
            || product.id.is_some()
            || variants().any(|variant| variant.id.is_some() || variant.price.is_none())
            || self.handles.contains(&*product.handle)
            || taken.handle.exists([&*product.handle])?
        {
            return Ok(false);
        }
        for (index, sku) in skus().enumerate() {
            if self.skus.contains(sku)
                || skus().take(index).any(|other| other == sku)
                || taken.sku.exists([sku])?
            {
                return Ok(false);
            }
        }
        self.skus.extend(skus());
        self.handles.insert(&product.handle);
        self.products.push(product);
        Ok(true)
    }
}

/// Asks which names the catalogue has given to a product.
struct Taken<'c> {
    handle: CachedStatement<'c>,
    sku: CachedStatement<'c>,
}

impl<'c> Taken<'c> {
    fn of(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            handle: connection.prepare_cached("SELECT 1 FROM product WHERE handle = ?1")?,
            sku: connection.prepare_cached("SELECT 1 FROM variant WHERE sku = ?1")?,
        })
    }
}

impl Writer<'_> {
    /// Puts products as [`Writer::put`] would, one after another; new ones that follow each other are written together.
    pub(super) fn put_runs(
        &mut self,
        products: &[&ProductInput],
    ) -> Result<Vec<Result<(), PutError>>, StoreError> {
        let mut outcomes = Vec::with_capacity(products.len());
        let mut run = Run::default();
        let mut taken = Taken::of(self.connection)?;
        for product in products {
            if run.take(&mut taken, product)? {
                outcomes.push(Ok(()));
                continue;
            }
            self.write_run(&std::mem::take(&mut run))?;
            outcomes.push(self.put(product));
        }
        self.write_run(&run)?;
        Ok(outcomes)
    }

    fn write_run(&mut self, run: &Run<'_>) -> Result<(), StoreError> {
        let connection = self.connection;
        let mut products = Rows::new(INSERT_PRODUCT);
        let mut images = Rows::new(INSERT_IMAGE);
        let mut variants = Rows::new(INSERT_VARIANT);
        let mut inventory = Rows::new(INSERT_INVENTORY);
        // As the store would count on; nobody else writes meanwhile.
        let mut product_ids = NewIds::of(connection, "SELECT max(id) FROM product")?;
        let mut image_ids = NewIds::of(connection, "SELECT max(id) FROM image")?;
        let mut variant_ids = NewIds::of(connection, "SELECT max(id) FROM variant")?;
        if [&product_ids, &image_ids, &variant_ids]
            .iter()
            .any(|ids| ids.are_used_up())
        {
            return self.write_each(&run.products);
        }
        let mut ids = Vec::with_capacity(run.products.len());
        let now = self.now.clone();
        for product in &run.products {
            let id = product_ids.next();
            products.push(rows::product(Some(id), product, &now));
            let mut images_of_product = Vec::new();
            for (position, image) in (0..).zip(product.images.iter().flatten()) {
                let image_id = image_ids.next();
                images.push(rows::image(image_id, id, position, image));
                images_of_product.push(image_id);
            }
            for (position, variant) in (0..).zip(product.variants.iter().flatten()) {
                let variant_id = variant_ids.next();
                let image_id = variant
                    .image
                    .and_then(|index| images_of_product.get(index).copied());
                let row = rows::variant(Some(variant_id), id, position, image_id, variant);
                variants.push(row);
                inventory.push(rows::inventory(variant_id, variant));
            }
            ids.push(id);
        }
        products.write(connection)?;
        images.write(connection)?;
        variants.write(connection)?;
        inventory.write(connection)?;
        for (product, id) in run.products.iter().zip(ids) {
            if let Some(reviews) = &product.reviews {
                children::put_reviews(connection, id, true, reviews)?;
            }
            self.note_relations(id, product.relations.as_deref())?;
            self.tally.put(id, true);
        }
        Ok(self.settle_when_many()?)
    }

    fn write_each(&mut self, products: &[&ProductInput]) -> Result<(), StoreError> {
        for product in products {
            self.put(product)
                .map_err(|error| StoreError::new(error.to_string()))?;
        }
        Ok(())
    }
}

/// Ids behind all there are.
struct NewIds(i64);

impl NewIds {
    fn of(connection: &Connection, last: &str) -> rusqlite::Result<Self> {
        let last: Option<i64> = connection
            .prepare_cached(last)?
            .query_row([], |row| row.get(0))?;
        Ok(Self(last.unwrap_or(0)))
    }

    /// Whether somebody took one so high that the store looks for gaps instead.
    fn are_used_up(&self) -> bool {
        self.0 > i64::MAX / 2
    }

    fn next(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }
}
