use std::path::PathBuf;

use super::*;
use crate::text::{equivalent, parse, print};

fn fixtures() -> Vec<(String, Sdfg)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found: Vec<(String, Sdfg)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "weft"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, parse(&std::fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn exports_read_back() {
    for (name, graph) in fixtures() {
        let text = write(&graph);
        let again = read(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(equivalent(&graph, &again), "{name}");
        assert_eq!(text, write(&again), "{name}: written differently");
    }
}

/// What DaCe saves has lost our attribute: the structure must come from its own data.
#[test]
fn exports_read_back_without_our_attribute() {
    for (name, graph) in fixtures() {
        let mut value = write_value(&graph);
        value["attributes"].as_object_mut().unwrap().shift_remove(META);
        let again = read(&value::to_text(&value)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let count = |g: &Sdfg| g.states().iter().map(|(_, s)| s.edges().count()).sum::<usize>();
        assert_eq!(count(&graph), count(&again), "{name}\n{}", print(&again));
        if std::env::var_os("SHOW").is_some() {
            println!("{}", print(&again));
        }
    }
}

/// Reads the uncompressed files of the folder WEFT_SDFG_FOLDER, if it is set.
#[test]
fn dace_files() {
    let Ok(folder) = std::env::var("WEFT_SDFG_FOLDER") else { return };
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match read(&std::fs::read_to_string(&path).unwrap()) {
            Ok(graph) => {
                let text = print(&graph);
                let again = parse(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
                assert!(equivalent(&graph, &again), "{name}: text is not equivalent\n{text}");
                let back = read(&write(&graph)).unwrap_or_else(|e| panic!("{name}: {e}"));
                assert!(equivalent(&graph, &back), "{name}: JSON is not equivalent");
                match crate::sdfg::verify(graph) {
                    Ok(_) => println!("ok    {name}"),
                    Err(list) => println!("wrong {name}: {} ({} more)", list[0].message, list.len() - 1),
                }
            }
            Err(e) => println!("no    {name}: {e}"),
        }
    }
}

/// Writes the fixtures for `tests/dace_fixtures.py` to the folder WEFT_DACE_FIXTURES, if it is set.
#[test]
fn fixtures_for_dace() {
    let Ok(folder) = std::env::var("WEFT_DACE_FIXTURES").map(PathBuf::from) else { return };
    for (name, graph) in fixtures() {
        std::fs::write(folder.join(name).with_extension("sdfg"), write(&graph)).unwrap();
    }
}

/// C computes narrow integers as `int`, and DaCe's `py_mod` wants both operands of one type.
#[test]
fn integers_keep_their_width() {
    let text = "sdfg f(a: i8[N], b: i64[N])\n  state s\n    map m [i = 0:N]\n      \
                t: a[i] = (a[i] + 1i8) >> 1i8\n      u: b[i] = b[i] % 5 + sym(i)\n";
    let file = write(&parse(text).unwrap());
    for code in [
        "dace.int8((dace.int8((__in1 + dace.int8(1))) >> dace.int8(1)))",
        "(py_mod(__in1, dace.int64(5)) + dace.int64(i))",
    ] {
        assert!(file.contains(&format!("__out = {code}\"")), "{code}\n{file}");
    }
}

#[test]
fn broken_files_are_refused() {
    let text = write(&fixtures().swap_remove(0).1);
    for at in (0..text.len()).step_by(97).filter(|&i| text.is_char_boundary(i)) {
        assert!(read(&text[..at]).is_err());
    }
    let deep = "[".repeat(100_000);
    assert!(read(&deep).unwrap_err().message.contains("deep"));
    let value = serde_json::json!({"type": "SDFG", "attributes": {"name": "x", "_arrays": {"s": {"type": "Stream", "attributes": 1}}}});
    let error = read(&value.to_string()).unwrap_err();
    assert_eq!(error.to_string(), "$.attributes._arrays.s.attributes: expected an object");
}

/// Whatever member is lost or changed, reading answers.
#[test]
fn changed_files_do_not_panic() {
    for (_, graph) in fixtures() {
        let mut value = write_value(&graph);
        value["attributes"].as_object_mut().unwrap().shift_remove(META);
        let mut paths = vec![];
        pointers(&value, String::new(), &mut paths);
        for path in paths.iter().step_by(7) {
            for new in [Value::Null, Value::from(-1), Value::from("x*("), Value::Array(vec![])] {
                let mut changed = value.clone();
                *changed.pointer_mut(path).unwrap() = new;
                let _ = read(&value::to_text(&changed));
            }
        }
    }
}

fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| pointers(v, format!("{at}/{k}"), out)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| pointers(v, format!("{at}/{i}"), out))
        }
        _ => {}
    }
    out.push(at);
}
