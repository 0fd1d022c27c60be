//! What this machine can do at most: memory bandwidth and floating-point peak, measured once.

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Limits of the CPU with a number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    pub threads: usize,
    /// 10⁹ bytes per second, read and written, in a triad over arrays larger than the caches.
    pub bandwidth_gbs: f64,
    /// 10⁹ double-precision operations per second, a fused multiply-add counted as two.
    pub peak_gflops: f64,
}

/// The limits, from the cache or measured now (about half a second).
pub fn machine(threads: usize) -> Machine {
    let cpu = cpu_model();
    let path = cache_folder().map(|dir| dir.join(format!("machine-{threads}.json")));
    let cached =
        path.as_ref().and_then(|p| std::fs::read(p).ok()).and_then(|b| serde_json::from_slice(&b).ok());
    if let Some(machine) = cached.filter(|m: &Machine| m.cpu == cpu && m.threads == threads) {
        return machine;
    }
    let machine = Machine { cpu, threads, bandwidth_gbs: bandwidth(threads), peak_gflops: peak(threads) };
    if let (Some(path), Ok(bytes)) = (path, serde_json::to_vec(&machine)) {
        // A cache that cannot be written is measured again next time.
        let _ = path.parent().map(std::fs::create_dir_all);
        let _ = std::fs::write(path, bytes);
    }
    machine
}

/// `$XDG_CACHE_HOME/weft`, else `~/.cache/weft`.
pub fn cache_folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    Some(base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?.join("weft"))
}

pub fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("model name")).and_then(|l| l.split_once(':'));
    line.map_or_else(|| "unknown CPU".to_string(), |(_, name)| name.trim().to_string())
}

/// Runs `body(thread)` on that many threads at once; seconds until the last one ends.
fn together(threads: usize, body: impl Fn(usize) + Sync) -> f64 {
    let barrier = std::sync::Barrier::new(threads);
    let mut longest = 0.0f64;
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|t| {
                let (barrier, body) = (&barrier, &body);
                scope.spawn(move || {
                    barrier.wait();
                    let start = Instant::now();
                    body(t);
                    start.elapsed().as_secs_f64()
                })
            })
            .collect();
        for handle in handles {
            longest = longest.max(handle.join().unwrap_or(f64::INFINITY));
        }
    });
    longest
}

fn bandwidth(threads: usize) -> f64 {
    const N: usize = 6 << 20; // three arrays of 48 MiB a thread
    let arrays: Vec<std::sync::Mutex<[Vec<f64>; 3]>> =
        (0..threads).map(|_| std::sync::Mutex::new([vec![0.0; N], vec![1.0; N], vec![2.0; N]])).collect();
    let mut best = 0.0f64;
    for _ in 0..5 {
        let seconds = together(threads, |t| {
            let mut guard = arrays[t].lock().expect("one thread each");
            let [a, b, c] = &mut *guard;
            for ((x, y), z) in a.iter_mut().zip(&*b).zip(&*c) {
                *x = y + 3.0 * z;
            }
            std::hint::black_box(&a[0]);
        });
        best = best.max((threads * 3 * N * 8) as f64 / seconds / 1e9);
    }
    best
}

fn peak(threads: usize) -> f64 {
    const ROUNDS: usize = 2_000_000;
    let mut best = 0.0f64;
    for _ in 0..3 {
        let flops = std::sync::atomic::AtomicUsize::new(0);
        let seconds = together(threads, |_| {
            flops.fetch_add(fma_rounds(ROUNDS), std::sync::atomic::Ordering::Relaxed);
        });
        best = best.max(flops.into_inner() as f64 / seconds / 1e9);
    }
    best
}

#[cfg(target_arch = "x86_64")]
fn fma_rounds(rounds: usize) -> usize {
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the feature was just detected.
        unsafe { fma_512(rounds) }
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the features were just detected.
        unsafe { fma_256(rounds) }
    } else {
        fma_plain(rounds)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn fma_rounds(rounds: usize) -> usize {
    fma_plain(rounds)
}

macro_rules! fma_kernel {
    ($name:ident, $feature:literal, $set:ident, $fma:ident, $first:ident, $lanes:literal) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $feature)]
        fn $name(rounds: usize) -> usize {
            use std::arch::x86_64::*;
            let (factor, term) = (std::hint::black_box($set(0.999)), std::hint::black_box($set(0.001)));
            let mut sums = [std::hint::black_box($set(1.0)); 12];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = $fma(*sum, factor, term);
                }
            }
            std::hint::black_box(sums.map(|s| $first(s)));
            rounds * 12 * $lanes * 2
        }
    };
}
fma_kernel!(fma_512, "avx512f", _mm512_set1_pd, _mm512_fmadd_pd, _mm512_cvtsd_f64, 8);
fma_kernel!(fma_256, "avx2,fma", _mm256_set1_pd, _mm256_fmadd_pd, _mm256_cvtsd_f64, 4);

fn fma_plain(rounds: usize) -> usize {
    let mut sums = [1.0f64; 12];
    let (factor, term) = (std::hint::black_box(0.999), std::hint::black_box(0.001));
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = *sum * factor + term;
        }
    }
    std::hint::black_box(sums);
    rounds * 12 * 2
}
