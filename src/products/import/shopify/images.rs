//! The images of a product, from all its rows.

use std::collections::HashSet;

use super::super::{RecordError, images};
use super::cell::{Cell, View};
use super::columns::{Column, Header};
use crate::products::input::ImageInput;

/// Images in order of their position; those without one follow in order of appearance.
pub(super) struct Images {
    known: bool,
    images: images::Images,
}

impl Images {
    pub(super) fn read(header: &Header, rows: &[View<'_>]) -> Result<Self, RecordError> {
        let mut placed: Vec<(i64, ImageInput)> = Vec::new();
        let mut urls = HashSet::new();
        for row in rows {
            let Some(url) = row.filled(Column::ImageUrl) else {
                continue;
            };
            // Exports of other tools repeat a product's image on every variant.
            if !urls.insert(url.text) {
                continue;
            }
            let position = row
                .filled(Column::ImagePosition)
                .map(Cell::integer)
                .transpose()?
                .unwrap_or(i64::MAX);
            let (width, height) = row
                .filled(Column::ImageSize)
                .map(size)
                .transpose()?
                .unwrap_or_default();
            let image = ImageInput {
                url: url.text.to_owned(),
                alt: row.text(Column::ImageAlt).unwrap_or_default(),
                width,
                height,
            };
            placed.push((position, image));
        }
        placed.sort_by_key(|(position, _)| *position);
        Ok(Self {
            known: header.has(Column::ImageUrl),
            images: placed.into_iter().map(|(_, image)| image).collect(),
        })
    }

    /// The index of the image with this address, added to the end if it is new.
    pub(super) fn index(&mut self, url: &str) -> usize {
        self.known = true;
        self.images.index(url)
    }

    pub(super) fn into_inputs(self) -> Option<Vec<ImageInput>> {
        self.known.then(|| self.images.into_inputs())
    }
}

/// Reads `800x600`, either of which may be missing.
fn size(cell: Cell<'_>) -> Result<(Option<i64>, Option<i64>), RecordError> {
    let pixels = |text: &str| match text {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| cell.error("not a size in pixels; write it like 800x600")),
    };
    let (width, height) = cell.text.split_once('x').unwrap_or((cell.text, ""));
    Ok((pixels(width)?, pixels(height)?))
}
