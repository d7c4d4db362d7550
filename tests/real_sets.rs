//! Catalogues of real shops through the shipped mappings. They are not ours to distribute: a test says
//! that it is skipped where its set is absent.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Shop, repository, run};

/// Names the folder that holds the sets; unless set, `../shared/data` beside the repository.
const FOLDER: &str = "DOORBUSTER_TEST_DATA";

struct Set {
    name: &'static str,
    files: &'static [&'static str],
    products: u64,
}

const AWS: Set = Set {
    name: "aws-retail-demo",
    files: &["products.yaml"],
    products: 2_465,
};
const DUMMYJSON: Set = Set {
    name: "dummyjson",
    files: &["products.json"],
    products: 194,
};
const ICECAT: Set = Set {
    name: "icecat-chorus",
    files: &["1.json.zip", "2.json.zip", "3.json.zip", "4.json.zip"],
    products: 19_406,
};
const SPREE: Set = Set {
    name: "spree-sample",
    files: &["products.csv"],
    products: 37,
};

impl Set {
    /// Its files; `None`, with a notice, where it is absent.
    fn files(&self) -> Option<Vec<PathBuf>> {
        let folder = std::env::var_os(FOLDER)
            .map_or_else(|| repository("../shared/data"), PathBuf::from)
            .join(self.name);
        if !folder.is_dir() {
            let folder = folder.display();
            eprintln!("skipped: {folder} is absent; set {FOLDER} to the folder of the sets");
            return None;
        }
        Some(self.files.iter().map(|file| folder.join(file)).collect())
    }

    /// Imports all its files in one command, which has to find nothing wrong.
    fn import(&self, shop: &Shop, files: &[PathBuf]) -> Value {
        let map = repository("samples/mappings")
            .join(self.name)
            .with_extension("toml");
        let mut command = shop.command("import");
        command.args(["--json", "--map"]).arg(map).args(files);
        run(&mut command, &[]).with(0).summary()
    }

    fn import_twice(&self, shop: &Shop) -> Option<()> {
        let files = self.files()?;
        let first = self.import(shop, &files);
        assert_eq!(
            counts(&first),
            [self.products, 0, 0],
            "{}: {first}",
            self.name
        );
        let second = self.import(shop, &files);
        assert_eq!(
            counts(&second),
            [0, 0, self.products],
            "{}: {second}",
            self.name
        );
        Some(())
    }
}

/// Created, updated, unchanged; with nothing deleted, skipped or warned about.
fn counts(summary: &Value) -> [u64; 3] {
    for name in ["deleted", "skipped", "warnings"] {
        assert_eq!(summary[name], 0, "{summary}");
    }
    ["created", "updated", "unchanged"].map(|name| summary[name].as_u64().unwrap())
}

/// Asks for a sample of the products by id, and by the handle and the skus they bear.
fn sample(shop: &Shop, products: u64) {
    let server = shop.serve();
    let step = usize::try_from(products / 50 + 1).unwrap();
    for id in (1..=products).step_by(step).chain([products]) {
        let path = format!("/products/{id}");
        let reply = server.get(&path).with(200);
        let document = reply.json();
        assert_eq!(
            (&document["id"], &document["version"]),
            (&json!(id), &json!(1))
        );
        assert!(
            !document["title"].as_str().unwrap().is_empty(),
            "{document}"
        );
        let handle = document["handle"].as_str().unwrap();
        let by_handle = server.get(&format!("/products/by-handle/{}", encoded(handle)));
        assert_eq!(by_handle.with(200).body, reply.body, "{handle}");
        let variants = document["variants"].as_array().unwrap();
        assert!(!variants.is_empty(), "{document}");
        for variant in variants {
            assert!(
                variant["price"]["amount_minor"].as_u64().unwrap() > 0,
                "{document}"
            );
            let sku = variant["sku"].as_str().unwrap();
            let by_sku = server.get(&format!("/products/by-sku/{}", encoded(sku)));
            assert_eq!(by_sku.with(200).body, reply.body, "{sku}");
        }
    }
    let beyond = format!("/products/{}", products + 1);
    server.get(&beyond).problem(404, "product-not-found");
    server.stop();
}

/// A path segment with every byte written out that is not plain everywhere.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[test]
fn each_small_set_is_a_shop_of_its_own() {
    for set in [DUMMYJSON, SPREE] {
        let shop = Shop::empty();
        if set.import_twice(&shop).is_some() {
            sample(&shop, set.products);
        }
    }
}

#[test]
fn all_sets_together_are_one_catalogue() {
    let shop = Shop::empty();
    let mut products = 0;
    for set in [ICECAT, AWS, DUMMYJSON, SPREE] {
        if set.import_twice(&shop).is_some() {
            products += set.products;
        }
    }
    if products > 0 {
        sample(&shop, products);
    }
}
