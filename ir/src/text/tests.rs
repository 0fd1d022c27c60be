use std::path::PathBuf;

use super::*;

/// Every fixture: its name and text.
fn fixtures() -> Vec<(String, String)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found: Vec<(String, String)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "weft"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

fn read(name: &str, text: &str) -> Sdfg {
    parse(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"))
}

#[test]
fn fixtures_print_and_parse() {
    for (name, text) in fixtures() {
        let graph = read(&name, &text);
        let printed = print(&graph);
        let again = read(&name, &printed);
        assert!(equivalent(&graph, &again), "{name}: not equivalent\n{printed}");
        assert_eq!(printed, print(&again), "{name}: printed differently");
        assert!(!printed.contains('%') || name == "checks", "{name}: not in short form\n{printed}");
        let spans = read(&name, &print_with_spans(&graph));
        assert!(equivalent(&graph, &spans), "{name}");
    }
}
