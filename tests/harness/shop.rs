//! A catalogue in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Database, Ended, PostgresDatabase, Server, doorbuster, run};

/// A data directory, with the catalogue in it or, where `TEST_STORE` is `postgres`, beside it. Removed when it goes
/// out of scope.
pub(crate) struct Shop {
    root: TempDir,
    pub(crate) postgres: Option<PostgresDatabase>,
}

/// True where the tests run on a catalogue in PostgreSQL.
pub(crate) fn on_postgres() -> bool {
    std::env::var("TEST_STORE").is_ok_and(|store| store == "postgres")
}

impl Shop {
    /// Without products.
    pub(crate) fn empty() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            postgres: on_postgres().then(PostgresDatabase::new),
        }
    }

    /// Without a catalogue yet.
    pub(crate) fn blank() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            postgres: on_postgres().then(PostgresDatabase::blank),
        }
    }

    /// Without a catalogue yet, which will be in the data directory.
    pub(crate) fn in_a_file() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            postgres: None,
        }
    }

    /// Without products, in PostgreSQL.
    pub(crate) fn empty_in_postgres() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            postgres: Some(PostgresDatabase::new()),
        }
    }

    /// Without products, in PostgreSQL, on a server that nobody else uses.
    pub(crate) fn empty_in_a_cluster_of_its_own() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            postgres: Some(PostgresDatabase::in_a_cluster_of_its_own()),
        }
    }

    /// Without products, in PostgreSQL, with a PgBouncer in front of it.
    pub(crate) fn empty_behind_pgbouncer() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            postgres: Some(PostgresDatabase::behind_pgbouncer()),
        }
    }

    /// Without a catalogue yet, which will be in PostgreSQL.
    pub(crate) fn blank_in_postgres() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            postgres: Some(PostgresDatabase::blank()),
        }
    }

    /// With these products, in our JSON Lines.
    pub(crate) fn with(products: &[Value]) -> Self {
        let shop = Self::empty();
        shop.import(products);
        shop
    }

    /// Where files of the test may be put, beside the data directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.file("data")
    }

    pub(crate) fn catalogue(&self) -> PathBuf {
        self.data_dir().join("catalog.db")
    }

    /// The program, for this catalogue.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = doorbuster();
        command.arg(name).arg("--data-dir").arg(self.data_dir());
        if let Some(database) = &self.postgres {
            command.arg("--catalog-url").arg(database.url());
            if database.is_behind_pgbouncer() {
                command.env("DOORBUSTER_CATALOG_PGBOUNCER", "true");
            }
        }
        command
    }

    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Ended {
        run(self.command(name).args(arguments), &[])
    }

    /// Imports products by another process, all of which have to be right; returns its summary.
    #[track_caller]
    pub(crate) fn import(&self, products: &[Value]) -> Value {
        let mut command = self.command("import");
        command.args(["--json", "--format=jsonl"]);
        run(&mut command, lines(products).as_bytes())
            .with(0)
            .summary()
    }

    /// Imports a file; returns what the program left.
    pub(crate) fn import_file(&self, file: &Path, arguments: &[&str]) -> Ended {
        let mut command = self.command("import");
        run(command.arg("--json").args(arguments).arg(file), &[])
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[], &[])
    }

    /// Serves with more arguments and these environment variables.
    pub(crate) fn serve_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
        let mut command = self.command("serve");
        command.args(arguments).envs(environment.iter().copied());
        Server::start(&mut command)
    }

    /// A new token, by the command.
    pub(crate) fn token(&self, scopes: &str) -> String {
        let arguments = ["new", "--name=test", "--scope", scopes];
        let made = self.run("token", &arguments).with(0);
        made.stdout.trim_end().to_owned()
    }

    /// The catalogue, as a program opens it that knows nothing of ours.
    pub(crate) fn database(&self) -> Database {
        match &self.postgres {
            Some(database) => Database::Postgres(database.connect()),
            None => Database::Sqlite(self.file_database()),
        }
    }

    /// The catalogue file, for tests of the embedded store alone.
    pub(crate) fn file_database(&self) -> Connection {
        Connection::open(self.catalogue()).unwrap()
    }

    /// The database, of a catalogue in PostgreSQL.
    pub(crate) fn postgres(&self) -> &PostgresDatabase {
        self.postgres.as_ref().unwrap()
    }

    /// Everything in the catalogue, as `export` writes it.
    pub(crate) fn export(&self) -> String {
        self.run("export", &[]).with(0).stdout
    }
}

/// Products as JSON Lines.
pub(crate) fn lines(products: &[Value]) -> String {
    let mut lines: Vec<_> = products.iter().map(Value::to_string).collect();
    lines.push(String::new());
    lines.join("\n")
}

/// A public product with one variant, in stock.
pub(crate) fn product(handle: &str, title: &str) -> Value {
    json!({
        "handle": handle,
        "title": title,
        "variants": [{
            "sku": format!("{handle}-1"),
            "price": { "amount_minor": 1999, "currency": "USD" },
            "inventory": { "tracked": true, "on_hand": 20, "low_stock_at": 5 },
        }],
    })
}
