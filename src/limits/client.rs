//! Who asks: the address a request came from, as far as it can be believed, and what stands for one client among
//! addresses.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// A client has at least so much of an IPv6 address to itself: an end site is given a /56 (RFC 6177), and may ask
/// from any address in it.
const SITE: u32 = 56;

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// The bearer of a token that was verified, by the number of the token.
    Token(u64),
    /// Whoever asks from there.
    Address(Site),
}

/// An IPv4 address, or what an IPv6 address has in common with all others of one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Site(IpAddr);

impl Site {
    /// That of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let kept = u128::MAX << (u128::BITS - SITE);
                Ipv6Addr::from_bits(address.to_bits() & kept).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.0
    }
}

/// Where a request came from. `forwarded` are the values of `X-Forwarded-For` in their order: each proxy adds at the
/// right whom it was asked by. What stands there is believed as far to the left as trusted proxies wrote it, so that
/// a client gains nothing by what it sends itself.
pub fn origin<'h>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'h str>,
    trusted: &[IpNet],
) -> IpAddr {
    let mut origin = peer.to_canonical();
    if trusted.is_empty() {
        return origin;
    }
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut hops = forwarded.rev().flat_map(|value| value.rsplit(','));
    while is_trusted(&origin) {
        // Where one is missing or is no address, the trusted one that says so is all there is.
        match hops.next().and_then(|hop| address(hop.trim())) {
            Some(before) => origin = before,
            None => break,
        }
    }
    origin
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`: proxies write all of them.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if hop.matches(':').count() == 1 => hop.split_once(':')?.0,
        None => hop,
    };
    let address: IpAddr = bare.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn from(peer: &str, headers: &[&str], trusted: &[&str]) -> String {
        origin(ip(peer), headers.iter().copied(), &nets(trusted)).to_string()
    }

    #[test]
    fn what_is_forwarded_counts_only_where_the_peer_is_trusted() {
        let trusted = ["10.0.0.0/8", "2001:db8:1::/48"];
        for (peer, headers, expected) in [
            ("192.0.2.1", &["1.1.1.1"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            // The rightmost that is not trusted, whatever is left of it.
            ("10.0.0.1", &["9.9.9.9, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", &["9.9.9.9", "1.1.1.1,10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", &["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["1.1.1.1:4711"], "1.1.1.1"),
            ("2001:db8:1::7", &["[2001:db8::5]:80"], "2001:db8::5"),
            ("2001:db8:1::7", &["2001:db8::5"], "2001:db8::5"),
            ("10.0.0.1", &["::ffff:1.1.1.1"], "1.1.1.1"),
        ] {
            assert_eq!(
                from(peer, headers, &trusted),
                expected,
                "{peer} {headers:?}"
            );
        }
        assert_eq!(from("10.0.0.1", &["1.1.1.1"], &[]), "10.0.0.1");
    }

    #[test]
    fn a_site_has_many_addresses_of_ipv6_and_one_of_ipv4() {
        let site = |text: &str| Site::of(ip(text)).address().to_string();
        assert_eq!(site("192.0.2.1"), "192.0.2.1");
        assert_eq!(site("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(site("2001:db8:0:12ff:1:2:3:4"), "2001:db8:0:1200::");
    }

    fn hop() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(|it| IpAddr::from(it).to_string()),
            any::<[u8; 2]>().prop_map(|[a, b]| format!("10.0.{a}.{b}")),
            any::<u128>().prop_map(|it| IpAddr::V6(it.into()).to_string()),
            any::<u128>().prop_map(|it| format!("[{}]:1", Ipv6Addr::from(it))),
            "[ -~]{0,12}",
        ]
    }

    proptest! {
        /// A client writes the left part, its proxy the right one.
        #[test]
        fn what_a_client_prepends_changes_nothing(
            own in prop::collection::vec(hop(), 0..6),
            client in any::<[u8; 4]>(),
            proxies in prop::collection::vec(any::<u8>(), 0..4),
            splits in prop::collection::vec(any::<bool>(), 10),
        ) {
            let client = IpAddr::from(client);
            let trusted = nets(&["10.0.0.0/8"]);
            prop_assume!(!trusted[0].contains(&client));
            let mut hops = own;
            hops.push(client.to_string());
            hops.extend(proxies.iter().map(|end| format!("10.1.1.{end}")));
            // However it is spread over headers.
            let mut headers = vec![String::new()];
            for (hop, split) in hops.iter().zip(splits) {
                let last = headers.last_mut().unwrap();
                if split || last.is_empty() {
                    headers.push(hop.clone());
                } else {
                    last.push_str(", ");
                    last.push_str(hop);
                }
            }
            let headers = headers.iter().map(String::as_str);
            prop_assert_eq!(origin(ip("10.0.0.1"), headers, &trusted), client);
        }

        #[test]
        fn an_untrusted_peer_is_itself(
            peer in any::<[u8; 4]>(), hops in prop::collection::vec(hop(), 0..6),
        ) {
            let peer = IpAddr::from(peer);
            let trusted = nets(&["10.0.0.0/8"]);
            prop_assume!(!trusted[0].contains(&peer));
            prop_assert_eq!(origin(peer, hops.iter().map(String::as_str), &trusted), peer);
        }
    }
}
