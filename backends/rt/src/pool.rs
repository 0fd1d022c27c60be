//! The thread pool: persistent workers, one job at a time, chunks claimed with affinity.
//!
//! A job's iterations are cut into chunks whose number depends only on the number of iterations,
//! the estimated work and the number of threads, so that results that are combined by chunk are
//! the same in every run. Thread `t` starts with its own share of the chunks, then helps the
//! others. The caller never waits for a worker that has not joined: a sleeping or descheduled
//! worker costs nothing but its help.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::Thread;
use std::time::Duration;

/// Runs iterations `begin..end` of a loop as chunk number `chunk`.
pub type Body = unsafe extern "C" fn(ctx: *mut c_void, begin: i64, end: i64, chunk: i64);

/// No job has more chunks: generated code reserves this many partial results.
pub const MAX_CHUNKS: usize = 256;
const MAX_THREADS: usize = 64;

/// Jobs with less estimated work (about one scalar operation a unit) run on the calling thread:
/// vector code does this in 2 to 4 µs, and sharing costs 1 to 2.
const SERIAL_WORK: i64 = 200_000;
/// From here on a thread's share is cut into [`SPLIT`] chunks, so that uneven work balances.
const SPLIT_WORK: i64 = 400_000;
const SPLIT: i64 = 4;
const WORKER_SPINS: u32 = 2_000;
const CALLER_SPINS: u32 = 4_000;

const OPEN: u64 = 1 << 31;
const COUNT: u64 = OPEN - 1;

#[derive(Clone, Copy)]
struct Job {
    body: Body,
    ctx: *mut c_void,
    trip: i64,
    chunks: i64,
    threads: usize,
}

#[repr(align(128))]
struct Share(AtomicI64);

struct Worker {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

struct Pool {
    /// Epoch in the high half, then [`OPEN`], then how many workers are inside the job.
    state: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    shares: [Share; MAX_THREADS],
    workers: [Worker; MAX_THREADS],
    busy: AtomicBool,
    threads: AtomicUsize,
    started: Mutex<usize>,
}

// SAFETY: `job` is written only by the thread that holds `busy`, while no job is open and no
// worker is inside; workers read it after they have joined an open job through `state`.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool {
    state: AtomicU64::new(0),
    job: UnsafeCell::new(None),
    shares: [const { Share(AtomicI64::new(0)) }; MAX_THREADS],
    workers: [const { Worker { asleep: AtomicBool::new(false), thread: OnceLock::new() } }; MAX_THREADS],
    busy: AtomicBool::new(false),
    threads: AtomicUsize::new(0),
    started: Mutex::new(1),
};

/// The number of threads that jobs use, the caller included.
pub fn threads() -> usize {
    match POOL.threads.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_THREADS),
        n => n,
    }
}

/// Sets the number of threads, 1 to 64; 0 means one per core that this process may use.
pub fn set_threads(n: usize) {
    POOL.threads.store(n.min(MAX_THREADS), Ordering::Relaxed);
    start(threads());
}

/// Starts workers until `wanted` threads exist, the caller included; returns how many do.
fn start(wanted: usize) -> usize {
    let Ok(mut started) = POOL.started.lock() else { return 1 };
    while *started < wanted {
        let id = *started;
        let spawned = std::thread::Builder::new().name(format!("weft-{id}")).spawn(move || work(id));
        let Ok(handle) = spawned else { break };
        let _ = POOL.workers[id].thread.set(handle.thread().clone());
        *started += 1;
    }
    *started
}

fn work(id: usize) {
    let me = &POOL.workers[id];
    let mut seen = 0;
    loop {
        let is_new = |s: u64| s & OPEN != 0 && s >> 32 != seen;
        let mut spins = 0;
        while !is_new(POOL.state.load(Ordering::SeqCst)) {
            spins += 1;
            if spins < WORKER_SPINS {
                spin_loop();
                continue;
            }
            me.asleep.store(true, Ordering::SeqCst);
            if !is_new(POOL.state.load(Ordering::SeqCst)) {
                std::thread::park();
            }
            me.asleep.store(false, Ordering::SeqCst);
            spins = 0;
        }
        let joined =
            POOL.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |s| is_new(s).then_some(s + 1));
        let Ok(state) = joined else { continue };
        seen = state >> 32;
        // SAFETY: this worker is counted in `state`, so the caller keeps the job until it leaves.
        if let Some(job) = unsafe { *POOL.job.get() }
            && id < job.threads
        {
            run_share(&job, id);
        }
        POOL.state.fetch_sub(1, Ordering::Release);
    }
}

/// Runs chunks until none is left: first those of thread `me`, then those of the others.
fn run_share(job: &Job, me: usize) {
    for turn in 0..job.threads {
        let owner = (me + turn) % job.threads;
        let end = cut(job.chunks, owner as i64 + 1, job.threads as i64);
        loop {
            let chunk = POOL.shares[owner].0.fetch_add(1, Ordering::Relaxed);
            if chunk >= end {
                break;
            }
            let (from, to) = (cut(job.trip, chunk, job.chunks), cut(job.trip, chunk + 1, job.chunks));
            // SAFETY: the generated body and its context are valid until the job is over.
            unsafe { (job.body)(job.ctx, from, to, chunk) };
        }
    }
}

/// `total * part / parts` without overflow.
fn cut(total: i64, part: i64, parts: i64) -> i64 {
    (total as i128 * part as i128 / parts as i128) as i64
}

/// Runs `body` over `0..trip` and returns the number of chunks, which is 0 when `trip <= 0`.
///
/// `work` estimates one iteration, in scalar operations. Runs on the calling thread as one chunk
/// when there is little work, or when a job is already running (nested or from another thread).
///
/// # Safety
/// `body` can be called from several threads at once with `ctx` and disjoint parts of `0..trip`.
pub unsafe extern "C" fn weft_parallel_for(trip: i64, body: Body, ctx: *mut c_void, work: i64) -> i64 {
    if trip <= 0 {
        return 0;
    }
    let total = trip.saturating_mul(work.max(1));
    let threads = threads().min(usize::try_from(trip).unwrap_or(MAX_THREADS));
    if threads < 2 || total < SERIAL_WORK || POOL.busy.swap(true, Ordering::Acquire) {
        // SAFETY: the caller's promise.
        unsafe { body(ctx, 0, trip, 0) };
        return 1;
    }
    let per_thread = if total < SPLIT_WORK { 1 } else { SPLIT };
    let chunks = trip.min(threads as i64 * per_thread).min(MAX_CHUNKS as i64);
    let ready = start(threads);
    let job = Job { body, ctx, trip, chunks, threads };
    for t in 0..threads {
        POOL.shares[t].0.store(cut(chunks, t as i64, threads as i64), Ordering::Relaxed);
    }
    // SAFETY: `busy` is held and no worker is inside, since the last job waited for all.
    unsafe { *POOL.job.get() = Some(job) };
    let epoch = (POOL.state.load(Ordering::Relaxed) >> 32).wrapping_add(1).max(1) & 0xffff_ffff;
    POOL.state.store(epoch.max(1) << 32 | OPEN, Ordering::SeqCst);
    for worker in &POOL.workers[1..threads.min(ready)] {
        if worker.asleep.load(Ordering::SeqCst)
            && let Some(thread) = worker.thread.get()
        {
            thread.unpark();
        }
    }
    run_share(&job, 0);
    let mut state = POOL.state.fetch_and(!OPEN, Ordering::AcqRel);
    let mut spins = 0u32;
    while state & COUNT != 0 {
        spins += 1;
        match spins {
            _ if spins < CALLER_SPINS => spin_loop(),
            _ if spins < CALLER_SPINS + 200 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(20)),
        }
        state = POOL.state.load(Ordering::Acquire);
    }
    POOL.busy.store(false, Ordering::Release);
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ctx {
        hits: Vec<AtomicI64>,
        chunks: AtomicI64,
    }

    unsafe extern "C" fn touch(ctx: *mut c_void, begin: i64, end: i64, _chunk: i64) {
        // SAFETY: the tests pass a `Ctx`.
        let ctx = unsafe { &*ctx.cast::<Ctx>() };
        ctx.chunks.fetch_add(1, Ordering::Relaxed);
        for i in begin..end {
            ctx.hits[i as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn check(n: usize, work: i64) -> i64 {
        let ctx = Ctx { hits: (0..n).map(|_| AtomicI64::new(0)).collect(), chunks: AtomicI64::new(0) };
        // SAFETY: `touch` only uses atomics.
        let chunks = unsafe { weft_parallel_for(n as i64, touch, &raw const ctx as *mut c_void, work) };
        assert!(ctx.hits.iter().all(|h| h.load(Ordering::Relaxed) == 1));
        assert_eq!(ctx.chunks.load(Ordering::Relaxed), chunks);
        chunks
    }

    #[test]
    fn every_iteration_runs_once() {
        set_threads(4);
        for round in 0..300 {
            for n in [0, 1, 2, 3, 7, 64, 1001] {
                check(n, if round % 3 == 0 { 1 } else { 1_000_000 });
            }
        }
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    for _ in 0..200 {
                        check(101, 1 << 20);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().expect("no panic"));
    }

    #[test]
    fn little_work_stays_on_this_thread() {
        assert_eq!(check(100, 1), 1);
        assert_eq!(check(0, 1 << 40), 0);
        check(5, i64::MAX);
    }
}
