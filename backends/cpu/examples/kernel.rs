//! Compiles a graph in the text form, runs it on ones and prints how long each step took:
//! `cargo run -p weft-cpu --example kernel -- FILE.weft N=1000 [threads=2] [show=tree|ll|opt|asm]`

use std::collections::BTreeMap;
use std::time::Instant;

use weft_cpu::{Kernel, Options, compile};
use weft_ir::dtype::DType;
use weft_ir::names::Name;

fn main() {
    if let Err(message) = run() {
        eprintln!("{message}");
        std::process::exit(2);
    }
}

fn run() -> Result<(), String> {
    let mut args = std::env::args().skip(1);
    let file = args.next().ok_or("usage: kernel FILE.weft [NAME=VALUE]...")?;
    let settings: BTreeMap<String, String> =
        args.filter_map(|a| a.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()))).collect();
    let number =
        |name: &str, default: i64| settings.get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{file}: {e}"))?;
    let sdfg = weft_ir::text::parse(&text).map_err(|e| format!("{file}: {e:?}"))?;
    let graph = weft_ir::sdfg::verify(sdfg).map_err(|v| format!("{file}: {v:?}"))?;
    let program = weft_looptree::lower(&graph).map_err(|e| format!("{file}: {e:?}"))?;
    let options = Options::default();
    let text = |r: Result<String, weft_cpu::Error>| r.map_err(|e| e.to_string());
    match settings.get("show").map(String::as_str) {
        Some("tree") => println!("{}", weft_looptree::print(&program)),
        Some("ll") => println!("{}", text(weft_cpu::emit_ll(&program))?),
        Some("opt") => println!("{}", text(weft_cpu::emit_optimized_ll(&program, &options))?),
        Some("asm") => println!("{}", text(weft_cpu::emit_asm(&program, &options))?),
        _ => {}
    }
    weft_rt::set_threads(number("threads", 0) as usize);
    let mut kernel = None;
    for round in ["first", "again"] {
        let compiled = compile(&program, &options).map_err(|e| e.to_string())?;
        let loaded = Kernel::load(&compiled.object).map_err(|e| e.to_string())?;
        println!("{round}: llvm {:.1} ms, link {:.1} ms", compiled.phases.llvm_ms, loaded.link_ms);
        kernel = Some(loaded);
    }
    let kernel = kernel.ok_or("not compiled")?;
    let symbols: BTreeMap<Name, i64> =
        program.symbols.iter().map(|&s| (s, number(s.as_str(), 100))).collect();
    let mut arrays = Vec::new();
    for id in &program.arguments {
        let buffer = &program.buffers[id.0 as usize];
        let mut elements = 1;
        for extent in &buffer.shape {
            elements *=
                extent.eval(&|s| symbols.get(&s).copied()).map_err(|e| e.to_string())?.max(0) as usize;
        }
        arrays.push(ones(buffer.dtype, elements));
    }
    let pointers: Vec<*mut u8> = arrays.iter_mut().map(|a| a.as_mut_ptr().cast()).collect();
    let values: Vec<i64> = symbols.values().copied().collect();
    let mut times = Vec::new();
    for _ in 0..number("repeat", 20) {
        let start = Instant::now();
        // SAFETY: every array has the elements of its shape.
        unsafe { kernel.call(&pointers, &values) }.map_err(|e| e.to_string())?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let first = times[0];
    times.sort_by(f64::total_cmp);
    println!("run: first {first:.3} ms, median {:.3} ms, least {:.3} ms", times[times.len() / 2], times[0]);
    println!("dense products by {}", weft_rt::blas_name());
    Ok(())
}

/// Memory of 64-byte-aligned words would be nicer; eight bytes are enough for every type.
fn ones(dtype: DType, elements: usize) -> Vec<u64> {
    let word = match dtype {
        DType::F64 => 1f64.to_bits(),
        DType::F32 => u64::from(1f32.to_bits()) * 0x1_0000_0001,
        _ => 0,
    };
    vec![word; (elements * dtype.size()).div_ceil(8)]
}
