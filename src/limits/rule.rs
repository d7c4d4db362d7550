//! A policy in force: its arithmetic and its counts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use super::client::Client;
use super::counters::Counters;
use super::decision::{Decision, Standing};
use super::gcra::{Arrival, Gcra, Outcome};
use super::policy::{Counting, MAX_WINDOWS, Per, Policy, Window};
use super::table::{Memory, Nanos, Table};

/// The bucket of those for whom there is no room is worth as many clients as this. They are strangers who come while
/// a flood of strangers is remembered: customers among them, whom the quota of one would not let in.
const OVERFLOW_CLIENTS: u32 = 64;

/// When a client has its quotas again, of each window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Arrivals([Nanos; MAX_WINDOWS]);

impl Memory for Arrivals {
    fn is_over(&self, now: Nanos) -> bool {
        self.0.iter().all(|arrival| *arrival <= now)
    }
}

/// A policy in force.
pub(super) struct Rule {
    policy: Policy,
    /// Tells what is remembered under it from what is under others.
    number: u64,
    own: Vec<Gcra>,
    overflowing: Vec<Gcra>,
    overflow: Mutex<Arrivals>,
    /// While Redis gives no answer: this node's part.
    part: Vec<Gcra>,
    counters: Counters,
}

/// Which count of a policy: that of a client, or of all; its own one, or that of this node alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Count {
    Own,
    Part,
}

impl Rule {
    /// `nodes` share what is counted in Redis while that gives no answer.
    pub(super) fn new(policy: Policy, nodes: NonZeroU32) -> Self {
        let gcras = |quota: &dyn Fn(NonZeroU32) -> Option<NonZeroU32>| {
            let gcra = |window: &Window| {
                let quota = quota(window.quota).unwrap_or(NonZeroU32::MIN);
                Gcra::new(window, quota)
            };
            policy.windows.iter().map(gcra).collect()
        };
        let own = gcras(&Some);
        let overflowing =
            gcras(&|quota| NonZeroU32::new(quota.get().saturating_mul(OVERFLOW_CLIENTS)));
        let part = gcras(&|quota| NonZeroU32::new(quota.get() / nodes));
        let mut hasher = DefaultHasher::new();
        policy.name.hash(&mut hasher);
        for window in &policy.windows {
            // With its size: whoever gets a wider one begins anew.
            (&window.name, window.quota, window.length).hash(&mut hasher);
        }
        Self {
            number: hasher.finish(),
            policy,
            own,
            overflowing,
            overflow: Mutex::default(),
            part,
            counters: Counters::default(),
        }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn window(&self, at: u8) -> Option<&Window> {
        self.policy.windows.get(usize::from(at))
    }

    pub(super) fn is_shared(&self) -> bool {
        self.policy.counting != Counting::Local
    }

    /// Whether it counts requests of clients that have a valid token, or of those that have none.
    pub(super) fn applies(&self, has_token: bool) -> bool {
        match self.policy.per {
            Per::Client | Per::Everybody => true,
            Per::Address => !has_token,
            Per::Token => has_token,
        }
    }

    /// Whose count a client's requests are part of.
    pub(super) fn subject(&self, client: Client) -> Option<Client> {
        (self.policy.per != Per::Everybody).then_some(client)
    }

    /// Names what is remembered for a client.
    pub(super) fn key(&self, client: Client) -> impl Hash + use<> {
        (self.number, self.subject(client))
    }

    /// Counts a request on this node.
    pub(super) fn take(&self, table: &Table<Arrivals>, client: Client, now: Nanos) -> Decision {
        self.take_of(Count::Own, &self.own, table, client, now)
    }

    /// Counts a request on this node, which has its part of the quota.
    pub(super) fn take_part(
        &self,
        table: &Table<Arrivals>,
        client: Client,
        now: Nanos,
    ) -> Decision {
        self.counters.fallback.add();
        self.take_of(Count::Part, &self.part, table, client, now)
    }

    fn take_of(
        &self,
        count: Count,
        gcras: &[Gcra],
        table: &Table<Arrivals>,
        client: Client,
        now: Nanos,
    ) -> Decision {
        let key = (count, self.number, self.subject(client));
        let decision = table.with(key, now, |arrivals| decide(gcras, arrivals, now));
        decision.unwrap_or_else(|| {
            self.counters.overflow.add();
            let overflow = self.overflow.lock();
            let mut overflow = overflow.unwrap_or_else(PoisonError::into_inner);
            decide(&self.overflowing, &mut overflow, now)
        })
    }
}

/// Takes a request's allowance from all windows, or from none where one has none left.
fn decide(gcras: &[Gcra], arrivals: &mut Arrivals, now: Nanos) -> Decision {
    let cells = arrivals.0.map(Arrival::new);
    let standings = (0..).zip(gcras.iter().zip(&cells));
    let decision =
        Decision::of(
            standings.map(|(window, (gcra, arrival))| match gcra.take(arrival, now) {
                Outcome::Allowed { remaining } => Standing {
                    window,
                    remaining,
                    after: gcra.whole_after(remaining),
                    is_violated: false,
                },
                Outcome::Refused { wait } => Standing {
                    window,
                    remaining: 0,
                    after: wait,
                    is_violated: true,
                },
            }),
        );
    if !decision.is_refusal() {
        arrivals.0 = cells.map(|cell| cell.get());
    }
    decision
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::limits::client::Site;
    use crate::limits::document;

    const SECOND: Nanos = 1_000_000_000;
    const START: Nanos = 1_000 * SECOND;

    fn rule(policy: &serde_json::Value) -> Rule {
        let policies = document::read(&serde_json::json!([policy])).unwrap();
        Rule::new(policies[0].clone(), NonZeroU32::new(3).unwrap())
    }

    fn client(last: u32) -> Client {
        Client::Address(Site::of(std::net::Ipv4Addr::from(last).into()))
    }

    fn violated(decision: &Decision) -> Vec<u8> {
        let violated = decision.standings().filter(|it| it.is_violated);
        violated.map(|it| it.window).collect()
    }

    #[test]
    fn what_one_window_refuses_is_counted_by_none() {
        let rule = rule(&serde_json::json!({ "name": "all", "windows": [
            { "name": "burst", "quota": 2, "window": "2s" },
            { "name": "daily", "quota": 5, "window": "1d" },
        ]}));
        let table = Table::new(1 << 16);
        let mut now = START;
        // Refused a hundred times by the burst: the day has its quota all the same.
        let mut allowed = 0;
        for _ in 0..100 {
            let decision = rule.take(&table, client(1), now);
            allowed += usize::from(!decision.is_refusal());
            if decision.is_refusal() {
                assert_eq!(violated(&decision), [0]);
            }
        }
        assert_eq!(allowed, 2);
        now += 10 * SECOND;
        let both = [(); 2].map(|()| rule.take(&table, client(1), now).is_refusal());
        assert_eq!(both, [false, false]);
        now += 10 * SECOND;
        assert!(!rule.take(&table, client(1), now).is_refusal());
        let refused = rule.take(&table, client(1), now);
        assert_eq!(violated(&refused), [1]);
        let wait = refused.standings().find(|it| it.is_violated).unwrap().after;
        assert_eq!(wait, Duration::from_secs(86_400 / 5 - 20));
        assert!(!rule.take(&table, client(2), now).is_refusal());
    }

    #[test]
    fn a_part_is_as_many_nodes_less_and_never_nothing() {
        let limits = |quota: u32| {
            let rule = rule(&serde_json::json!({ "name": "all", "windows": [
                { "name": "burst", "quota": quota, "window": "1h" },
            ]}));
            let table = Table::new(1 << 16);
            let take = |_: &u32| !rule.take_part(&table, client(1), START).is_refusal();
            let allowed = (0..1_000).filter(take).count();
            assert_eq!(rule.counters().read().fallback, 1_000);
            allowed
        };
        assert_eq!(limits(100), 33);
        assert_eq!(limits(2), 1);
    }

    /// Ten million sites: the table is as large as before, and all strangers it has no room for share one bucket.
    #[test]
    fn a_flood_of_addresses_takes_no_memory() {
        const ADDRESSES: u32 = 10_000_000;
        let rule = rule(&serde_json::json!({ "name": "all", "windows": [
            { "name": "daily", "quota": 2, "window": "1d" },
        ]}));
        let table = Table::<Arrivals>::new(1 << 20);
        let bytes = table.bytes();
        assert!(bytes <= 1 << 20);
        let known = client(7);
        assert!(!rule.take(&table, known, START).is_refusal());
        let mut allowed = 0;
        for number in 0..ADDRESSES {
            // The last byte of the site and what follows it change, too.
            let address = (0x2001_u128 << 112) | (u128::from(number) << 72) | u128::from(number);
            let client = Client::Address(Site::of(std::net::Ipv6Addr::from_bits(address).into()));
            allowed += u32::from(!rule.take(&table, client, START).is_refusal());
        }
        let room = u32::try_from(table.capacity()).unwrap();
        assert!(table.live(START) <= table.capacity());
        assert!(
            allowed <= room + 2 * OVERFLOW_CLIENTS,
            "{allowed} of {room}"
        );
        let overflow = rule.counters().read().overflow;
        assert!(overflow >= u64::from(ADDRESSES - room), "{overflow}");
        assert_eq!(table.bytes(), bytes);
        // Who was known has what it had.
        assert!(!rule.take(&table, known, START).is_refusal());
        assert!(rule.take(&table, known, START).is_refusal());
    }
}
