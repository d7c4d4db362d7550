//! The demo shop in a browser: headless Chromium shows each page, and what it shows is looked at.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Server, Shop};
use crate::search::await_any_index;

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 900;

/// A browser that has never been here before.
fn chromium(profile: &Path) -> Command {
    let mut command = Command::new("chromium");
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args([
            "--disable-background-networking",
            "--no-first-run",
            "--lang=en-GB",
        ])
        // The page has this much of its own time; waiting for the server takes none of it.
        .arg("--virtual-time-budget=4000")
        .arg(format!("--window-size={WIDTH},{HEIGHT}"))
        .arg(format!("--user-data-dir={}", profile.display()))
        .stderr(Stdio::null());
    command
}

/// The page once its scripts have run, as HTML, after a screenshot of it was found to show something.
fn look_at(server: &Server, fragment: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let screenshot = folder.path().join("page.png");
    let url = format!("http://{}/demo{fragment}", server.public);
    let taken = chromium(folder.path())
        .arg(format!("--screenshot={}", screenshot.display()))
        .arg(&url)
        .status()
        .expect("chromium runs: scripts/setup installs it");
    assert!(taken.success());
    if let Some(keep) = std::env::var_os("DOORBUSTER_SCREENSHOTS") {
        let name: String = fragment
            .chars()
            .map(|sign| {
                if sign.is_ascii_alphanumeric() {
                    sign
                } else {
                    '-'
                }
            })
            .collect();
        std::fs::copy(
            &screenshot,
            Path::new(&keep).join(format!("demo{name}.png")),
        )
        .unwrap();
    }
    shows_something(&screenshot);
    let dumped = chromium(folder.path())
        .arg("--dump-dom")
        .arg(&url)
        .output()
        .unwrap();
    let page = String::from_utf8(dumped.stdout).unwrap();
    assert!(page.contains("aria-busy=\"false\""), "{page}");
    assert!(page.contains("role=\"alert\" hidden"), "{page}");
    page
}

/// Pictures are colourful, an empty page or one with an error is not.
fn shows_something(screenshot: &Path) {
    let decoder = png::Decoder::new(BufReader::new(File::open(screenshot).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (WIDTH, HEIGHT));
    let samples = frame.color_type.samples();
    let is_colourful = |pixel: &&[u8]| {
        let range = pixel[..3].iter().max().unwrap() - pixel[..3].iter().min().unwrap();
        range > 60
    };
    let pixels = pixels[..frame.buffer_size()].chunks(samples);
    let colourful = pixels.filter(is_colourful).count();
    assert!(colourful > 8_000, "{colourful} pixels");
}

fn count(page: &str, needle: &str) -> usize {
    page.matches(needle).count()
}

#[test]
fn a_shop_can_be_built_from_the_api_alone() {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);

    await_any_index(&server);

    let start = look_at(&server, "");
    assert_eq!(count(&start, "class=\"tile\""), 24);
    for department in ["Apparel", "Electronics", "Toys &amp; Games"] {
        assert!(
            start.contains(&format!(">{department}</a>")),
            "{department}"
        );
    }
    assert!(start.contains("Show more"));

    let category = look_at(
        &server,
        "#/c/Apparel%20%3E%20Tops%20%3E%20T-Shirts?sort=price",
    );
    assert!(category.contains("<h1>Apparel &gt; Tops &gt; T-Shirts</h1>"));
    assert!((10..=13).contains(&count(&category, "class=\"tile\"")));

    let search = look_at(&server, "#/s?q=hemp%20tee");
    assert!(search.contains("<mark>Hemp</mark>"), "{search}");
    for facet in ["Category", "Price", "Availability", "Rating", "Brand"] {
        assert!(search.contains(&format!("<h2>{facet}</h2>")), "{facet}");
    }
    let mistyped = look_at(&server, "#/s?q=headphnes");
    assert!(mistyped.contains("Headphones"), "{mistyped}");

    let product = look_at(&server, "#/p/456");
    for part in [
        "<h1>Ember Hemp Tee</h1>",
        "$22.95",
        "Machine wash",
        "id=\"reviews\"",
        "<blockquote>",
    ] {
        assert!(product.contains(part), "{part}: {product}");
    }
    assert_eq!(count(&product, "data-option=\"Size\""), 3);
    assert!(count(&product, "class=\"tile\"") >= 4);
    // The exact number that is left of the variant shown.
    assert!(product.contains("In stock ("), "{product}");
}

#[test]
fn the_page_is_there_for_the_demo_alone() {
    let shop = Shop::empty();
    let server = shop.serve();
    for path in ["/demo", "/demo/app.js", "/demo/images/ember-hemp-tee-1.svg"] {
        server.get(path).with(404);
    }
}

#[test]
fn pictures_are_drawn_and_files_keep_to_this_server() {
    let shop = Shop::empty();
    let server = shop.serve_with(&["--demo"], &[]);
    let picture = server.get("/demo/images/ember-hemp-tee-1.svg").with(200);
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    server.get("/demo/images/ember-hemp-tee-99.svg").with(404);
    server.request("POST", "/demo", &[]).with(405);
    let page = server.get("/demo").with(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
}
