//! Several processes at one catalogue.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::harness::{Program, Server, Shop, lines, product, run, within};

/// Starts all, then awaits all.
#[track_caller]
fn all_succeed(commands: impl Iterator<Item = Command>) {
    let programs = commands.map(|mut command| Program::start(command.stdout(Stdio::null())));
    let programs: Vec<_> = programs.collect();
    for mut program in programs {
        assert_eq!(program.wait_for_code(), 0);
    }
}

#[test]
fn a_catalogue_can_be_set_up_by_several_at_once() {
    for _ in 0..5 {
        let shop = Shop::empty();
        all_succeed((0..6).map(|_| shop.command("migrate")));
        let ended = shop.run("migrate", &["--json"]).with(0);
        assert_eq!(ended.summary(), json!({ "applied": [], "version": 13 }));
    }
}

#[test]
fn imports_wait_for_one_another() {
    let shop = Shop::empty();
    let server = shop.serve();
    let files: Vec<_> = (0..4)
        .map(|part| {
            let own = (0..50).map(|number| product(&format!("p{part}-{number}"), "Own"));
            let shared = (0..50).map(|number| product(&format!("shared-{number}"), "Shared"));
            let products: Vec<_> = own.chain(shared).collect();
            let file = shop.file(&format!("{part}.jsonl"));
            std::fs::write(&file, lines(&products)).unwrap();
            file
        })
        .collect();
    all_succeed(files.iter().map(|file| {
        let mut command = shop.command("import");
        command.arg(file);
        command
    }));
    assert_eq!(shop.export().lines().count(), 250);
    for id in 1..=250 {
        assert_eq!(server.document(&format!("/products/{id}"))["version"], 1);
    }
    server
        .get("/products/251")
        .problem(404, "product-not-found");
}

#[test]
fn servers_of_one_catalogue_agree() {
    let shop = Shop::empty();
    // All of them set it up and fill it.
    let servers: Vec<_> = std::thread::scope(|scope| {
        let start = || shop.serve_with(&["--demo"], &[]);
        let starting: Vec<_> = (0..2).map(|_| scope.spawn(start)).collect();
        starting
            .into_iter()
            .map(|server| server.join().unwrap())
            .collect()
    });
    let bodies = |path: &str| {
        servers
            .iter()
            .map(|server| server.document(path))
            .collect::<Vec<_>>()
    };
    let both = bodies("/products/456");
    assert_eq!(both[0], both[1]);
    assert_eq!(both[0]["version"], 1);
    servers[0]
        .get("/products/1001")
        .problem(404, "product-not-found");

    // What an outsider writes is one version, whichever of them makes it one.
    let database = shop.database();
    for number in 2..=10 {
        let sql = format!("UPDATE product SET title = 'Title {number}' WHERE id = 456");
        database.execute(&sql, []).unwrap();
        let title = json!(format!("Title {number}"));
        for server in &servers {
            within(Duration::from_secs(1), "the new title", || {
                let document = server.document("/products/456");
                (document["title"] == title).then(|| assert_eq!(document["version"], number))
            });
        }
        let both = bodies("/products/456");
        assert_eq!(both[0], both[1]);
    }
    servers.into_iter().for_each(Server::stop);
}

#[test]
fn a_shop_stays_open_while_another_program_holds_the_catalogue() {
    let shop = Shop::with(&[product("lamp", "Lamp"), product("chair", "Chair")]);
    let server = shop.serve();
    let database = shop.file_database();
    // The change is committed, and nobody can make it a version for a while.
    database
        .execute_batch("UPDATE product SET title = 'Desk Lamp' WHERE id = 1; BEGIN IMMEDIATE")
        .unwrap();
    for path in [
        "/products/1",
        "/products/2",
        "/products/by-handle/chair",
        "/readyz",
    ] {
        server.get(path).with(200);
    }
    // Longer than the server waits between two looks.
    let ended = run(shop.command("export").arg("--json"), &[]).with(0);
    assert_eq!(ended.stdout.lines().count(), 2);
    database
        .execute_batch("UPDATE product SET title = 'Armchair' WHERE id = 2; COMMIT")
        .unwrap();
    for (path, title) in [("/products/1", "Desk Lamp"), ("/products/2", "Armchair")] {
        within(Duration::from_secs(1), title, || {
            (server.document(path)["title"] == title).then_some(())
        });
    }
    let log = server.program.log.lines();
    assert!(
        !log.iter()
            .any(|line| line.contains("WARN") || line.contains("ERROR")),
        "{log:#?}"
    );
}

#[test]
fn many_connections_are_served_at_once() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let server = shop.serve();
    let mut connections: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for _ in 0..2 {
        for connection in &mut connections {
            connection.send("GET /products/1 HTTP/1.1\r\nhost: shop\r\n\r\n");
        }
        for connection in &mut connections {
            connection.reply().with(200);
        }
    }
}
