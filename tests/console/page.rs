//! The page in a browser: what it shows of what happens, and what an operator does there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::{Browser, PATIENCE, Server, Shop, within};

fn open(server: &Server) -> Browser {
    let mut browser = Browser::open();
    browser.size(1360, 1300, "light");
    browser.go(&format!("http://{}/console", server.admin));
    browser.await_that(
        "the first figures",
        "document.querySelector('main')?.hidden === false",
    );
    browser
}

/// Customers who come and go while something else is done.
fn with_customers<T>(server: &Server, done: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in (1..=200_u32).cycle() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                server.get(&format!("/products/{}", number % 50 + 1));
                server.get(["/search?q=tee", "/products?limit=5", "/nowhere"][number as usize % 3]);
            }
        });
        let done = done();
        over.store(true, Ordering::Relaxed);
        done
    })
}

fn number(text: &str) -> f64 {
    text.replace(',', "").parse().unwrap_or(0.0)
}

#[test]
fn it_shows_what_happens_on_any_screen() {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);
    with_customers(&server, || {
        let mut browser = open(&server);
        within(PATIENCE, "traffic is seen", || {
            (number(&browser.text("rps")) > 0.0 && number(&browser.text("l1")) > 50.0).then_some(())
        });
        browser.await_that(
            "lines",
            "document.querySelector('#line-rps path.stroke').getAttribute('d').length > 20",
        );
        let slo = browser.text("slo");
        for word in [
            "availability",
            "latency",
            "errors",
            "99.95 %",
            "21.6 of 21.6 min",
        ] {
            assert!(slo.to_lowercase().contains(word), "{word}: {slo}");
        }
        let routes = browser.text("routes");
        for route in ["product", "search", "list", "other"] {
            assert!(routes.contains(route), "{route}: {routes}");
        }
        assert!(browser.text("flags").contains("recommendations"));
        assert!(!browser.text("hottest").is_empty());

        for (width, height, scheme, name) in [
            (1360, 1300, "light", "console"),
            (1360, 1300, "dark", "console-dark"),
            (820, 1100, "light", "console-tablet"),
            (390, 844, "light", "console-phone"),
        ] {
            browser.size(width, height, scheme);
            let fits = format!("document.documentElement.scrollWidth <= {width}");
            browser.await_that(&format!("it fits into {width}"), &fits);
            assert!(browser.screenshot(name).len() > 20_000, "{name}");
            // Without moving anything sideways.
            let in_reach = format!(
                "[...document.querySelectorAll('#flags button, #jobs button')].every(it => {{ \
                     const place = it.getBoundingClientRect(); \
                     return place.width > 0 && place.left >= 0 && place.right <= {width}; }})"
            );
            browser.await_that(
                &format!("what may be done is in reach at {width}"),
                &in_reach,
            );
        }
        let ground = "getComputedStyle(document.body).backgroundColor";
        let light = browser.run(ground);
        browser.size(1360, 1300, "dark");
        assert_ne!(browser.run(ground), light);
        // The policy of the page was in nobody's way, and no script failed.
        assert_eq!(browser.complaints, [""; 0]);
    });
}

#[test]
fn an_operator_logs_in_switches_a_flag_and_is_remembered() {
    let shop = Shop::empty();
    let token = shop.token("ops");
    let server = shop.serve_with(&["--demo"], &[]);
    let mut browser = open(&server);
    let press = "[...document.querySelectorAll('#flags button')].find(it => it.getAttribute('aria-label') === \
                 'Set… recommendations').click()";
    browser.run(press);
    assert_eq!(browser.run("document.activeElement.id"), "token");
    let log_in = |token: &str| {
        format!(
            "document.getElementById('token').value = '{token}'; \
             document.querySelector('#login-form [type=submit]').click()"
        )
    };
    browser.run(&log_in("dbt_wrong"));
    within(PATIENCE, "it is refused", || {
        browser
            .text("login-error")
            .contains("Not accepted")
            .then_some(())
    });
    browser.run(&log_in(&token));
    browser.await_that(
        "what was pressed goes on",
        "document.getElementById('act-dialog').open",
    );
    assert_eq!(browser.text("who"), "test");
    assert_eq!(browser.text("act-title"), "Set recommendations");
    browser.screenshot("console-dialog");
    // Without a reason nothing is done.
    browser.run("document.getElementById('act-confirm').click()");
    assert_eq!(
        browser.run("document.getElementById('act-dialog').open"),
        true
    );
    browser.run(
        "document.getElementById('act-variant').value = 'off'; document.getElementById('act-reason').value = 'they are \
         slow'; document.getElementById('act-confirm').click()",
    );
    within(PATIENCE, "it is done, and shown", || {
        let (flags, audit) = (browser.text("flags"), browser.text("audit"));
        let is_shown = flags.contains("they are slow") && audit.contains("recommendations");
        is_shown.then_some(())
    });
    let flag = server
        .get_admin("/admin/flags/recommendations")
        .with(200)
        .json();
    assert_eq!(
        (&flag["variant"], &flag["reason"]),
        (&"off".into(), &"they are slow".into())
    );
    assert!(flag["expires_at"].is_string(), "for an hour: {flag}");
    assert!(
        flag["set_by"].as_str().unwrap().starts_with("token "),
        "{flag}"
    );

    browser.run("document.getElementById('drain').click()");
    browser.run("document.getElementById('act-reason').value = 'a new kernel'; document.getElementById('act-confirm').click()");
    within(PATIENCE, "the node is drained", || {
        (server.get("/readyz").status == 503).then_some(())
    });
    within(PATIENCE, "and says so", || {
        browser
            .text("troubles")
            .contains("wants no traffic")
            .then_some(())
    });
    browser.screenshot("console-drained");
    // What the token refused is a failed request, which the browser tells of.
    browser.complaints.retain(|it| !it.contains("401"));
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn nobody_who_watches_is_in_the_way() {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);
    let watchers: Vec<_> = (0..200)
        .map(|_| {
            let mut raw = server.connect_admin();
            raw.send("GET /console/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
            raw
        })
        .collect();
    within(PATIENCE, "all of them watch", || {
        let shown = server.get_admin("/console/now").with(200).json();
        (shown["process"]["clients"] == 200).then_some(())
    });
    for id in 1..=200 {
        server.get(&format!("/products/{}", id % 20 + 1)).with(200);
    }
    drop(watchers);
    within(PATIENCE, "none of them does any more", || {
        let shown = server.get_admin("/console/now").with(200).json();
        (shown["process"]["clients"] == 0).then_some(())
    });
}

#[test]
#[ignore = "needs axe-core, which scripts/accessibility fetches and names in AXE_CORE"]
fn nothing_is_in_the_way_of_those_who_cannot_see_it() {
    let axe = std::env::var("AXE_CORE").expect("scripts/accessibility names it");
    let axe = std::fs::read_to_string(axe).unwrap();
    let shop = Shop::empty();
    let token = shop.token("ops");
    let server = shop.serve_with(&["--demo"], &[]);
    with_customers(&server, || {
        let mut browser = open(&server);
        browser.run(&axe);
        let log_in = format!(
            "document.getElementById('login').click(); document.getElementById('token').value = '{token}'"
        );
        for (scheme, width, before) in [
            ("light", 1360, ""),
            ("dark", 1360, ""),
            ("light", 390, ""),
            ("dark", 390, &*log_in),
        ] {
            browser.size(width, 1000, scheme);
            browser.run(before);
            let found = browser.run(
                "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })\
                 .then(it => it.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | ')))",
            );
            assert_eq!(
                found.as_array().map(Vec::len),
                Some(0),
                "{scheme} {width}: {found:#}"
            );
        }
    });
}
