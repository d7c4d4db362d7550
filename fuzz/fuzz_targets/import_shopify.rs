#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| doorbuster::fuzzing::import_shopify(data));
