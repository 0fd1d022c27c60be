//! The dense linear algebra library: faer, which is built in, or an OpenBLAS or MKL that is loaded.
//!
//! faer was as fast as OpenBLAS 0.3.34 or faster at every size from 100 to 1500 on Zen 5 (78 to
//! 93 GFLOP/s on a thread at 1000), costs nothing to load, and is the same on every machine, so it
//! is the default. `WEFT_OPENBLAS` names a library to use instead; `auto` looks for one in a
//! `.venv` and in the system.
//!
//! The library runs on one thread per call; [`crate::matmul`] shares the work among our own.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

pub type Gemm<T> = unsafe extern "C" fn(
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    c_int,
    T,
    *const T,
    c_int,
    *const T,
    c_int,
    T,
    *mut T,
    c_int,
);
pub type Gemv<T> =
    unsafe extern "C" fn(c_int, c_int, c_int, c_int, T, *const T, c_int, *const T, c_int, T, *mut T, c_int);
pub type Dot<T> = unsafe extern "C" fn(c_int, *const T, c_int, *const T, c_int) -> T;

/// The functions of one library for one element type.
#[derive(Clone, Copy)]
pub struct Routines<T> {
    pub gemm: Gemm<T>,
    pub gemv: Gemv<T>,
    pub dot: Dot<T>,
}

pub struct Blas {
    name: String,
    pub f32: Routines<f32>,
    pub f64: Routines<f64>,
    _library: libloading::Library,
}

/// What dense products use, for reports: `OpenBLAS 0.3.30 (…/libscipy_openblas.so)` or `faer`.
pub fn name() -> &'static str {
    get().map_or("faer (built in)", |blas| &blas.name)
}

/// The loaded library; `None` where there is none.
pub fn get() -> Option<&'static Blas> {
    static BLAS: OnceLock<Option<Blas>> = OnceLock::new();
    BLAS.get_or_init(find).as_ref()
}

fn find() -> Option<Blas> {
    let system = ["libopenblas.so.0", "libopenblas.so", "libmkl_rt.so.2", "libmkl_rt.so"];
    let candidates = match std::env::var("WEFT_OPENBLAS").ok()?.as_str() {
        "" | "none" | "faer" => return None,
        "auto" => wheels().into_iter().chain(system.map(PathBuf::from)).collect(),
        path => vec![PathBuf::from(path)],
    };
    with_core_type(|| candidates.iter().find_map(|path| load(path.as_os_str())))
}

/// The OpenBLAS wheels in a `.venv` beside the program, in the current folder or active.
fn wheels() -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from).into_iter().collect();
    if let Ok(program) = std::env::current_exe() {
        roots.extend(program.ancestors().skip(1).take(5).map(|dir| dir.join(".venv")));
    }
    roots.extend(std::env::current_dir().map(|dir| dir.join(".venv")));
    let mut found = Vec::new();
    for root in roots {
        let Ok(versions) = std::fs::read_dir(root.join("lib")) else { continue };
        let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path()).collect();
        versions.sort();
        let wheel = |v: &PathBuf| v.join("site-packages/scipy_openblas32/lib/libscipy_openblas.so");
        found.extend(versions.iter().map(wheel).filter(|path| path.is_file()));
    }
    found
}

/// OpenBLAS takes processors that are newer than itself for old ones, and is 2 to 5 times slower
/// then, unless it is told the name of the kernels to use.
fn with_core_type<R>(body: impl FnOnce() -> R) -> R {
    let key = c"OPENBLAS_CORETYPE";
    let core = if cfg!(target_arch = "x86_64") { core_type() } else { None };
    // SAFETY: called once, before the kernel's own threads do anything with the environment; the
    // variable is removed again so that child processes do not see it.
    unsafe {
        match core {
            Some(core) if libc::getenv(key.as_ptr()).is_null() => {
                libc::setenv(key.as_ptr(), core.as_ptr(), 1);
                let result = body();
                libc::unsetenv(key.as_ptr());
                result
            }
            _ => body(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn core_type() -> Option<&'static CStr> {
    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl") {
        Some(c"SKYLAKEX")
    } else if is_x86_feature_detected!("avx2") {
        Some(c"HASWELL")
    } else {
        None
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn core_type() -> Option<&'static CStr> {
    None
}

fn load(path: &std::ffi::OsStr) -> Option<Blas> {
    // SAFETY: loading runs the library's own initializers, as any program that links it does.
    let library = unsafe { libloading::Library::new(path) }.ok()?;
    let prefix =
        ["", "scipy_"].into_iter().find(|p| symbol(&library, &format!("{p}cblas_dgemm")).is_some())?;
    let get = |name: &str| symbol(&library, &format!("{prefix}{name}"));
    // SAFETY: these are the CBLAS signatures with 32-bit integers; libraries with 64-bit ones
    // have a suffix in their names and were not found.
    let (f32, f64) = unsafe {
        (
            Routines {
                gemm: std::mem::transmute::<*mut c_void, Gemm<f32>>(get("cblas_sgemm")?),
                gemv: std::mem::transmute::<*mut c_void, Gemv<f32>>(get("cblas_sgemv")?),
                dot: std::mem::transmute::<*mut c_void, Dot<f32>>(get("cblas_sdot")?),
            },
            Routines {
                gemm: std::mem::transmute::<*mut c_void, Gemm<f64>>(get("cblas_dgemm")?),
                gemv: std::mem::transmute::<*mut c_void, Gemv<f64>>(get("cblas_dgemv")?),
                dot: std::mem::transmute::<*mut c_void, Dot<f64>>(get("cblas_ddot")?),
            },
        )
    };
    for name in ["openblas_set_num_threads", "MKL_Set_Num_Threads"] {
        if let Some(set) = get(name) {
            // SAFETY: both take one `int`.
            unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn(c_int)>(set)(1) };
        }
    }
    let text = |name: &str| {
        // SAFETY: OpenBLAS returns a static string.
        get(name).map(|f| unsafe {
            let f = std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> *const c_char>(f);
            CStr::from_ptr(f()).to_string_lossy().into_owned()
        })
    };
    let file = PathBuf::from(path).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match text("openblas_get_config") {
        Some(config) => {
            let version: Vec<&str> = config.split_whitespace().take(2).collect();
            format!("{} {} ({file})", version.join(" "), text("openblas_get_corename").unwrap_or_default())
        }
        None => file,
    };
    Some(Blas { name, f32, f64, _library: library })
}

fn symbol(library: &libloading::Library, name: &str) -> Option<*mut c_void> {
    let name = CString::new(name).ok()?;
    // SAFETY: only the address is taken; the library is never unloaded while it is in use.
    unsafe { library.get::<*mut c_void>(name.as_bytes_with_nul()).ok()?.try_as_raw_ptr() }
}
