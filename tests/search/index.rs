//! The index behind searches: it follows the catalogue, survives what may happen to it, and is shared.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{await_index, found, with};
use crate::harness::{PATIENCE, Server, Shop, product, within};

#[track_caller]
fn await_found(server: &Server, query: &str, expected: &[&str]) {
    within(PATIENCE, query, || {
        (found(server, query) == expected).then_some(())
    });
}

fn lamps(count: usize) -> Vec<Value> {
    (1..=count)
        .map(|number| product(&format!("lamp-{number}"), &format!("Lamp {number}")))
        .collect()
}

#[test]
fn what_is_committed_is_found_and_what_is_taken_down_is_not() {
    let shop = Shop::with(&[product("chair", "Chair"), product("table", "Table")]);
    let server = shop.serve();
    await_index(&server, 2);
    shop.import(&[product("chair", "Armchair"), product("sofa", "Sofa")]);
    await_found(&server, "sofa", &["sofa"]);
    assert_eq!(found(&server, "armchair"), ["chair"]);
    assert_eq!(found(&server, "chair"), [""; 0]);
    // A program that knows nothing of ours.
    shop.database()
        .execute(
            "UPDATE product SET title = 'Desk' WHERE handle = 'table'",
            [],
        )
        .unwrap();
    await_found(&server, "desk", &["table"]);
    shop.import(&[with("sofa", "Sofa", json!({ "status": "archived" }))]);
    await_found(&server, "sofa", &[]);
    shop.database()
        .execute(
            "UPDATE product SET deleted_at = '2026-01-01T00:00:00.000Z' WHERE handle = 'chair'",
            [],
        )
        .unwrap();
    await_found(&server, "armchair", &[]);
    // What was committed while no server ran.
    server.stop();
    shop.import(&[product("bench", "Bench")]);
    let server = shop.serve();
    await_found(&server, "bench", &["bench"]);
    await_index(&server, 2);
}

fn index_files(shop: &Shop, end: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(shop.data_dir().join("search")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|file| file.to_str().unwrap().ends_with(end))
        .collect()
}

#[test]
fn an_index_that_is_lost_or_damaged_is_built_anew() {
    let shop = Shop::with(&lamps(40));
    let server = shop.serve();
    await_index(&server, 40);
    server.stop();

    let damages: [(&str, &dyn Fn()); 5] = [
        ("the folder is gone", &|| {
            fs::remove_dir_all(shop.data_dir().join("search")).unwrap();
        }),
        ("the list of parts is cut short", &|| {
            let meta = &index_files(&shop, "meta.json")[0];
            OpenOptions::new()
                .write(true)
                .open(meta)
                .unwrap()
                .set_len(10)
                .unwrap();
        }),
        ("a part is gone", &|| {
            for file in index_files(&shop, ".idx") {
                fs::remove_file(file).unwrap();
            }
        }),
        ("a part is empty", &|| {
            for file in index_files(&shop, ".fast") {
                OpenOptions::new()
                    .write(true)
                    .open(file)
                    .unwrap()
                    .set_len(0)
                    .unwrap();
            }
        }),
        ("a part has another byte", &|| {
            for file in index_files(&shop, ".term") {
                let mut file = OpenOptions::new().write(true).open(file).unwrap();
                file.seek(SeekFrom::Start(3)).unwrap();
                file.write_all(&[0xaa]).unwrap();
            }
        }),
    ];
    for (what, damage) in damages {
        damage();
        let server = shop.serve();
        server
            .program
            .log
            .wait_for_message("built the search index");
        await_index(&server, 40);
        assert_eq!(found(&server, "lamp 17"), ["lamp-17"], "{what}");
        server.stop();
    }
    // One that is whole is not.
    let server = shop.serve();
    await_index(&server, 40);
    shop.import(&[product("chair", "Chair")]);
    await_found(&server, "chair", &["chair"]);
    assert!(
        !server
            .program
            .log
            .lines()
            .iter()
            .any(|line| line.contains("built the search index"))
    );
}

#[test]
fn an_index_of_another_catalogue_or_behind_a_gap_is_built_anew() {
    let shop = Shop::with(&lamps(5));
    let server = shop.serve();
    await_index(&server, 5);
    server.stop();
    shop.import(&[product("chair", "Chair")]);
    shop.database()
        .execute("DELETE FROM catalog_outbox", [])
        .unwrap();
    let server = shop.serve();
    await_found(&server, "chair", &["chair"]);
    server.stop();

    let other = Shop::with(&[product("table", "Table")]);
    fs::create_dir_all(other.data_dir().join("search")).unwrap();
    for file in index_files(&shop, "") {
        fs::copy(
            &file,
            other
                .data_dir()
                .join("search")
                .join(file.file_name().unwrap()),
        )
        .unwrap();
    }
    let server = other.serve();
    await_index(&server, 1);
    assert_eq!(found(&server, "table"), ["table"]);
    assert_eq!(found(&server, "lamp"), [""; 0]);
}

#[test]
fn processes_share_one_index_and_another_one_takes_over() {
    let shop = Shop::with(&lamps(3));
    let first = shop.serve();
    await_index(&first, 3);
    let second = shop.serve();
    await_index(&second, 3);
    shop.import(&[product("chair", "Chair")]);
    for server in [&first, &second] {
        await_found(server, "chair", &["chair"]);
    }
    let third = shop.serve();
    let mut first = first;
    first.program.signal(Signal::KILL);
    first.program.wait();
    shop.import(&[product("table", "Table")]);
    for server in [&second, &third] {
        await_found(server, "table", &["table"]);
    }
    second.stop();
    shop.import(&[product("sofa", "Sofa")]);
    await_found(&third, "sofa", &["sofa"]);
    // Nobody took anything for damage on the way.
    let lines = third.program.log.lines();
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("built the search index")),
        "{lines:#?}"
    );
}
