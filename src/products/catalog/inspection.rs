//! What the tiers have of a product, and whether they agree. Looking changes nothing: no read is counted, nothing is
//! loaded into a tier, nothing is healed.

use serde::{Deserialize, Serialize};

use super::Catalog;
use crate::cache::l2::{L2Error, L2View, Recorded};
use crate::cache::{
    Absence, Cause, EpochParts, Inspected, Intent, Kept, LoadMany, Loaded, Millis, Standing,
};
use crate::products::coding::Coding;
use crate::products::document::Document;

/// Which tiers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The memory of this node.
    L1,
    /// That, Redis and the store.
    All,
}

/// One product in all tiers, as one node sees it. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The product's id.
    pub key: i64,
    /// The node that was asked, as it is named in leases.
    pub node: String,
    /// Its memory.
    pub l1: TierView,
    /// The lowest version that may come into its memory; 0 where any may.
    pub fence: u64,
    /// How often it put everything in doubt, purged something, and questioned everything.
    pub epoch: EpochView,
    /// Whether it is loading the product.
    pub loading: bool,
    /// What it heard of the product, the newest first; of each kind the last.
    pub heard: Vec<HeardView>,
    /// Redis; left out where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub l2: Option<TierView>,
    /// The store; left out where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub store: Option<TierView>,
    /// Whether no tier would serve another version than the store has; left out where the store gave no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agree: Option<bool>,
}

/// What one tier has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TierView {
    /// `fresh`, `stale`, `questioned` (all served), `expired`, `doubted` (not served) in memory; `value`, `absence`,
    /// `expired`, `fence`, `unreadable` in Redis; `value`, `absence` in the store; `nothing`, `off`, `unreachable`.
    pub state: String,
    /// The version that the next reader would get from here; left out where it would get none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serves: Option<u64>,
    /// The version that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Where there is known to be nothing: `unknown` (never there, or not public) or `removed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absence: Option<String>,
    /// The entity tag of the uncompressed product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Since it was filled in; for Redis, since it was read from the store, by two clocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<Millis>,
    /// Until it is asked about; negative since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_left_ms: Option<i64>,
    /// Until it is not served any more; negative since. For Redis, until it removes the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served_left_ms: Option<i64>,
    /// Bytes of the product, uncompressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// Codings whose bodies are kept beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codings: Vec<String>,
    /// Who may fill the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseJson>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A lease in Redis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseJson {
    /// The node that has it.
    pub node: String,
    /// Until it ends.
    pub left_ms: Option<Millis>,
}

/// An epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "said above")]
pub struct EpochView {
    pub doubts: u64,
    pub purges: u64,
    pub questions: u64,
}

/// Something heard of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardView {
    /// `own_write`, `outbox`, `message` (another node, or a fence in Redis) or `purge`.
    pub by: String,
    /// The lowest version allowed from then on.
    pub version: u64,
    /// How long ago.
    pub age_ms: Millis,
}

impl Catalog {
    /// What the tiers have of a product.
    pub async fn inspect(&self, id: i64, scope: Scope) -> Inspection {
        let view = self.shelves.documents.inspect(&id);
        let (fence, epoch) = view
            .l1
            .as_ref()
            .map_or((0, EpochParts::from(0)), |l1| (l1.fence, l1.epoch));
        let mut inspection = Inspection {
            key: id,
            node: self.node().to_owned(),
            l1: memory(view.l1),
            fence,
            epoch: EpochView {
                doubts: epoch.doubts,
                purges: epoch.purges,
                questions: epoch.questions,
            },
            loading: view.is_loading,
            heard: view
                .heard
                .iter()
                .map(|(heard, age)| HeardView {
                    by: name(heard.cause).to_owned(),
                    version: heard.version,
                    age_ms: *age,
                })
                .collect(),
            l2: None,
            store: None,
            agree: None,
        };
        if scope == Scope::All {
            let (l2, store) = tokio::join!(self.inspect_l2(id), self.inspect_store(id));
            inspection.agree = agreement(&inspection.l1, &l2, &store);
            (inspection.l2, inspection.store) = (Some(l2), Some(store));
        }
        inspection
    }

    async fn inspect_l2(&self, id: i64) -> TierView {
        match &self.l2 {
            None => TierView::of("off"),
            Some(l2) => redis(l2.inspect(&id).await),
        }
    }

    async fn inspect_store(&self, id: i64) -> TierView {
        let loading = self.loader.load_many(vec![id], Intent::Fresh);
        let unreachable = |error: String| TierView {
            error: Some(error),
            ..TierView::of("unreachable")
        };
        match tokio::time::timeout(self.deadline, loading).await {
            Err(_) => unreachable(format!("no answer within {:?}", self.deadline)),
            Ok(Err(error)) => unreachable(error.to_string()),
            Ok(Ok(loaded)) => loaded.first().map_or(TierView::of("nothing"), stored),
        }
    }
}

/// What Redis has of a product.
pub fn redis(view: Result<L2View<Document>, L2Error>) -> TierView {
    let view = match view {
        Ok(view) => view,
        Err(error) => {
            return TierView {
                error: Some(error.to_string()),
                ..TierView::of("unreachable")
            };
        }
    };
    let tier = match view.record {
        Recorded::Nothing => TierView::of("nothing"),
        Recorded::Unreadable => TierView::of("unreadable"),
        Recorded::Fence { version } => TierView {
            version: Some(version),
            ..TierView::of("fence")
        },
        Recorded::Absent {
            absence,
            version,
            age,
            is_believed,
        } => TierView {
            serves: is_believed.then_some(version),
            age_ms: Some(age),
            ..TierView::absent(
                if is_believed { "absence" } else { "expired" },
                absence,
                version,
            )
        },
        Recorded::Value {
            value,
            version,
            age,
        } => TierView {
            serves: Some(version),
            age_ms: Some(age),
            ..TierView::value("value", &value, version)
        },
    };
    TierView {
        served_left_ms: view.ttl.map(u64::cast_signed),
        lease: view.lease.map(|lease| LeaseJson {
            node: lease.node,
            left_ms: lease.ttl,
        }),
        ..tier
    }
}

fn memory(l1: Option<Inspected<Document>>) -> TierView {
    let Some(l1) = l1 else {
        return TierView::of("off");
    };
    let Some(kept) = l1.kept else {
        return TierView::of("nothing");
    };
    let Kept {
        version, standing, ..
    } = kept;
    // An absence is never served past its time.
    let is_served = match kept.value {
        Ok(_) => standing.is_served(),
        Err(_) => standing == Standing::Fresh,
    };
    let state = match standing {
        Standing::Fresh => "fresh",
        Standing::Stale => "stale",
        Standing::Questioned => "questioned",
        Standing::Expired => "expired",
        Standing::Doubted => "doubted",
    };
    let tier = match &kept.value {
        Ok(document) => TierView::value(state, document, version),
        Err(absence) => TierView::absent(state, *absence, version),
    };
    TierView {
        serves: is_served.then_some(version),
        age_ms: Some(kept.age),
        fresh_left_ms: Some(kept.fresh_left),
        served_left_ms: Some(kept.served_left),
        ..tier
    }
}

fn stored(loaded: &Loaded<Document>) -> TierView {
    let version = loaded.version;
    let tier = match &loaded.value {
        Ok(document) => TierView::value("value", document, version),
        Err(absence) => TierView::absent("absence", *absence, version),
    };
    TierView {
        serves: Some(version),
        ..tier
    }
}

/// Where the store has another version than a tier would serve, one of them is behind.
fn agreement(l1: &TierView, l2: &TierView, store: &TierView) -> Option<bool> {
    let version = store.serves?;
    let mut served = [l1, l2].into_iter().filter_map(|tier| tier.serves);
    Some(served.all(|served| served == version))
}

impl TierView {
    fn of(state: &str) -> Self {
        Self {
            state: state.to_owned(),
            ..Self::default()
        }
    }

    fn value(state: &str, document: &Document, version: u64) -> Self {
        let codings = Coding::ALL.into_iter();
        let codings = codings.filter(|coding| document.compressed(*coding).is_some());
        Self {
            version: Some(version),
            etag: Some(format!("\"{version}-{:016x}\"", document.fingerprint())),
            bytes: Some(document.len()),
            codings: codings.map(|coding| coding.token().to_owned()).collect(),
            ..Self::of(state)
        }
    }

    fn absent(state: &str, absence: Absence, version: u64) -> Self {
        let absence = match absence {
            Absence::Unknown => "unknown",
            Absence::Removed => "removed",
        };
        Self {
            version: Some(version),
            absence: Some(absence.to_owned()),
            ..Self::of(state)
        }
    }
}

fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::OwnWrite => "own_write",
        Cause::Journal => "outbox",
        Cause::Message => "message",
        Cause::Purge => "purge",
    }
}
