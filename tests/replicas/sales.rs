//! Orders while servers are stopped, killed and replaced: whoever was told that a unit is theirs has it in the end, and has
//! it once, and no more are sold than there were.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::shop::ReplicatedShop;
use crate::harness::{PATIENCE, Shop, Writer, within};

const STOCK: usize = 300;
const SELLERS: usize = 6;
const SKU: &str = "product-1-1";

/// What sellers were told.
#[derive(Default)]
struct Orders {
    acknowledged: Mutex<Vec<String>>,
    count: AtomicUsize,
    /// A seller has failed: nobody is to wait for the others.
    is_broken: AtomicBool,
}

impl Orders {
    /// Sells one unit after the other until there is none. What was not acknowledged is asked again under its key; of some
    /// the customer leaves, and nobody knows what became of those.
    fn sell(&self, writer: &Writer<'_>, seller: usize) {
        let path = format!("/variants/{SKU}/stock-adjustments");
        for number in 0.. {
            let order = format!("order {number} of seller {seller}");
            let key = format!("\"{seller}-{number}\"");
            let body = json!({ "delta": -1, "reason": order });
            loop {
                let reply = writer.write("POST", &path, &[("idempotency-key", &key)], &body);
                match reply.status {
                    200 => {
                        self.acknowledged.lock().unwrap().push(order);
                        self.count.fetch_add(1, Ordering::Release);
                        break;
                    }
                    409 if reply.json()["code"] == "insufficient-stock" => return,
                    503 if number % 5 == 4 => break,
                    503 | 409 => thread::sleep(Duration::from_millis(10)),
                    _ => {
                        self.is_broken.store(true, Ordering::Release);
                        panic!("{reply:?}");
                    }
                }
            }
        }
    }

    /// Awaits that so many are sold.
    fn await_count(&self, count: usize) {
        within(PATIENCE, "units are sold", || {
            thread::sleep(Duration::from_millis(1));
            let is_broken = self.is_broken.load(Ordering::Acquire);
            (is_broken || self.count.load(Ordering::Acquire) >= count).then_some(())
        });
    }
}

#[test]
fn what_was_sold_is_sold_once_whatever_happens_and_no_more_than_there_was() {
    let mut shop = ReplicatedShop::start(2, 1);
    shop.servers.synchronous(0, 1);
    let other_folder = Shop::in_a_file();
    let nodes = [shop.serve(&[]), shop.serve_anyhow(&other_folder, &[])];
    let writers = nodes.each_ref().map(|node| shop.writer(node));
    let stock = json!({ "on_hand": STOCK });
    let path = format!("/variants/{SKU}/stock");
    writers[0].put(&path, &stock).with(200);
    let orders = Orders::default();
    thread::scope(|scope| {
        for seller in 0..SELLERS {
            let (orders, writer) = (&orders, &writers[seller % writers.len()]);
            scope.spawn(move || orders.sell(writer, seller));
        }
        // Who has to have a sale, too, is away for a moment, and so is the primary.
        for (count, server) in [(40, 1), (80, 0)] {
            orders.await_count(count);
            shop.servers.signal(server, Signal::STOP);
            thread::sleep(Duration::from_millis(300));
            shop.servers.signal(server, Signal::CONT);
        }
        orders.await_count(120);
        shop.servers.kill(0);
        shop.servers.promote(1);
        shop.servers.follow(2, 1);
        shop.servers.synchronous(1, 2);
        // One more tells that the replica has all that were sold meanwhile.
        orders.await_count(orders.count.load(Ordering::Acquire) + 1);
        shop.servers.kill(1);
        shop.servers.promote(2);
    });

    let session = shop.session(2);
    let rows: Vec<String> =
        session.values("SELECT reason FROM stock_adjustment WHERE delta = -1 ORDER BY id");
    let mut stored: HashMap<&str, usize> = HashMap::new();
    for order in &rows {
        *stored.entry(order).or_default() += 1;
    }
    let acknowledged = orders.acknowledged.into_inner().unwrap();
    println!("{} acknowledged, {} stored", acknowledged.len(), rows.len());
    for order in &acknowledged {
        assert_eq!(stored.get(order.as_str()), Some(&1), "{order}");
    }
    assert!(stored.values().all(|count| *count == 1), "{stored:?}");
    // All were sold, and each was told another number.
    assert_eq!(rows.len(), STOCK);
    let left: Vec<i64> =
        session.values("SELECT on_hand FROM stock_adjustment WHERE delta = -1 ORDER BY on_hand");
    assert_eq!(left, (0..i64::try_from(STOCK).unwrap()).collect::<Vec<_>>());
}
