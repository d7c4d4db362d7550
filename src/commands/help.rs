//! Texts below the flags of `--help`.

use std::fmt::Write as _;

use crate::config::{Config, Sources};

pub(super) const EXAMPLES: &str = "\
Examples:
  doorbuster serve --demo                        try it: curl -i localhost:8080/products/456
  doorbuster import samples/shopify-products.csv read a shop's own export
  doorbuster serve --config /etc/doorbuster.toml
  doorbuster check --config /etc/doorbuster.toml";

/// `examples` and the configuration: layers, forms and every setting with its default.
pub(super) fn long(examples: &str) -> String {
    let mut text = format!(
        "{examples}

Configuration:
  Later layers win: defaults, the TOML file of --config, credentials of systemd, environment, flags.
  The variable of [server] listen is DOORBUSTER_SERVER_LISTEN, its credential
  doorbuster.server.listen, and so on; commas separate lists. Durations are written 250ms, 5s, 10m,
  1h or 7d, sizes 64KiB, 256MiB or 2GiB. See also `doorbuster check`.
"
    );
    let config = Config::load(&Sources::default());
    let settings = config.as_ref().map_or(&[][..], Config::settings);
    for section in settings.chunk_by(|one, next| one.section == next.section) {
        let _ = writeln!(text, "\n  [{}]", section[0].section);
        for setting in section {
            let _ = writeln!(text, "  {} = {}", setting.key, setting.value);
            let _ = writeln!(text, "      {}", setting.help);
        }
    }
    text
}
