//! Mails by SMTP, to a server that answers as servers do.

use serde_json::json;

use crate::harness::{PATIENCE, Server, Shop, Smtp, SmtpAnswer, product, within};

fn shop() -> Shop {
    let mut lamp = product("lamp", "Lamp");
    lamp["variants"][0]["inventory"] = json!({ "tracked": true, "on_hand": 0 });
    Shop::with(&[lamp])
}

fn serve(shop: &Shop, smtp: &Smtp) -> Server {
    shop.serve_with(&[], &[("DOORBUSTER_MAIL_URL", smtp.url().as_str())])
}

fn sign_up(server: &Server, email: &str) {
    let headers = [("content-type", "application/json")];
    let body = json!({ "email": email }).to_string();
    server
        .send("POST", "/products/1/back-in-stock", &headers, body)
        .with(202);
}

fn dead(shop: &Shop) -> i64 {
    let sql = "SELECT count(*) FROM job_ended WHERE kind = 'mail.confirm' AND state = 'dead'";
    shop.database().number(sql)
}

#[test]
fn what_is_not_taken_now_is_sent_again_and_arrives_once() {
    for answer in [SmtpAnswer::Later, SmtpAnswer::Drop, SmtpAnswer::Hang] {
        let shop = shop();
        let smtp = Smtp::start();
        smtp.answer(&[answer]);
        let server = serve(&shop, &smtp);
        sign_up(&server, "ada@example.com");
        within(PATIENCE, "it is to be sent again", || {
            let waits = "SELECT count(*) FROM job WHERE kind = 'mail.confirm' AND attempt = 1 AND state = 'scheduled'";
            (shop.database().number(waits) == 1 || !smtp.mails().is_empty()).then_some(())
        });
        let mail = smtp.wait_for(1).remove(0);
        assert!(mail.contains("To: ada@example.com"), "{mail}");
        assert!(
            mail.contains("Message-ID: <back-in-stock.1.confirm@localhost>"),
            "{mail}"
        );
        within(PATIENCE, "no job is left", || {
            let left = "SELECT count(*) FROM job WHERE kind = 'mail.confirm'";
            (shop.database().number(left) == 0).then_some(())
        });
        assert_eq!(
            (smtp.mails().len(), smtp.begun(), dead(&shop)),
            (1, 2, 0),
            "{answer:?}"
        );
    }
}

#[test]
fn what_is_never_taken_is_a_dead_letter_and_forgotten() {
    let shop = shop();
    let smtp = Smtp::start();
    smtp.answer(&[SmtpAnswer::Never]);
    let server = serve(&shop, &smtp);
    sign_up(&server, "nobody@example.com");
    within(PATIENCE, "a dead letter", || {
        (dead(&shop) == 1).then_some(())
    });
    assert_eq!((smtp.mails().len(), smtp.begun()), (0, 1));
    let kept = "SELECT count(*) FROM back_in_stock";
    assert_eq!(shop.database().number(kept), 0);
    // Others are none the worse for it.
    sign_up(&server, "ada@example.com");
    assert!(smtp.wait_for(1)[0].contains("To: ada@example.com"));
}
