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
        let explicit = printed.lines().any(|l| l.trim_start().starts_with('%'));
        assert!(!explicit || name == "checks", "{name}: not in short form\n{printed}");
        let spans = read(&name, &print_with_spans(&graph));
        assert!(equivalent(&graph, &spans), "{name}");
    }
}

#[test]
fn labels_lead_to_their_places() {
    for (name, text) in fixtures() {
        let graph = read(&name, &text);
        check_labels(&graph, &graph, "");
    }
}

fn check_labels(whole: &Sdfg, graph: &Sdfg, prefix: &str) {
    use crate::sdfg::{Node, Place};
    for (block, state) in graph.states() {
        let mut places = vec![Place::Block(block.id)];
        places.extend(state.maps().map(|(id, _)| Place::Map(id)));
        for (id, node) in state.nodes() {
            match node {
                Node::MapEntry(_) | Node::MapExit(_) => {}
                _ => places.push(Place::Node(id)),
            }
            if let Node::Nested(n) = node {
                check_labels(whole, &n.sdfg, &format!("{prefix}{}/", n.label));
            }
        }
        for place in places {
            let label = describe_place(whole, place);
            assert!(label.starts_with(prefix), "{label}");
            assert_eq!(find_label(whole, &label), Some(place), "{label}");
        }
    }
}

#[test]
fn errors_have_their_place() {
    let at = |text: &str| {
        let e = parse(text).unwrap_err();
        (e.line, e.column, e.message)
    };
    let head = "sdfg f(A: f64[N])\n  state s0\n";
    assert_eq!(at(&format!("{head}    A[0] = B[0] + 1.0")), (3, 12, "no container 'B'".into()));
    assert_eq!(at(&format!("{head}    A[0, 1] = 1.0")), (3, 5, "'A' has 1 dimensions, not 2".into()));
    assert_eq!(
        at(&format!("{head}    A[0] = 1.0 +")),
        (3, 17, "expected an expression at the end of the line".into())
    );
    assert_eq!(at(&format!("{head}    frob")), (3, 5, "no container 'frob'".into()));
    assert_eq!(at("sdfg f(A: f65[N])"), (1, 11, "unknown type 'f65'".into()));
    assert_eq!(at("").0, 1);
}

/// Texts with a part removed, doubled or replaced: an error or a graph, never a panic.
#[test]
fn changed_texts_do_not_panic() {
    for (_, text) in fixtures() {
        let chars: Vec<char> = text.chars().collect();
        for at in (0..chars.len()).step_by(3) {
            for insert in ["", "  ", "(", "]", "%", "`", "\"", "\n", "9", "@@1-"] {
                let changed: String = chars[..at]
                    .iter()
                    .copied()
                    .chain(insert.chars())
                    .chain(chars[at + 1..].iter().copied())
                    .collect();
                if let Ok(graph) = parse(&changed) {
                    let printed = print(&graph);
                    let again = parse(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
                    assert!(equivalent(&graph, &again), "{printed}");
                }
            }
        }
    }
}

#[test]
fn long_and_deep_texts_end() {
    let deep = format!("sdfg f(a: f64)\n  assign k = {}1", "(".repeat(100_000));
    assert!(parse(&deep).unwrap_err().message.contains("deep"));
    let long = format!("sdfg f(a: f64)\n  assign k = 1{}", " + 1".repeat(100_000));
    assert!(parse(&long).unwrap_err().message.contains("long"));
    let blocks: String = (0..3000).map(|i| format!("{}while True\n", " ".repeat(i + 1))).collect();
    assert!(parse(&format!("sdfg f()\n{blocks}")).unwrap_err().message.contains("deep"));
    let wide: String = (0..3000).map(|i| format!("  state s{i}\n    t{i}: a = 1.0\n")).collect();
    let graph = parse(&format!("sdfg f(a: f64)\n{wide}")).unwrap();
    assert_eq!(print(&graph).lines().count(), 6001);
}

#[test]
fn explicit_form_holds_what_the_short_form_cannot() {
    let text = "sdfg f(A: f64[N], B: f64[N])\n  state s0\n    %1 = access A\n    %2 = access A\n    %3 = access B\n    edge %1 -> %3 : A[0] as [0]\n    edge %2 -> %3 : A[1] as [1]\n";
    let graph = parse(text).unwrap();
    assert_eq!(print(&graph), text);
}

mod expressions {
    use proptest::prelude::*;

    use crate::dtype::{DType, Scalar, f16};
    use crate::symbolic;
    use crate::tasklet::{BinOp, Expr, Func, UnOp};

    fn scalar() -> impl Strategy<Value = Scalar> {
        prop_oneof![
            any::<f64>().prop_map(Scalar::F64),
            any::<f32>().prop_map(Scalar::F32),
            any::<u16>().prop_map(|bits| Scalar::F16(f16::from_bits(bits))),
            any::<bool>().prop_map(Scalar::Bool),
            any::<i64>().prop_map(Scalar::i64),
            any::<u8>().prop_map(|v| Scalar::Int(DType::U8, v.into())),
            any::<i32>().prop_map(|v| Scalar::Int(DType::I32, v.into())),
            any::<(f64, f64)>().prop_map(|(a, b)| Scalar::Complex(DType::C128, a, b)),
            Just(Scalar::F64(f64::NEG_INFINITY)),
            Just(Scalar::F64(-0.0)),
            Just(Scalar::F32(f32::NAN)),
        ]
    }

    fn expr() -> impl Strategy<Value = Expr> {
        use BinOp::*;
        let names = || prop::sample::select(vec!["x", "y", "N", "if", "x y"]);
        let leaf = prop_oneof![
            scalar().prop_map(Expr::Lit),
            names().prop_map(Expr::var),
            names().prop_map(|n| Expr::Sym(symbolic::Expr::sym(if n.contains(' ') { "K" } else { n }))),
            (names(), -3i64..9).prop_map(|(n, k)| {
                Expr::Sym(symbolic::Expr::sym(if n.contains(' ') { "K" } else { n }) * 2 + k)
            }),
        ];
        let ops = vec![
            Add, Sub, Mul, Div, FloorDiv, Mod, Pow, BitAnd, BitOr, BitXor, Shl, Shr, And, Or, Eq, Ne, Lt, Le,
            Gt, Ge, Min, Max, Atan2, Hypot, CopySign, Fmod,
        ];
        let funcs: Vec<Func> = Func::all().map(|f| f.0).collect();
        leaf.prop_recursive(6, 64, 3, move |inner| {
            let un = prop::sample::select(vec![UnOp::Neg, UnOp::Not, UnOp::Invert, UnOp::Abs]);
            let dtypes = prop::sample::select(DType::all().collect::<Vec<_>>());
            prop_oneof![
                (un, inner.clone()).prop_map(|(op, a)| Expr::un(op, a)),
                (prop::sample::select(ops.clone()), inner.clone(), inner.clone())
                    .prop_map(|(op, a, b)| Expr::bin(op, a, b)),
                (prop::sample::select(funcs.clone()), inner.clone()).prop_map(|(f, a)| Expr::call(f, a)),
                (dtypes, inner.clone()).prop_map(|(t, a)| Expr::cast(t, a)),
                (inner.clone(), inner.clone(), inner).prop_map(|(c, a, b)| Expr::select(c, a, b)),
            ]
        })
    }

    proptest! {
        #[test]
        fn print_then_parse(e in expr()) {
            let is_var = |n: crate::Name| matches!(n.as_str(), "x" | "y" | "x y");
            let text = e.to_text(&is_var);
            let again = Expr::parse(&text, &is_var);
            prop_assert_eq!(again.as_ref().ok(), Some(&e), "{} {:?}", text, again);
        }

        #[test]
        fn no_text_panics(text in "[-a-z0-9+*/%()<>=&|^~., `\"\\[\\]]{0,40}") {
            let _ = Expr::parse(&text, &|n| n.as_str().len() == 1);
        }
    }
}
