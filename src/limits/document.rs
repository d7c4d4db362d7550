//! Policies as they are written, in a configuration file or for the listener for operators: read with everything that
//! is wrong told at once, and written back.
//!
//! `{"name": "search", "classes": ["search"], "per": "client", "counting": "local", "mode": "enforce",
//! "windows": [{"name": "burst", "quota": 20, "window": "10s"}]}`, of which name and windows have to be there.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::RouteClass;
use super::policy::{MAX_WINDOWS, Policy, Window, Word};
use crate::config::{format_duration, parse_duration};

/// Most policies there may be: each request is counted by all that it falls under.
const MAX_POLICIES: usize = 32;
/// Longest name.
const MAX_NAME: usize = 40;
/// Longer windows than this outlive most processes, and Redis servers.
const LONGEST: Duration = Duration::from_hours(31 * 24);
/// Fastest rate, in requests a second: Redis counts in microseconds.
const FASTEST: u64 = 1_000_000;

/// What is wrong with policies, all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct PolicyErrors(pub Vec<String>);

/// Reads a list of policies.
pub fn read(document: &Value) -> Result<Vec<Policy>, PolicyErrors> {
    let mut reader = Reader { faults: Vec::new() };
    let policies = reader.policies(document);
    if reader.faults.is_empty() {
        Ok(policies)
    } else {
        Err(PolicyErrors(reader.faults))
    }
}

/// Writes policies as [`read`] takes them.
pub fn write(policies: &[Policy]) -> Value {
    policies.iter().map(write_one).collect()
}

/// Writes a policy as [`read`] takes it.
pub(super) fn write_one(policy: &Policy) -> Value {
    let windows = policy.windows.iter().map(|window| {
        json!({
            "name": window.name,
            "quota": window.quota,
            "window": format_duration(window.length),
        })
    });
    let classes = policy.classes.iter().map(|class| class.name());
    json!({
        "name": policy.name,
        "classes": classes.collect::<Vec<_>>(),
        "per": policy.per.word(),
        "counting": policy.counting.word(),
        "mode": policy.mode.word(),
        "windows": windows.collect::<Vec<_>>(),
    })
}

struct Reader {
    faults: Vec<String>,
}

/// A table and what it is called in faults.
struct Table<'v> {
    place: String,
    members: &'v Map<String, Value>,
}

impl Reader {
    fn fault(&mut self, place: &str, what: impl AsRef<str>) {
        self.faults.push(format!("{place}: {}", what.as_ref()));
    }

    fn policies(&mut self, document: &Value) -> Vec<Policy> {
        let Value::Array(items) = document else {
            self.fault("policy", "not a list of tables; write [[limits.policy]]");
            return Vec::new();
        };
        if items.len() > MAX_POLICIES {
            self.fault("policy", format!("more than {MAX_POLICIES} of them"));
        }
        let policies: Vec<_> = (1..)
            .zip(items)
            .filter_map(|(number, item)| self.policy(number, item))
            .collect();
        self.unique("policies", policies.iter().map(|policy| &policy.name));
        let windows = policies.iter().flat_map(|policy| &policy.windows);
        self.unique(
            "windows of all policies",
            windows.map(|window| &window.name),
        );
        policies
    }

    fn unique<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n String>) {
        let mut seen = HashSet::new();
        for name in names {
            if !seen.insert(name) {
                self.faults.push(format!(
                    "{name}: two {what} have this name; give each its own"
                ));
            }
        }
    }

    /// `None` where something is wrong with it.
    fn policy(&mut self, number: usize, value: &Value) -> Option<Policy> {
        const KEYS: [&str; 6] = ["name", "classes", "per", "counting", "mode", "windows"];
        let before = self.faults.len();
        let mut table = self.table(format!("policy {number}"), value, &KEYS)?;
        let name = self.name(&table);
        if let Some(name) = &name {
            table.place = format!("policy {name}");
        }
        let per = self.word(&table, "per");
        let counting = self.word(&table, "counting");
        let mode = self.word(&table, "mode");
        let classes = self.classes(&table);
        let windows = self.windows(&table);
        (self.faults.len() == before).then_some(())?;
        Some(Policy {
            name: name?,
            classes,
            per,
            counting,
            mode,
            windows,
        })
    }

    fn table<'v>(&mut self, place: String, value: &'v Value, keys: &[&str]) -> Option<Table<'v>> {
        let Value::Object(members) = value else {
            self.fault(&place, "not a table");
            return None;
        };
        for key in members.keys() {
            if !keys.contains(&key.as_str()) {
                let known = keys.join(", ");
                self.fault(&place, format!("unknown key {key:?}; it may have {known}"));
            }
        }
        Some(Table { place, members })
    }

    fn name(&mut self, table: &Table<'_>) -> Option<String> {
        let name = table.members.get("name").and_then(Value::as_str);
        let is_name = |name: &&str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed)
        };
        let name = name.filter(is_name);
        if name.is_none() {
            let what =
                "name: from 1 to 40 letters, digits and - _ . are needed, such as \"search\"";
            self.fault(&table.place, what);
        }
        name.map(str::to_owned)
    }

    /// The first word where there is none, or another one.
    fn word<T: Word>(&mut self, table: &Table<'_>, key: &str) -> T {
        let value = table.members.get(key);
        let word = value.map_or(Some(T::WORDS[0].0), Value::as_str);
        let mut known = T::WORDS.iter();
        if let Some((_, value)) = known.find(|(known, _)| Some(*known) == word) {
            return *value;
        }
        self.fault(&table.place, format!("{key}: {}", one_of::<T>()));
        T::WORDS[0].1
    }

    fn classes(&mut self, table: &Table<'_>) -> Vec<RouteClass> {
        let Some(value) = table.members.get("classes") else {
            return RouteClass::ALL.to_vec();
        };
        let names = value.as_array().filter(|names| !names.is_empty());
        let classes: Option<Vec<_>> = names.and_then(|names| {
            let class = |name: &Value| RouteClass::by_name(name.as_str()?);
            names.iter().map(class).collect()
        });
        let Some(mut classes) = classes else {
            let what = format!("classes: not a list of these: {}", one_of::<RouteClass>());
            self.fault(&table.place, what);
            return Vec::new();
        };
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    fn windows(&mut self, table: &Table<'_>) -> Vec<Window> {
        let items = table.members.get("windows").and_then(Value::as_array);
        let items = items.filter(|items| (1..=MAX_WINDOWS).contains(&items.len()));
        let Some(items) = items else {
            let what = format!(
                "windows: from 1 to {MAX_WINDOWS} are needed, such as \
                 [{{ name = \"burst\", quota = 20, window = \"10s\" }}]"
            );
            self.fault(&table.place, what);
            return Vec::new();
        };
        let mut windows: Vec<_> = (1..)
            .zip(items)
            .filter_map(|(number, item)| self.window(table, number, item))
            .collect();
        windows.sort_by_key(|window| window.length);
        windows
    }

    fn window(&mut self, policy: &Table<'_>, number: usize, value: &Value) -> Option<Window> {
        let place = format!("{}, window {number}", policy.place);
        let table = self.table(place, value, &["name", "quota", "window"])?;
        let name = self.name(&table);
        let quota = table.members.get("quota").and_then(Value::as_u64);
        let quota = quota.and_then(|quota| u32::try_from(quota).ok());
        let quota = quota.and_then(NonZeroU32::new);
        if quota.is_none() {
            let what = "quota: a whole number of requests is needed, at least 1";
            self.fault(&table.place, what);
        }
        let text = table.members.get("window").and_then(Value::as_str);
        let length = text.map(parse_duration).and_then(Result::ok);
        let length = length.filter(|length| {
            let is_whole = length.subsec_nanos() == 0;
            is_whole && !length.is_zero() && *length <= LONGEST
        });
        let Some(length) = length else {
            let what = "window: whole seconds from \"1s\" to \"31d\" are needed, such as \"10s\"";
            self.fault(&table.place, what);
            return None;
        };
        let (name, quota) = (name?, quota?);
        if u64::from(quota.get()) > FASTEST * length.as_secs() {
            self.fault(
                &table.place,
                "quota: more than a million a second limits nobody",
            );
            return None;
        }
        Some(Window {
            name,
            quota,
            length,
        })
    }
}

fn one_of<T: Word>() -> String {
    let words: Vec<_> = T::WORDS.iter().map(|(word, _)| *word).collect();
    format!("write one of {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::policy::{Counting, Mode, Per};

    #[test]
    fn what_is_left_out_has_a_default_and_what_is_written_is_read_again() {
        let document = json!([
            { "name": "all", "windows": [
                { "name": "daily", "quota": 1000, "window": "1d" },
                { "name": "burst", "quota": 100, "window": "60s" },
            ]},
            { "name": "search", "classes": ["search", "list", "search"], "per": "address",
              "counting": "strict", "mode": "shadow",
              "windows": [{ "name": "search", "quota": 5, "window": "1s" }] },
        ]);
        let policies = read(&document).unwrap();
        let [all, search] = policies.as_slice() else {
            panic!("{policies:?}");
        };
        assert_eq!(all.classes, RouteClass::ALL);
        assert_eq!(
            (all.per, all.counting, all.mode),
            (Per::Client, Counting::Local, Mode::Enforce)
        );
        assert_eq!(all.windows[0].name, "burst");
        assert_eq!(search.classes, [RouteClass::List, RouteClass::Search]);
        assert_eq!(read(&write(&policies)).unwrap(), policies);
        assert_eq!(
            all.to_string(),
            "all: burst 100 in 60 s, daily 1000 in 86400 s per client"
        );
        assert_eq!(
            search.to_string(),
            "search: search 5 in 1 s per address of list+search, strict, shadow"
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let document = json!([
            { "name": "a b", "classes": [], "per": "cookie", "counting": 1, "mode": "on", "limit": 3,
              "windows": [{ "name": "", "quota": 0, "window": "1ms", "unit": "s" }] },
            { "name": "twice", "windows": [{ "name": "w", "quota": 1, "window": "1s" }] },
            { "name": "twice", "windows": [{ "name": "w", "quota": 1, "window": "1s" }] },
            { "name": "none", "windows": [] },
            { "name": "fast", "windows": [{ "name": "x", "quota": 1_000_001, "window": "1s" }] },
            7,
        ]);
        let PolicyErrors(faults) = read(&document).unwrap_err();
        for expected in [
            "policy 1: unknown key \"limit\"",
            "policy 1: name: ",
            "policy 1: per: write one of client, address, token, everybody",
            "policy 1: counting: ",
            "policy 1: mode: ",
            "policy 1: classes: ",
            "policy 1, window 1: unknown key \"unit\"",
            "policy 1, window 1: name: ",
            "policy 1, window 1: quota: ",
            "policy 1, window 1: window: ",
            "twice: two policies ",
            "w: two windows of all policies ",
            "policy none: windows: ",
            "policy fast, window 1: quota: more than a million",
            "policy 6: not a table",
        ] {
            let found = faults.iter().any(|fault| fault.starts_with(expected));
            assert!(found, "{expected} in {faults:#?}");
        }
        assert_eq!(faults.len(), 15, "{faults:#?}");
        assert!(read(&json!({})).is_err());
    }
}
