//! `docs/dependencies.md` says of each direct dependency why it is there.

use std::collections::BTreeSet;

const MANIFEST: &str = include_str!("../Cargo.toml");
const DOCS: &str = include_str!("../docs/dependencies.md");

fn declared() -> BTreeSet<&'static str> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in MANIFEST.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (inside && !line.starts_with([' ', '#', ']']), line.split_once(" = ")) {
            names.insert(name);
        }
    }
    names
}

#[test]
fn the_docs_list_every_direct_dependency_with_a_reason_and_no_other() {
    let mut listed = BTreeSet::new();
    for line in DOCS.lines() {
        if let Some((name, why)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) {
            assert!(why.len() > 10, "{name} has no reason");
            listed.insert(name);
        }
    }
    assert!(listed.len() > 20, "{listed:?}");
    assert_eq!(listed, declared());
}
