//! The prover over a journal and witnesses that a test writes, with time that a test moves.

use std::collections::HashMap;

use futures_util::FutureExt;
use serde_json::json;

use super::super::l2::JournalPage;
use super::super::load::LoadError;
use super::*;

/// What everybody has, by who.
#[derive(Clone, Default)]
struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    journal: Vec<(i64, u64)>,
    serves: HashMap<&'static str, Result<Option<u64>, String>>,
    evicted: Vec<(&'static str, i64, u64)>,
    /// Whoever is told to drop something does not.
    is_stubborn: bool,
}

struct Somebody(&'static str, World);

impl Witness<i64> for Somebody {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn look<'w>(&'w self, _key: &'w i64) -> BoxFuture<'w, Result<Option<u64>, String>> {
        let serves = &self.1.0.lock().unwrap().serves;
        let serves = serves.get(self.0).cloned().unwrap_or(Ok(None));
        async move { serves }.boxed()
    }

    fn trace<'w>(&'w self, key: &'w i64) -> BoxFuture<'w, Value> {
        async move { json!({ "of": key }) }.boxed()
    }

    fn evict<'w>(&'w self, key: &'w i64, version: u64) -> BoxFuture<'w, Result<(), String>> {
        let mut state = self.1.0.lock().unwrap();
        state.evicted.push((self.0, *key, version));
        if !state.is_stubborn {
            state.serves.insert(self.0, Ok(None));
        }
        async { Ok(()) }.boxed()
    }
}

impl Journal<i64> for World {
    fn end(&self) -> BoxFuture<'_, Result<Mark, LoadError>> {
        let end = self.0.lock().unwrap().journal.len();
        async move { Ok(Mark(end.to_string())) }.boxed()
    }

    fn back(&self, _age: Duration) -> BoxFuture<'_, Result<Option<Mark>, LoadError>> {
        async { Ok(None) }.boxed()
    }

    fn after(
        &self,
        mark: Mark,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<JournalPage<i64>>, LoadError>> {
        let from: usize = mark.0.parse().unwrap();
        let journal = &self.0.lock().unwrap().journal;
        let changes: Vec<_> = journal[from..].iter().take(limit).copied().collect();
        let mark = Mark((from + changes.len()).to_string());
        async move { Ok(Some(JournalPage { changes, mark })) }.boxed()
    }
}

impl World {
    fn set(&self, who: &'static str, serves: Result<Option<u64>, &str>) {
        let serves = serves.map_err(str::to_owned);
        self.0.lock().unwrap().serves.insert(who, serves);
    }

    /// Runs the prover; the change is committed a moment after its start.
    async fn prove(&self, changes: &[(i64, u64)], rate: u32) -> Report {
        let witnesses: Vec<Arc<dyn Witness<i64>>> = vec![
            Arc::new(Somebody("one", self.clone())),
            Arc::new(Somebody("other", self.clone())),
        ];
        let options = ProverOptions {
            rate,
            poll: Duration::from_millis(1),
            ages: [20, 1_000, 1_100].map(Duration::from_millis).to_vec(),
        };
        let findings = Findings::default();
        let prover = Prover::new(witnesses, options, findings.clone());
        let committing = async {
            sleep(Duration::from_millis(30)).await;
            self.0.lock().unwrap().journal.extend(changes);
        };
        let limit = Some(Duration::from_millis(80));
        tokio::join!(prover.run(self.clone(), limit), committing);
        findings.report()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_current_or_not_there_is_proven() {
    let world = World::default();
    world.0.lock().unwrap().journal.push((9, 9));
    world.set("one", Ok(Some(2)));
    let report = world.prove(&[(1, 2)], 10).await;
    assert!(report.is_proven());
    assert_eq!((report.changes, report.sampled), (1, 1), "not of before");
    for age in &report.ages {
        assert_eq!((age.asked, age.held, age.old), (2, 1, 0));
        assert_eq!((age.share, age.nines), (Some(1.0), None));
    }
    // Without a change nothing is.
    assert!(!world.prove(&[], 10).await.is_proven());
}

#[tokio::test(start_paused = true)]
async fn what_is_old_past_the_promise_is_told_with_its_trace_and_dropped() {
    let world = World::default();
    world.set("one", Ok(Some(2)));
    world.set("other", Ok(Some(1)));
    let report = world.prove(&[(1, 2)], 10).await;
    assert!(!report.is_proven());
    let old: Vec<_> = report.ages.iter().map(|age| age.old).collect();
    // Young it may be old; then it was dropped, once.
    assert_eq!(old, [1, 1, 0]);
    assert!((report.ages[0].nines.unwrap() - 0.301).abs() < 0.001);
    assert!((1_000..1_100).contains(&report.worst_age_ms), "{report:?}");
    assert_eq!(world.0.lock().unwrap().evicted, [("other", 1, 2)]);
    let [violation] = &report.violations[..] else {
        panic!("{report:?}")
    };
    let Violation {
        place,
        version,
        served,
        healed,
        ..
    } = violation;
    assert_eq!(
        (place.as_str(), *version, *served, *healed),
        ("other", 2, 1, true)
    );
    assert_eq!(violation.trace, json!({ "of": 1 }));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_dropped_is_no_secret() {
    let world = World::default();
    world.set("one", Ok(Some(1)));
    world.0.lock().unwrap().is_stubborn = true;
    let report = world.prove(&[(1, 2)], 10).await;
    assert_eq!(report.violation_count, 2, "at each age past the promise");
    assert!(report.violations.iter().all(|it| it.evicted && !it.healed));
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_proves_nothing() {
    let world = World::default();
    world.set("one", Err("gone"));
    let report = world.prove(&[(1, 2)], 10).await;
    assert_eq!(
        (report.witnesses[0].answers, report.witnesses[0].silent),
        (0, 3)
    );
    assert_eq!(report.witnesses[0].error.as_deref(), Some("gone"));
    assert!(report.ages.iter().all(|age| age.asked == 1));
    world.set("other", Err("gone"));
    assert!(!world.prove(&[(1, 2)], 10).await.is_proven());
}

#[tokio::test(start_paused = true)]
async fn no_more_are_looked_at_than_the_rate_allows() {
    let world = World::default();
    let changes: Vec<_> = (0..400).map(|key| (key, 1)).collect();
    let report = world.prove(&changes, 5).await;
    assert_eq!(report.changes, 400);
    assert!((1..=6).contains(&report.sampled), "{report:?}");
    // More than a page: the rest is skipped.
    let changes: Vec<_> = (0..2_000).map(|key| (key, 1)).collect();
    let report = world.prove(&changes, 5).await;
    assert_eq!(report.changes, 500);
}

#[test]
fn what_is_picked_is_picked_once() {
    let mut budget = Budget::new(50);
    for count in [0, 1, 3, 49] {
        budget.left = 50.0;
        let mut picked = budget.pick((0..count).collect());
        picked.sort_unstable();
        assert_eq!(picked, (0..count).collect::<Vec<_>>());
    }
    budget.left = 7.0;
    budget.at = Instant::now();
    let picked = budget.pick((0..500).collect());
    let distinct: std::collections::HashSet<_> = picked.iter().collect();
    assert!((7..=8).contains(&picked.len()) && distinct.len() == picked.len());
}
