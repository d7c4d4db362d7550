//! Asks a server for the flags that `scripts/openfeature` has set, by the official provider for Rust.

use open_feature::{EvaluationContext, EvaluationErrorCode, OpenFeature};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let base_url = std::env::args().nth(1).expect("the address of a server");
    let options = OfrepOptions {
        base_url,
        ..OfrepOptions::default()
    };
    let provider = OfrepProvider::new(options).await.expect("a provider");
    let mut api = OpenFeature::singleton_mut().await;
    api.set_provider(provider).await;
    let client = api.create_client();
    drop(api);
    let staff = EvaluationContext::default()
        .with_targeting_key("user-1")
        .with_custom_field("email", "a@shop.example");

    assert_eq!(client.get_bool_value("search", None, None).await, Ok(true));
    assert_eq!(client.get_bool_value("reviews", None, None).await, Ok(false));
    let colour = client.get_string_details("banner", Some(&staff), None).await;
    let colour = colour.expect("a colour");
    assert_eq!((colour.value.as_str(), colour.variant.as_deref()), ("#f00", Some("red")));
    let other = client.get_string_value("banner", None, None).await;
    assert_eq!(other.as_deref(), Ok("#00f"));
    assert_eq!(client.get_int_value("page_size", None, None).await, Ok(24));
    assert_eq!(client.get_float_value("discount", None, None).await, Ok(0.5));
    let layout = client.get_struct_value::<Layout>("layout", None, None).await;
    assert_eq!(layout, Ok(Layout { columns: 3 }));
    let missing = client.get_bool_value("nothing", None, None).await.unwrap_err();
    assert_eq!(missing.code, EvaluationErrorCode::FlagNotFound);
    println!("open-feature-ofrep: as it should be");
}

#[derive(Debug, PartialEq)]
struct Layout {
    columns: i64,
}

impl TryFrom<open_feature::StructValue> for Layout {
    type Error = String;

    fn try_from(value: open_feature::StructValue) -> Result<Self, String> {
        let columns = value.fields.get("columns").and_then(|it| it.as_i64());
        columns.map(|columns| Self { columns }).ok_or("no columns".to_owned())
    }
}
