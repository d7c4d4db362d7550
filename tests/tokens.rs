//! `doorbuster token`, as an operator meets it.

use serde_json::Value;

use crate::harness::{Ended, Shop};

fn token(shop: &Shop, arguments: &[&str]) -> Ended {
    shop.run("token", arguments)
}

fn listed(shop: &Shop) -> Vec<Value> {
    let list = token(shop, &["list", "--json"]).with(0).summary();
    list["tokens"].as_array().unwrap().clone()
}

#[test]
fn a_token_is_shown_once_listed_without_its_secret_and_revoked() {
    let shop = Shop::empty();
    let made = token(
        &shop,
        &[
            "new",
            "--name=feed",
            "--scope=catalog:write,stock:write",
            "--expires=90d",
        ],
    )
    .with(0);
    let text = made.stdout.trim_end();
    let (id, secret) = (&text[4..16], &text[17..]);
    assert!(text.starts_with("dbt_") && secret.len() == 43, "{text}");

    let listed_now = listed(&shop);
    let record = &listed_now[0];
    assert_eq!(record["id"], id);
    assert_eq!(record["name"], "feed");
    assert_eq!(
        record["scopes"],
        serde_json::json!(["catalog:write", "stock:write"])
    );
    assert_eq!(record["state"], "active");
    assert!(record["expires_at"].as_str() > record["created_at"].as_str());
    assert_eq!(record["last_used_at"], Value::Null);
    let table = token(&shop, &["list"]).with(0).stdout;
    assert!(table.contains(id) && table.contains("catalog:write stock:write"));
    assert!(!table.contains(secret) && !record.to_string().contains(secret));

    let revoked = token(&shop, &["revoke", id]).with(0);
    assert_eq!(revoked.stdout, format!("revoked {id} (feed)\n"));
    assert_eq!(listed(&shop)[0]["state"], "revoked");
}

#[test]
fn a_name_stands_for_the_one_active_token_that_has_it() {
    let shop = Shop::empty();
    let new = || {
        let made = token(&shop, &["new", "--name=till", "--scope=ops", "--json"]);
        made.with(0).summary()
    };
    let (first, second) = (new(), new());
    let several = token(&shop, &["revoke", "till"]).with(1);
    assert!(several.one_line().contains("several active tokens"));
    let whole = first["token"].as_str().unwrap();
    token(&shop, &["revoke", whole]).with(0);
    let by_name = token(&shop, &["revoke", "till", "--json"]).with(0);
    assert_eq!(by_name.summary()["id"], second["id"]);
    for gone in ["till", "0123456789ab", whole.replace("dbt_", "x").as_str()] {
        let none = token(&shop, &["revoke", gone]).with(1);
        assert!(none.one_line().contains("there is none"), "{none:?}");
    }
}

#[test]
fn asking_after_tokens_makes_no_catalogue() {
    let shop = Shop::empty();
    assert_eq!(listed(&shop), [Value::Null; 0]);
    token(&shop, &["revoke", "feed"]).with(1);
    assert!(!shop.catalogue().exists());
}

#[test]
fn what_cannot_be_a_token_is_refused_with_the_mend() {
    let shop = Shop::empty();
    for (arguments, mend) in [
        (
            &["new", "--name=a", "--scope=catalog"][..],
            "known are catalog:write,",
        ),
        (&["new", "--name=a", "--scope="], "known are"),
        (&["new", "--name=a"], "--scope"),
        (&["new", "--name= ", "--scope=ops"], "1 to 100 characters"),
        (&["new", "--scope=ops"], "--name"),
        (
            &["new", "--name=a", "--scope=ops", "--expires=90"],
            "without a unit",
        ),
        (&["new", "--name=a", "--scope=ops", "--expires=0"], "no use"),
    ] {
        let refused = token(&shop, arguments).with(64);
        assert!(refused.stderr.contains(mend), "{refused:?}");
    }
    assert!(!shop.catalogue().exists());
}
