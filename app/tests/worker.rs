//! Jobs that crash, hang or ask for too much: each is a message, and nothing of it stays alive.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use weft_ir::DType;
use weft_measure::{HostArray, Limits, Reply, Request, Worker, WorkerError, write_npz};

const WEFT: &str = env!("CARGO_BIN_EXE_weft");
const ENDLESS: &str = "def endless(a):\n    while True:\n        a[0] = a[0] + 1.0\n";

/// A folder that is removed with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("weft-worker-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Scratch(folder)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Five zeros as `a`, and integers.
    fn inputs(&self, integers: &[(&str, i64)]) -> PathBuf {
        let path = self.0.join("in.npz");
        let mut arrays = vec![("a".to_string(), HostArray::zeros(DType::F64, vec![5]).expect("small"))];
        for (name, value) in integers {
            let bytes = value.to_le_bytes().to_vec();
            arrays.push((
                name.to_string(),
                HostArray { dtype: DType::I64, shape: vec![], fortran: false, bytes },
            ));
        }
        write_npz(&path, &arrays).expect("written");
        path
    }

    /// Status and what was said of `weft run`.
    fn run(&self, kernel: &str, integers: &[(&str, i64)], more: &[&str]) -> (Option<i32>, String) {
        let file = self.file("kernel.py", kernel);
        let run = Command::new(WEFT)
            .args(["run", "--no-cache", "--inputs"])
            .arg(self.inputs(integers))
            .arg(file)
            .args(more)
            .output()
            .expect("started");
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    }

    /// The text form of a kernel.
    fn graph(&self, kernel: &str) -> String {
        let (file, output) = (self.file("kernel.py", kernel), self.0.join("graph.txt"));
        let run = Command::new(WEFT)
            .args(["export", "--to", "text", "--inputs"])
            .arg(self.inputs(&[]))
            .arg(file)
            .arg("--output")
            .arg(&output)
            .output()
            .expect("started");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        std::fs::read_to_string(output).expect("written")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// A worker in the middle of an endless loop once its request is sent.
fn endless(scratch: &Scratch, limits: Limits) -> (Worker, u32) {
    let text = scratch.graph(ENDLESS);
    let mut worker = Worker::start(Path::new(WEFT), limits).expect("started");
    let compile = Request::Compile { sdfg: text, threads: 2, cache: None };
    let Ok((Reply::Compiled { kernel, .. }, _)) = worker.request(&compile, &[]) else {
        panic!("not compiled");
    };
    let array = weft_measure::ArrayHeader {
        name: "a".into(),
        dtype: "float64".into(),
        shape: vec![5],
        fortran: false,
        offset: 0,
        bytes: 40,
    };
    let load = Request::Load { kernel, symbols: Default::default(), arrays: vec![array] };
    let Ok((Reply::Loaded { arguments }, _)) = worker.request(&load, &[&[0; 40]]) else {
        panic!("not loaded");
    };
    (worker, arguments)
}

fn limited(seconds: f64) -> Limits {
    Limits { time: Some(Duration::from_secs_f64(seconds)), ..Limits::of_this_machine() }
}

#[test]
fn an_endless_loop_meets_its_limit() {
    let scratch = Scratch::new("limit");
    let (mut worker, arguments) = endless(&scratch, limited(3.0));
    let pid = worker.process_id();
    let start = Instant::now();
    let error = worker.request(&Request::Run { arguments }, &[]).err().expect("stopped");
    assert!(matches!(error, WorkerError::Time(_)), "{error}");
    assert!(start.elapsed() < Duration::from_secs(6));
    assert!(!lives(pid));
}

#[test]
fn cancelling_leaves_nothing() {
    for stopped in [false, true] {
        let scratch = Scratch::new(&format!("cancel-{stopped}"));
        let (mut worker, arguments) = endless(&scratch, limited(60.0));
        let (pid, canceller) = (worker.process_id(), worker.canceller());
        let job = std::thread::spawn(move || {
            let error = worker.request(&Request::Measure { arguments, runs: 5 }, &[]).err();
            (error, worker)
        });
        std::thread::sleep(Duration::from_millis(300));
        assert!(lives(pid));
        if stopped {
            signal(pid, "STOP");
        }
        let start = Instant::now();
        canceller.cancel();
        let (error, _worker) = job.join().expect("no panic");
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
        assert!(!lives(pid));
        assert!(matches!(error, Some(WorkerError::Cancelled)), "{error:?}");
        // Long after: a signal must not reach whoever has the number now.
        canceller.cancel();
    }
}

#[test]
fn a_stopped_worker_meets_its_limit() {
    let scratch = Scratch::new("stopped");
    let (mut worker, _) = endless(&scratch, limited(4.0));
    let pid = worker.process_id();
    signal(pid, "STOP");
    // More than a socket holds: the worker stops half-way through the frame.
    let request = Request::Emit { sdfg: " ".repeat(8 << 20), what: weft_measure::Emit::Looptree };
    let error = worker.request(&request, &[]).err().expect("stopped");
    assert!(matches!(error, WorkerError::Time(_)), "{error}");
    assert!(!lives(pid));
}

#[test]
fn a_killed_worker_is_a_message() {
    let scratch = Scratch::new("killed");
    let (mut worker, arguments) = endless(&scratch, limited(60.0));
    let pid = worker.process_id();
    let job = std::thread::spawn(move || worker.request(&Request::Measure { arguments, runs: 5 }, &[]).err());
    std::thread::sleep(Duration::from_millis(300));
    signal(pid, "KILL");
    let error = job.join().expect("no panic").expect("an error");
    assert!(matches!(&error, WorkerError::Died(how) if how.contains("signal 9")), "{error}");
}

#[test]
fn another_program_is_no_worker() {
    let mut worker = match Worker::start(Path::new("/bin/true"), limited(10.0)) {
        Ok(worker) => worker,
        Err(WorkerError::Died(_)) => return,
        Err(error) => panic!("{error}"),
    };
    let error = worker.request(&Request::Machine { threads: 1 }, &[]).err().expect("no reply");
    assert!(matches!(error, WorkerError::Died(_)), "{error}");
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().expect("kill");
    assert!(sent.success());
}

#[test]
fn failures_of_the_kernel_have_status_one() {
    let scratch = Scratch::new("status");
    let (status, text) = scratch.run(ENDLESS, &[], &["--time-budget", "0.1"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("time limit"), "{text}");
    let (status, text) = scratch.run("def f(a, k):\n    a[k] = 1.0\n", &[("k", 7)], &[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("kernel.py:2:") && text.contains("index"), "{text}");
    // As a result, as a temporary, and of a size that nobody can count.
    for (kernel, n) in [
        ("import numpy as np\n\n\ndef f(a, n):\n    return np.zeros(n) + a[0]\n", 1 << 37),
        (
            "import numpy as np\n\n\ndef f(a, n):\n    b = np.ones(n)\n    a[0] = np.sum(b * b)\n    a[1] = b[3]\n",
            1 << 37,
        ),
        ("import numpy as np\n\n\ndef f(a, n):\n    return np.zeros((n, n)) + a[0]\n", 1 << 37),
    ] {
        for how in ["none", "simplify"] {
            let (status, text) = scratch.run(kernel, &[("n", n)], &["--optimize", how]);
            assert_eq!(status, Some(1), "{kernel}{how}: {text}");
            assert!(text.contains("memory"), "{text}");
        }
    }
}

#[test]
fn an_interrupt_takes_the_worker_along() {
    let scratch = Scratch::new("interrupt");
    let (file, inputs) = (scratch.file("endless.py", ENDLESS), scratch.inputs(&[]));
    let mut job = Command::new(WEFT)
        .args(["run", "--no-cache", "--inputs"])
        .arg(inputs)
        .arg(file)
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let children = || -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", job.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().filter_map(|p| p.parse().ok()).collect()
    };
    let start = Instant::now();
    while children().is_empty() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    let workers = children();
    assert!(!workers.is_empty());
    workers.iter().for_each(|&pid| signal(pid, "STOP"));
    signal(job.id(), "INT");
    let status = job.wait().expect("ended");
    assert_eq!(status.code(), Some(130));
    std::thread::sleep(Duration::from_millis(200));
    assert!(workers.iter().all(|&pid| !lives(pid)));
}
