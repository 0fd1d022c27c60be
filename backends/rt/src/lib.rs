//! The run-time library behind generated code: threads, memory, copies, dense products, sorting,
//! transforms, equations, scalar maths.
//!
//! Everything that generated code calls has a C ABI and is listed by [`symbols`]. Nothing here
//! panics or aborts on what a kernel asks for: an allocation that cannot be met returns null, and
//! the kernel returns [`MEMORY`].

mod alloc;
mod along;
mod blas;
mod complex;
mod copy;
mod dtype;
mod linalg;
mod math;
mod matmul;
mod pool;
mod strided;

pub use alloc::{available_bytes, trim};
pub use blas::name as blas_name;
pub use pool::{Body, MAX_CHUNKS, set_threads, threads};

/// What a kernel returns when memory ran out. Zero is success, `id + 1` a failed check.
pub const MEMORY: i64 = -1;

/// Name and address of every function that generated code may call.
pub fn symbols() -> Vec<(&'static str, usize)> {
    let mut list = vec![
        ("weft_parallel_for", pool::weft_parallel_for as *const () as usize),
        ("weft_alloc", alloc::weft_alloc as *const () as usize),
        ("weft_free", alloc::weft_free as *const () as usize),
        ("weft_copy", copy::weft_copy as *const () as usize),
        ("weft_matmul", matmul::weft_matmul as *const () as usize),
        ("weft_along", along::weft_along as *const () as usize),
        ("weft_linalg", linalg::weft_linalg as *const () as usize),
        ("weft_ipow", math::weft_ipow as *const () as usize),
        ("weft_floordiv_f64", math::weft_floordiv_f64 as *const () as usize),
        ("weft_floordiv_f32", math::weft_floordiv_f32 as *const () as usize),
        ("weft_mod_f64", math::weft_mod_f64 as *const () as usize),
        ("weft_mod_f32", math::weft_mod_f32 as *const () as usize),
    ];
    list.extend(complex::symbols());
    list
}
