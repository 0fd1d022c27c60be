//! What is not supported is refused with its line, a reason and a hint; nothing panics.

use std::sync::Arc;

use weft_ir::dtype::DType;
use weft_ir::sdfg::Source;
use weft_python::{Diagnostic, Sample, import};

fn array(shape: &[i64]) -> Sample {
    Sample::Array { dtype: DType::F64, shape: shape.to_vec(), fortran: false, extents: None }
}

fn refuse(text: &str) -> Vec<(usize, Diagnostic)> {
    let source = Arc::new(Source::new("k.py", text));
    let arguments = [("a".to_string(), array(&[5])), ("n".to_string(), Sample::Int(3))];
    match import(source.clone(), "f", &arguments) {
        Ok(_) => vec![],
        Err(diags) => diags.into_iter().map(|d| (source.line_column(d.span.start).0, d)).collect(),
    }
}

/// The body of `f(a, n)` with line 1 of the body at line 3, the line, a part of the reason and of the hint.
const TABLE: &[(&str, usize, &str, &str)] = &[
    (
        "x = a * 1.0\n    y = x\n    for t in range(200 * n):\n        np.multiply(y, 2.0, out=y)\n        x = x + y\n    return x",
        5,
        "two names of one array",
        "copy",
    ),
    (
        "x = a * 1.0\n    y = x\n    for t in range(200 * n):\n        y.fill(3.0)\n        x = x + y\n    return x",
        5,
        "two names of one array",
        "copy",
    ),
    ("z = a * 1j\n    r = np.real(z)\n    r[0] = 1\n    return z", 5, "would not reach", "whole number"),
    ("z = a * 1j\n    r = z.real\n    z *= 2\n    return r", 5, "is a part of", "copy"),
    ("z = a * 1j\n    r = z.real\n    z.imag[0] = 1\n    return r", 5, "is a part of", "copy"),
    ("a.shape = (5, 1)\n    return a", 3, "the caller's array", "reshape"),
    ("return np.einsum('i,j->ij', a, a).ravel('K')", 3, "of an array that was computed", "order 'C'"),
    ("return print(a)", 3, "print is not supported", "return the value"),
    ("x = f'{n}'\n    return a", 3, "text", "numbers"),
    ("return np.linalg.eig(a)", 3, "np.linalg.eig is not supported", "arithmetic"),
    ("return np.busday_count(a)", 3, "np.busday_count is not supported", "arithmetic"),
    ("import os\n    return os.getpid()", 4, "'os.getpid' is not supported", "NumPy and math are known"),
    ("return f(a, n)", 3, "calls itself too deeply", "loop"),
    ("return [a, n]", 3, "different shapes", ""),
    ("return a[a]", 3, "arrays used as indices must be of integer or bool type", ""),
    ("return a[:, :]", 3, "too many indices", ""),
    ("yield a", 3, "a generator", "return arrays"),
    ("return a if a[0] > 0 else (a, a)", 3, "different types or shapes", "np.where"),
    (
        "x = a\n    for i in range(200 * n):\n        a[0] = 1\n        x = x + a\n    return x",
        4,
        "two names of one array",
        "copy",
    ),
    ("return a.reshape(-1, -1)", 3, "one unknown dimension", ""),
    ("return a.reshape(3, 2)", 3, "another number of elements", ""),
    ("match n:\n        case [1]:\n            pass", 3, "'match'", "if and elif"),
    ("async def g():\n        pass", 3, "async", ""),
    ("return sum(a, **a)", 3, "'**' of", ""),
    ("x, y = a[0], a[1], a[2]\n    return x", 3, "3 values for 2 names", ""),
    ("return 'a' < 1", 3, "not supported on a string", ""),
    ("return ~a", 3, "'~' is not defined for float64", ""),
    ("return np.add(a, a, where=a > 0)", 3, "'where' without 'out'", "out"),
    ("return range(0, 5, 0)", 3, "step of range must not be zero", ""),
    ("return a.nothing(1)", 3, "the method 'nothing' is not supported", "arithmetic"),
    ("with a:\n        pass", 3, "'with'", "arrays only"),
    ("try:\n        return a\n    finally:\n        n = 1", 3, "'try'", "beforehand"),
    ("global q\n    q = 1", 3, "'global'", "pass and return"),
    ("class C:\n        pass", 3, "a class", "functions"),
    ("return a[0.5]", 3, "indices must be integers", "int("),
    ("return a + np.zeros(4)", 3, "could not be broadcast together with shapes (5,) (4,)", "last dimension"),
    ("return b", 3, "the name 'b' is not defined", ""),
    ("x = x + 1\n    x = 1", 3, "'x' is read before it is assigned", ""),
    ("if a:\n        pass", 3, "truth value of an array", ".any()"),
    ("return {1, 2}", 3, "a dict or set", "arrays"),
    ("d = {}\n    d[a[0]] = 1\n    return a", 4, "a key of a dict", "an array"),
    ("return 99999999999999999999", 3, "too large", "64 bits"),
    ("x: str = 'a'\n    return x", 4, "a string cannot be returned", ""),
    ("return a @ np.zeros(4)", 3, "do not fit a product", "inner extents"),
    (
        "def g(v):\n        if v > 0:\n            return v, v\n    return g(a[0])",
        6,
        "may end without a result",
        "at the end",
    ),
    ("return a.sum(axis=1)", 3, "axis 1 is out of bounds", ""),
    ("return np.zeros(3, dtype='float128')", 3, "element type", "np.float64"),
    ("return a[0, 0]", 3, "too many indices", ""),
];

#[test]
fn refusals_name_line_reason_and_hint() {
    let mut wrong = vec![];
    for (body, line, reason, hint) in TABLE {
        let text = format!("import numpy as np\ndef f(a, n):\n    {body}\n");
        let found = refuse(&text);
        let fits = |d: &&(usize, Diagnostic)| {
            d.0 == *line
                && d.1.reason.contains(reason)
                && d.1.hint.as_deref().unwrap_or_default().contains(hint)
        };
        if !found.iter().any(|d| fits(&d)) {
            wrong.push(format!("{body}\n  gives {found:?}"));
        }
        for (_, d) in &found {
            let first = d.reason.chars().next().unwrap_or('A');
            assert!(!first.is_uppercase() || d.reason.starts_with("Python"), "{}", d.reason);
            assert!(!d.reason.ends_with('.') || d.reason.ends_with("..."), "{}", d.reason);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_problems_are_reported_at_once() {
    let found = refuse(
        "import numpy as np\ndef f(a, n):\n    x = np.busday_count(a)\n    y = x + 1\n    z = print(a)\n    return y\n",
    );
    assert_eq!(found.iter().map(|d| d.0).collect::<Vec<_>>(), [3, 5], "{found:?}");
}

#[test]
fn a_rendered_diagnostic_points_at_the_place() {
    let text = "def f(a, n):\n    return q + 1\n";
    let source = Source::new("k.py", text);
    let found = refuse(text);
    let shown = found[0].1.render(&source);
    assert_eq!(shown, "k.py:2:12: the name 'q' is not defined\n      return q + 1\n             ^");
}

#[test]
fn nothing_panics_or_hangs() {
    let deep = [
        format!("def f(a, n):\n    return {}1{}\n", "(".repeat(3000), ")".repeat(3000)),
        format!("def f(a, n):\n    return {}1\n", "1+".repeat(900_000)),
        format!("def f(a, n):\n    return {}a\n", "-".repeat(5000)),
        format!("def f(a, n):\n    return a{}\n", "[0]".repeat(5000)),
        format!("def f(a, n):\n    return {}True\n", "not ".repeat(5000)),
        "X = X + 1\ndef f(a, n):\n    return X\n".into(),
        "def f(a, n):\n    return n ** 60 * n ** 60, 2 ** 64, 1 << 70, -(-9223372036854775807 - 1)\n".into(),
        "def f(a, n):\n    return 7 // 0\n".into(),
        "def f(a, n):\n    return a[9223372036854775807], a[-9223372036854775808:9223372036854775807:-9223372036854775808]\n".into(),
        "def f(a, n):\n    return a[::9223372036854775807][::9223372036854775807]\n".into(),
        "def f(a, n".into(),
        "\u{feff}def f(a, n):\n\treturn \u{1f600}\n".into(),
        String::new(),
        "def f(a, n):\n    raise\n".into(),
        "def f(a, n):\n    return ((), (a,), ...)\n".into(),
        "def f(*a, **n):\n    pass\n".into(),
        "@jit\ndef f(a, n):\n    pass\n".into(),
        "def f(a, n, m=q):\n    pass\n".into(),
        "def f(a, n):\n    a.T.T[0].x.y()\n    n[0] = 1\n    a() + n()\n    f.x = 1\n    a, = 1\n".into(),
    ];
    for text in deep {
        let _ = refuse(&text);
    }
}
