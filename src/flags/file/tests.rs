use super::*;
use crate::flags::feature::Feature;

struct Case {
    folder: tempfile::TempDir,
    flags: Flags,
    watched: Watched,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flags.json");
        let watched = Watched::new(path);
        Self {
            folder,
            flags: Flags::default(),
            watched,
        }
    }

    fn write(&self, text: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &self.watched.path).unwrap();
    }

    /// After two looks.
    fn is_on(&mut self, feature: Feature) -> bool {
        self.watched.look(&self.flags);
        self.watched.look(&self.flags);
        self.flags.features().is_on(feature)
    }
}

fn off(key: &str) -> String {
    json!({ "flags": { key: Definition::switched(false).source() } }).to_string()
}

#[test]
fn the_file_is_heeded_when_it_comes_changes_and_goes() {
    let mut case = Case::new();
    assert!(case.is_on(Feature::Reviews));
    assert_eq!(case.flags.trouble().count(), 0);
    case.write(&off("reviews"));
    assert!(!case.is_on(Feature::Reviews));
    case.write(&off("search"));
    assert!(case.is_on(Feature::Reviews));
    assert!(!case.is_on(Feature::Search));
    fs::remove_file(&case.watched.path).unwrap();
    assert!(case.is_on(Feature::Search));
}

#[test]
fn a_file_that_is_wrong_leaves_what_was_good_and_is_told_once() {
    let mut case = Case::new();
    case.write(&off("reviews"));
    assert!(!case.is_on(Feature::Reviews));
    let bomb = r#"{"flags":{"search":{"state":"ENABLED","variants":{"on":true},"targeting":
        {"reduce":[[1,2,3],{"cat":[{"var":"accumulator"},{"var":"accumulator"}]},"x"]}}}}"#;
    let wrong_type =
        r#"{"flags":{"search":{"state":"ENABLED","variants":{"on":"x"},"defaultVariant":"on"}}}"#;
    for (count, text) in [(1, "{\"flags\":"), (2, bomb), (3, wrong_type)] {
        case.write(text);
        for _ in 0..5 {
            assert!(!case.is_on(Feature::Reviews));
            assert!(case.is_on(Feature::Search));
        }
        assert_eq!(case.flags.trouble().count(), count);
        assert_eq!(case.flags.trouble().now()[0].0, Place::File);
    }
    case.write(&off("search"));
    assert!(!case.is_on(Feature::Search));
    assert_eq!(case.flags.trouble().now(), []);
}

#[test]
fn a_file_that_is_being_written_is_not_told_of() {
    let mut case = Case::new();
    fs::write(&case.watched.path, "{\"flags\":{").unwrap();
    case.watched.look(&case.flags);
    fs::write(&case.watched.path, off("reviews")).unwrap();
    case.watched.look(&case.flags);
    assert!(!case.flags.features().is_on(Feature::Reviews));
    assert_eq!(case.flags.trouble().count(), 0);
}

#[test]
fn a_bad_file_at_the_start_leaves_what_is_built_in() {
    let case = Case::new();
    case.write("nonsense");
    let keeper = Keeper::start(case.flags.clone(), Some(case.watched.path.clone())).unwrap();
    assert!(case.flags.features().now().is_none());
    assert_eq!(case.flags.trouble().count(), 1);
    drop(keeper);
}

#[test]
fn an_override_is_written_beside_others_and_taken_back() {
    let mut case = Case::new();
    let path = case.folder.path().join("new/flags.json");
    let off = Definition::switched(false);
    write_override(&path, "reviews", Some(off.source())).unwrap();
    write_override(&path, "search", Some(off.source())).unwrap();
    case.watched = Watched::new(path.clone());
    assert!(!case.is_on(Feature::Reviews) && !case.is_on(Feature::Search));
    write_override(&path, "reviews", None).unwrap();
    assert!(case.is_on(Feature::Reviews) && !case.is_on(Feature::Search));
    fs::write(&path, "{").unwrap();
    assert!(matches!(
        write_override(&path, "search", None),
        Err(OverrideError::Invalid(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), b"{");
}

#[test]
fn what_the_file_says_for_a_time_ends() {
    let mut case = Case::new();
    let mut definition = Definition::switched(false).source().clone();
    definition["metadata"] = json!({"expires_at": "2020-01-01T00:00:00Z", "reason": "old"});
    case.write(&json!({"flags": {"reviews": definition.clone()}}).to_string());
    assert!(case.is_on(Feature::Reviews));
    definition["metadata"]["expires_at"] = "2999-01-01T00:00:00Z".into();
    case.write(&json!({"flags": {"reviews": definition}}).to_string());
    assert!(!case.is_on(Feature::Reviews));
}
