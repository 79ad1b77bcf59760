//! Every page that a comment or a document cites is in this repository, and so is every heading that is cited with it.

use std::fs;
use std::path::{Path, PathBuf};

const WALKED: [&str; 9] =
    ["src", "tests", "benches", "examples", "docs", "README.md", "CHANGELOG.md", "SECURITY.md", "schema.sql"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap()
}

fn files_under(path: &Path, found: &mut Vec<PathBuf>) {
    if path.ends_with("target") {
        // What `cargo` builds of the crates under `tests/`.
    } else if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            files_under(&entry.unwrap().path(), found);
        }
    } else {
        found.push(path.to_owned());
    }
}

/// The page that a name means: beside the file that cites it, at the top, in the documents, or in the specification.
fn page(root: &Path, citing: &Path, name: &str) -> Option<PathBuf> {
    [citing.parent()?, root, &root.join("docs"), &root.join("docs/spec")]
        .iter()
        .filter_map(|folder| folder.join(name).canonicalize().ok())
        .find(|path| path.is_file() && path.starts_with(root))
}

fn has_heading(page: &Path, heading: &str) -> bool {
    let text = fs::read_to_string(page).unwrap();
    text.lines().any(|line| line.starts_with('#') && line.trim_start_matches('#').trim() == heading)
}

/// What is wrong with the citations in a text. A citation is a word that ends in `.md`, perhaps with a heading after
/// it in quotation marks: `wire.md`, "Filters".
fn wrong(root: &Path, citing: &Path, text: &str) -> Vec<String> {
    let in_a_name = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let mut wrong = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let mut rest = line;
        while let Some(start) = rest.find(in_a_name) {
            let (name, after) =
                rest[start..].split_at(rest[start..].find(|c| !in_a_name(c)).unwrap_or(rest.len() - start));
            rest = after;
            let name = name.trim_end_matches('.');
            // What starts with two slashes is an address on the web.
            if !name.ends_with(".md") || name.starts_with("//") || name.trim_end_matches(".md").is_empty() {
                continue;
            }
            let heading =
                after.trim_start_matches(['`', ')']).strip_prefix(", \"").and_then(|quoted| quoted.split_once('"'));
            match (page(root, citing, name), heading) {
                (None, _) => wrong.push(format!("{}:{number}: there is no {name}", citing.display())),
                (Some(page), Some((heading, _))) if !has_heading(&page, heading) => {
                    wrong.push(format!("{}:{number}: {name} has no heading \"{heading}\"", citing.display()));
                }
                _ => {}
            }
        }
    }
    wrong
}

#[test]
fn every_cited_page_and_heading_is_in_the_repository() {
    let root = root();
    let mut files = Vec::new();
    for path in WALKED {
        files_under(&root.join(path), &mut files);
    }
    let all: Vec<String> =
        files.iter().flat_map(|file| wrong(&root, file, &String::from_utf8_lossy(&fs::read(file).unwrap()))).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_page_or_a_heading_that_is_not_there_is_found() {
    let root = root();
    let found = |text: &str| wrong(&root, &root.join("src/lib.rs"), text).len();
    let page = |name: &str| format!("{name}.md");

    assert_eq!(found(&format!("/// As `{}` has it, and {}.", page("wire"), page("../docs/spec/json"))), 0);
    assert_eq!(found(&format!("`{}`, \"Filters\"; [x]({}), \"State\"", page("docs/spec/wire"), page("invoices"))), 0);
    assert_eq!(found(&format!("https://example.com/{}", page("elsewhere"))), 0);

    assert_eq!(found(&format!("/// `{}` and `{}`.", page("nowhere"), page("docs/nowhere"))), 2);
    assert_eq!(found(&format!("`{}`, \"No such heading\"", page("wire"))), 1);
    assert_eq!(found(&page("../../nowhere")), 1);
}
