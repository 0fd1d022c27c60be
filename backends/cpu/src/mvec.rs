//! Vector variants of mathematical functions: glibc's libmvec, where the machine has it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Functions of libmvec in glibc 2.35 and newer, with the number of arguments.
const FUNCTIONS: [(&str, usize); 23] = [
    ("acos", 1),
    ("acosh", 1),
    ("asin", 1),
    ("asinh", 1),
    ("atan", 1),
    ("atan2", 2),
    ("atanh", 1),
    ("cbrt", 1),
    ("cos", 1),
    ("cosh", 1),
    ("exp", 1),
    ("exp2", 1),
    ("expm1", 1),
    ("hypot", 2),
    ("log", 1),
    ("log10", 1),
    ("log1p", 1),
    ("log2", 1),
    ("pow", 2),
    ("sin", 1),
    ("sinh", 1),
    ("tan", 1),
    ("tanh", 1),
];

/// One vector variant.
#[derive(Clone, Debug)]
pub struct Variant {
    /// As in the library: `_ZGVeN8v_exp`.
    pub symbol: String,
    pub lanes: usize,
    pub arguments: usize,
    pub address: usize,
}

/// The variants that exist here, by the scalar function's name (`exp`, `expf`), widest first.
pub fn variants() -> &'static BTreeMap<String, Vec<Variant>> {
    static TABLE: OnceLock<BTreeMap<String, Vec<Variant>>> = OnceLock::new();
    TABLE.get_or_init(find)
}

fn find() -> BTreeMap<String, Vec<Variant>> {
    let Ok(library) = open() else { return BTreeMap::new() };
    let mut table = BTreeMap::new();
    for (base, arguments) in FUNCTIONS {
        for (suffix, scale) in [("", 1), ("f", 2)] {
            let name = format!("{base}{suffix}");
            let mut found = Vec::new();
            for (isa, lanes) in widths() {
                let lanes = lanes * scale;
                let symbol = format!("_ZGV{isa}N{lanes}{}_{name}", "v".repeat(arguments));
                if let Some(address) = library.address(&symbol) {
                    found.push(Variant { symbol, lanes, arguments, address });
                }
            }
            if !found.is_empty() {
                table.insert(name, found);
            }
        }
    }
    table
}

/// Letters of the vector ABI and lanes of `f64` that this processor can run.
fn widths() -> Vec<(char, usize)> {
    #[cfg(target_arch = "x86_64")]
    {
        let mut widths = Vec::new();
        if is_x86_feature_detected!("avx512f") {
            widths.push(('e', 8));
        }
        if is_x86_feature_detected!("avx2") {
            widths.push(('d', 4));
        }
        widths
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}

struct Library(*mut libc::c_void);

impl Library {
    fn address(&self, symbol: &str) -> Option<usize> {
        let name = std::ffi::CString::new(symbol).ok()?;
        // SAFETY: the handle is open.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        (!address.is_null()).then_some(address as usize)
    }
}

fn open() -> Result<Library, ()> {
    // SAFETY: part of glibc, without initializers; never closed, so addresses stay valid.
    let handle = unsafe { libc::dlopen(c"libmvec.so.1".as_ptr(), libc::RTLD_NOW) };
    if handle.is_null() { Err(()) } else { Ok(Library(handle)) }
}
