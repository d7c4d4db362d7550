//! The images of a product, collected from its rows, items or variants.

use indexmap::IndexMap;

use crate::products::input::ImageInput;

/// Images by their addresses, in order of appearance. The first with an address is the one that counts.
#[derive(Debug, Default)]
pub(super) struct Images(IndexMap<String, ImageInput>);

impl Images {
    /// The index of the image with this address, added to the end if it is new.
    pub(super) fn index(&mut self, url: &str) -> usize {
        self.0.get_index_of(url).unwrap_or_else(|| {
            self.add(ImageInput {
                url: url.to_owned(),
                ..ImageInput::default()
            })
        })
    }

    /// Adds `image` to the end, unless its address is known. Returns the index of that address.
    pub(super) fn add(&mut self, image: ImageInput) -> usize {
        let entry = self.0.entry(image.url.clone());
        let index = entry.index();
        entry.or_insert(image);
        index
    }

    pub(super) fn into_inputs(self) -> Vec<ImageInput> {
        self.0.into_values().collect()
    }
}

impl FromIterator<ImageInput> for Images {
    fn from_iter<I: IntoIterator<Item = ImageInput>>(images: I) -> Self {
        let mut found = Self::default();
        for image in images {
            found.add(image);
        }
        found
    }
}
