//! docs/numpy-support.md says what the tables of the front end say.

#[test]
fn the_documentation_is_true() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/numpy-support.md");
    let made = weft_python::support();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, &made).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "docs/numpy-support.md is old: run with UPDATE_DOCS=1");
}
