//! `./run` and `./test` share one build: no dependency is wanted with other features by the tests than by the product.
use std::{collections::BTreeSet, process::Command};

/// Each dependency on this machine with its features, over these edges.
fn dependencies(edges: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = ["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p} [{f}]", "--edges", edges];
    let output = Command::new(cargo).args(tree).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// Those that the product wants with fewer features than the tests, over these edges.
fn built_twice(edges: &str) -> Vec<String> {
    let (product, tests) = (dependencies(edges), dependencies(&format!("{edges},dev")));
    assert!(product.len() > 100, "{product:#?}");
    // Where the tests want more, the product's line is gone and a longer one is there.
    product.difference(&tests).cloned().collect()
}

#[test]
fn tests_want_no_dependency_with_other_features_than_the_product() {
    // Without macros as well: what they are built with would hide what the product is built with.
    let built_twice = [built_twice("normal,build"), built_twice("normal,no-proc-macro")].concat();
    assert!(
        built_twice.is_empty(),
        "the tests want these with more features, and so build them and all that stands on them once more: either the \
         product asks for the same features in Cargo.toml or the tests do without: {built_twice:#?}"
    );
}
