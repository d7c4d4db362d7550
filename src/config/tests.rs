use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn file(text: &str) -> Sources {
    Sources {
        file: Some(ConfigFile {
            path: PathBuf::from("shop.toml"),
            text: text.to_owned(),
        }),
        ..Sources::default()
    }
}

fn variables(pairs: &[(&str, &str)]) -> Sources {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Sources::default().with_environment(pairs)
}

fn flags(given: &[(&'static str, &'static str, &str)]) -> Sources {
    let flags = given.iter().map(|(flag, setting, value)| Flag {
        flag,
        setting,
        value: (*value).to_owned(),
    });
    Sources {
        flags: flags.collect(),
        ..Sources::default()
    }
}

fn load(sources: &Sources) -> Config {
    Config::load(sources).unwrap()
}

/// The lines of everything that is wrong.
fn errors(sources: &Sources) -> Vec<String> {
    let errors = Config::load(sources).unwrap_err();
    errors.to_string().lines().map(str::to_owned).collect()
}

fn setting(config: &Config, name: &str) -> (String, String) {
    let setting = config
        .settings()
        .iter()
        .find(|setting| setting.name() == name)
        .unwrap();
    (setting.value.clone(), setting.source.to_string())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each setting")]
fn without_any_source_every_setting_has_its_documented_default() {
    let config = load(&Sources::default());
    let shown: Vec<_> = config
        .settings()
        .iter()
        .filter(|setting| setting.name() != "server.workers")
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "server.listen = 127.0.0.1:8080 (default)",
            "server.admin_listen = 127.0.0.1:9090 (default)",
            "server.tls_cert = none (default)",
            "server.tls_key = none (default)",
            "server.http2 = false (default)",
            "server.h2c = false (default)",
            "server.drain_grace = 1s (default)",
            "server.drain = 10s (default)",
            "server.max_connections = 10000 (default)",
            "server.header_timeout = 10s (default)",
            "server.keep_alive = 75s (default)",
            "server.cors_origins = none (default)",
            "server.trusted_proxies = none (default)",
            "server.data_dir = ./doorbuster-data (default)",
            "catalog.url = sqlite:./doorbuster-data/catalog.db (default)",
            "catalog.replicas = none (default)",
            "catalog.max_replica_lag = 5s (default)",
            "catalog.pool_size = 8 (default)",
            "catalog.pgbouncer = false (default)",
            "cache.l1_bytes = 256MiB (default)",
            "cache.views_bytes = 32MiB (default)",
            "cache.fresh = 1m (default)",
            "cache.stale = 10m (default)",
            "cache.negative = 5s (default)",
            "cache.negative_bytes = 8MiB (default)",
            "cache.hard_timeout = 1s (default)",
            "cache.warm_up = 10000 (default)",
            "cache.warm_up_wait = 5s (default)",
            "cache.count_views = true (default)",
            "cache.view_flush = 5s (default)",
            "cache.write_through = false (default)",
            "cache.peers = none (default)",
            "cache.probes = 1 (default)",
            "redis.url = none (default)",
            "redis.prefix = doorbuster: (default)",
            "redis.timeout = 20ms (default)",
            "redis.connect_timeout = 1s (default)",
            "limits.body = 1MiB (default)",
            "limits.write_wait = 2s (default)",
            "limits.overload = true (default)",
            "limits.queue_wait = 50ms (default)",
            "limits.request_timeout = 10s (default)",
            "limits.policy = none (default)",
            "limits.memory = 8MiB (default)",
            "limits.show_remaining = true (default)",
            "limits.nodes = 1 (default)",
            "limits.redis_timeout = 10ms (default)",
            "flags.file = ./doorbuster-data/flags.json (default)",
            "flags.ladder = brotli,view_counts,fresh_prices,recommendations,facets,reviews,search,checkout_first (default)",
            "jobs.serve = true (default)",
            "jobs.threads = 1 (default)",
            "jobs.pool_size = 4 (default)",
            "jobs.lease = 30s (default)",
            "jobs.poll = 1s (default)",
            "jobs.drain = 5s (default)",
            "jobs.keep = 1d (default)",
            "jobs.keep_dead = 14d (default)",
            "reviews.hold = false (default)",
            "reviews.shortest = 10 (default)",
            "reviews.links = 0 (default)",
            "reviews.words = none (default)",
            "webhooks.urls = none (default)",
            "webhooks.secret = none (default)",
            "webhooks.allow_private = false (default)",
            "webhooks.stock = false (default)",
            "edge.purge = none (default)",
            "imports.max_bytes = 1GiB (default)",
            "imports.urls = none (default)",
            "imports.allow_private = false (default)",
            "mail.url = file:./doorbuster-data/mail (default)",
            "mail.from = Doorbuster <shop@localhost> (default)",
            "mail.links = http://localhost:8080 (default)",
            "mail.rate = 10 (default)",
            "slo.availability = 99.95% (default)",
            "slo.availability_sla = 99.9% (default)",
            "slo.fast = 95% (default)",
            "slo.fast_sla = 95% (default)",
            "slo.latency = 150ms (default)",
            "slo.latency_sla = 200ms (default)",
            "slo.errors = 0.05% (default)",
            "slo.errors_sla = 0.1% (default)",
            "slo.min_requests = 1000 (default)",
            "slo.freeze = true (default)",
            "telemetry.log_level = info (default)",
            "telemetry.log_format = auto (default)",
            "telemetry.access_log = auto (default)",
            "telemetry.otlp_endpoint = none (default)",
            "telemetry.otlp_headers = none (default)",
            "telemetry.sample_ratio = 1% (default)",
            "telemetry.trace_slow = 1s (default)",
            "telemetry.trace_forced = 100 (default)",
            "telemetry.metrics_every = 1m (default)",
            "telemetry.service_name = doorbuster (default)",
        ]
    );
    assert!(
        config
            .settings()
            .iter()
            .all(|setting| !setting.help.is_empty())
    );
}

#[test]
fn each_layer_overrides_the_one_below_and_is_remembered() {
    let mut sources = file(
        "# the shop\n[server]\nlisten = '127.0.0.1:1'\nadmin_listen = '127.0.0.1:11'\nworkers = 3\n\
         [cache]\nfresh = '2m'\n",
    );
    sources.environment = variables(&[
        ("DOORBUSTER_SERVER_LISTEN", "127.0.0.1:2"),
        ("DOORBUSTER_SERVER_ADMIN_LISTEN", "127.0.0.1:12"),
    ])
    .environment;
    sources.flags = flags(&[("--listen", "server.listen", "127.0.0.1:3")]).flags;

    let config = load(&sources);

    assert_eq!(config.server.listen, ["127.0.0.1:3".parse().unwrap()]);
    assert_eq!(config.server.workers.get(), 3);
    assert_eq!(config.cache.fresh, Duration::from_mins(2));
    let source = |name| setting(&config, name).1;
    assert_eq!(source("server.listen"), "--listen");
    assert_eq!(
        source("server.admin_listen"),
        "DOORBUSTER_SERVER_ADMIN_LISTEN"
    );
    assert_eq!(source("server.workers"), "shop.toml:5");
    assert_eq!(source("cache.fresh"), "shop.toml:7");
    assert_eq!(source("cache.stale"), "default");
}

#[test]
fn a_list_is_written_with_commas_or_as_a_toml_list() {
    let expected: Vec<std::net::SocketAddr> =
        vec!["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
    for sources in [
        file("[server]\nlisten = ['127.0.0.1:1', '[::1]:2']"),
        file("[server]\nlisten = '127.0.0.1:1, [::1]:2'"),
        variables(&[("DOORBUSTER_SERVER_LISTEN", "127.0.0.1:1,[::1]:2")]),
        flags(&[("--listen", "server.listen", "127.0.0.1:1,[::1]:2")]),
    ] {
        let config = load(&sources);
        assert_eq!(config.server.listen, expected);
        assert_eq!(setting(&config, "server.listen").0, "127.0.0.1:1,[::1]:2");
    }
}

#[test]
fn defaults_follow_the_settings_they_depend_on() {
    let config = load(&file(
        "[server]\ndata_dir = '/srv/shop'\n[cache]\nl1_bytes = '64MiB'",
    ));
    let CatalogUrl::Sqlite(path) = &config.catalog.url else {
        panic!("{}", config.catalog.url)
    };
    assert_eq!(path, Path::new("/srv/shop/catalog.db"));
    assert_eq!(config.cache.negative_bytes, ByteSize::mib(2));

    let off = load(&file("[cache]\nl1_bytes = 0"));
    assert_eq!(
        (off.cache.l1_bytes, off.cache.negative_bytes),
        (ByteSize(0), ByteSize(0))
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_place() {
    let mut sources = file(
        "[server]\nlisten = ['127.0.0.1:8080', 'localhost']\ndrain = 5\n[cache]\nfresh = ['1s']\nstael = '1m'\n",
    );
    sources.environment = variables(&[
        ("DOORBUSTER_SERVER_WORKERS", "none"),
        ("DOORBUSTER_CACHE_L1_BYTE", "1GiB"),
        ("HOME", "/root"),
    ])
    .environment;
    sources.flags = flags(&[("--catalog-url", "catalog.url", "mysql://db")]).flags;

    assert_eq!(
        errors(&sources),
        [
            "server.listen = \"localhost\" (shop.toml:2): not an address to listen on; \
             write IP:PORT, such as 127.0.0.1:8080 or [::1]:8080",
            "server.workers = \"none\" (DOORBUSTER_SERVER_WORKERS): not a number of at least 1; \
             write it in digits, such as 4",
            "server.drain = \"5\" (shop.toml:3): without a unit; \
             write a whole number with ms, s, m, h or d, such as 250ms or 5s, or 0",
            "catalog.url = \"mysql://db\" (--catalog-url): an unknown kind of catalogue; \
             write sqlite:PATH, such as sqlite:/var/lib/doorbuster/catalog.db, \
             or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            "cache.fresh (shop.toml:5): a list; write a single value",
            "cache.stael (shop.toml:6): unknown setting; did you mean stale?",
            "DOORBUSTER_CACHE_L1_BYTE (environment): unknown variable; \
             did you mean DOORBUSTER_CACHE_L1_BYTES?",
        ]
    );
}

#[test]
fn unknown_names_get_the_nearest_known_one() {
    for (text, expected) in [
        (
            "[sevrer]",
            "[sevrer] (shop.toml:1): unknown section; did you mean server?",
        ),
        (
            "\n[till]\nlisten = 'x'",
            "[till] (shop.toml:2): unknown section; this version knows server, catalog, cache, redis, limits, flags, jobs, reviews, webhooks, edge, imports, mail, slo, telemetry",
        ),
        (
            "[server]\nl1_bytes = '1MiB'",
            "server.l1_bytes (shop.toml:2): unknown setting; did you mean cache.l1_bytes?",
        ),
        (
            "[catalog]\npool = 4",
            "catalog.pool (shop.toml:2): unknown setting; did you mean pool_size?",
        ),
        (
            "listen = '127.0.0.1:1'",
            "listen (shop.toml:1): stands outside any section; put it below a line such as [server]",
        ),
    ] {
        assert_eq!(errors(&file(text)), [expected]);
    }
}

#[test]
fn a_broken_file_says_the_line() {
    let found = errors(&file("[server]\n\nlisten = \nworkers = 0\n"));
    assert!(
        found[0].starts_with("configuration file (shop.toml:3): not valid TOML: "),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("server.workers = \"0\" (shop.toml:4)")),
        "{found:?}"
    );
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark_and_end_lines_with_crlf() {
    let config = load(&file(
        "\u{feff}[server]\r\ndrain = '1s'\r\n\r\n[cache]\r\nfresh = '2s'\r\n",
    ));
    assert_eq!(
        setting(&config, "cache.fresh"),
        ("2s".into(), "shop.toml:5".into())
    );
}

proptest! {
    #[test]
    fn no_file_panics(text in r#"(\[server\]|listen|=|"|'|\[|\]|é|\n|\r|#|\{|\}|,|[ -~]){0,24}"#) {
        if let Err(errors) = Config::load(&file(&text)) {
            prop_assert!(!errors.0.is_empty());
            prop_assert_eq!(errors.to_string().lines().count(), errors.0.len());
        }
    }
}

#[test]
fn a_name_with_a_line_break_is_told_on_one_line() {
    assert_eq!(
        errors(&file("[\"two\\nlines\\u0007\"]\n")),
        ["[two\\nlines\\u{7}] (shop.toml:1): unknown section; \
          this version knows server, catalog, cache, redis, limits, flags, jobs, reviews, webhooks, edge, imports, mail, slo, telemetry"]
    );
}

#[test]
fn fields_are_checked_against_each_other() {
    for (text, expected) in [
        (
            "[server]\nadmin_listen = '127.0.0.1:8080'",
            "server.admin_listen = \"127.0.0.1:8080\" (shop.toml:2): takes the same address as \
             server.listen = 127.0.0.1:8080 (default); choose another port",
        ),
        (
            "[server]\nlisten = ['127.0.0.1:1', '0.0.0.0:1']",
            "server.listen = \"127.0.0.1:1,0.0.0.0:1\" (shop.toml:2): \
             lists an address that another one covers; leave one of them out",
        ),
        (
            "[server]\nworkers = 2000",
            "server.workers = \"2000\" (shop.toml:2): more than 1024; one worker for each core is plenty",
        ),
        (
            "[cache]\nhard_timeout = 0",
            "cache.hard_timeout = \"0\" (shop.toml:2): \
             no load can finish in no time; write a duration above 0, such as 1s",
        ),
        (
            "[cache]\nl1_bytes = '1MiB'\nnegative_bytes = '2MiB'",
            "cache.negative_bytes = \"2MiB\" (shop.toml:3): is more than cache.l1_bytes = 1MiB \
             (shop.toml:2); unknown products must not take more memory than products",
        ),
    ] {
        assert_eq!(errors(&file(text)), [expected]);
    }
    load(&file(
        "[server]\nlisten = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'",
    ));
}

#[test]
fn a_field_that_cannot_be_read_is_not_checked_against_others() {
    let found = errors(&file(
        "[cache]\nl1_bytes = 'small'\nnegative_bytes = '1GiB'",
    ));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_password_is_never_printed() {
    let sources = file("[catalog]\nurl = 'postgres://shop:hunter2@db/shop'");
    let config = Config::load(&sources).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));

    for wrong in [
        "db:port/shop",
        "db/shop?sslmode=allow",
        "db/shop?colour=red",
        "db",
    ] {
        let sources = file(&format!(
            "[catalog]\nurl = 'postgres://shop:hunter2@{wrong}'"
        ));
        let error = Config::load(&sources).unwrap_err();
        let text = error.to_string();
        let shown = "catalog.url = \"postgres://shop:***@";
        assert!(
            text.starts_with(shown) && text.contains("not a PostgreSQL URL"),
            "{text}"
        );
        assert!(!format!("{text} {error:?}").contains("hunter2"), "{text}");
    }

    let unknown = errors(&file(
        "[catalog]\nreplica = 'postgres://shop:hunter2@db/shop'",
    ));
    assert!(!unknown.join("\n").contains("hunter2"), "{unknown:?}");
}

#[test]
fn replicas_are_of_a_postgres_and_one_server_each() {
    let postgres = "url = 'postgres://shop@db/shop'\n";
    let load = |text: &str| Config::load(&file(&format!("[catalog]\n{text}")));
    let given = "replicas = ['postgres://shop:hunter2@r1/shop', 'postgres://shop@r2/shop']";
    let config = load(&format!("{postgres}{given}")).unwrap();
    assert_eq!(config.catalog.replicas.len(), 2);
    let mut settings = config.settings().iter();
    let shown = settings.find(|setting| setting.key == "replicas").unwrap();
    assert_eq!(
        shown.value,
        "postgres://shop:***@r1/shop,postgres://shop@r2/shop"
    );
    let none = load(&format!("{postgres}replicas = 'none'")).unwrap();
    assert!(none.catalog.replicas.is_empty());
    for (text, reason) in [
        (
            "replicas = 'postgres://shop@r1/shop'".to_owned(),
            "cannot replay",
        ),
        (
            format!("{postgres}replicas = ['postgres://r1/shop', 'postgres://r1/shop']"),
            "lists a server twice",
        ),
        (
            format!("{postgres}replicas = ['postgres://r1,r2/shop']"),
            "names several hosts",
        ),
        (format!("{postgres}replicas = ['r1:5432']"), "not the URL"),
        (
            format!("{postgres}max_replica_lag = '500ms'"),
            "at least 1s",
        ),
        // Half a password looks like a port.
        (
            format!("{postgres}replicas = 'postgres://shop:hun,ter2@r1/shop'"),
            "not a",
        ),
    ] {
        let error = load(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
        assert!(!error.contains("hun") && !error.contains("ter2"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let name = OsString::from("DOORBUSTER_SERVER_DATA_DIR");
    let sources = Sources::default().with_environment([(name, OsString::from_vec(vec![0xff]))]);
    assert_eq!(
        errors(&sources),
        ["server.data_dir (DOORBUSTER_SERVER_DATA_DIR): not valid UTF-8; write it as plain text"]
    );
}

#[test]
fn objectives_leave_a_budget_and_are_no_less_than_what_was_promised() {
    let config = load(&file(
        "[slo]\navailability = 99.99\nlatency = '100ms'\nerrors = '0.01%'\n",
    ));
    let objectives = config.slo.objectives;
    assert_eq!(objectives.availability.slo.0, 999_900);
    assert_eq!(objectives.errors.slo.0, 999_900);
    for (text, expected) in [
        ("availability = 100", "leaves no budget"),
        ("availability = 99.8", "less is aimed at than was promised"),
        ("errors = '0.2%'", "less is aimed at than was promised"),
        (
            "latency = '120ms'",
            "is no bound of the histogram; write one of 1ms, 2ms,",
        ),
        ("latency = '300ms'", "longer than was promised"),
        ("fast = 'most'", "is no percentage"),
    ] {
        let told = errors(&file(&format!("[slo]\n{text}\n")));
        assert!(told[0].contains(expected), "{text}: {told:?}");
    }
}
