//! The window's and the command line's side of a worker process.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::channel::{Channel, Payload};
use crate::process::Process;
use crate::protocol::{Failure, Reply, Request, VERSION};

/// What one request may use before the worker is killed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub time: Option<Duration>,
    /// Resident bytes of the worker.
    pub memory: u64,
}

impl Limits {
    /// No time limit, and nine tenths of the memory that this process may still take.
    pub fn of_this_machine() -> Limits {
        Limits { time: None, memory: weft_rt::available_bytes().unwrap_or(4 << 30) / 10 * 9 }
    }
}

/// Why a request has no reply. After all but `Failed` and `TooLarge` the worker is gone and a new
/// one is needed.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("{}", .0.message)]
    Failed(Failure),
    #[error("cancelled")]
    Cancelled,
    #[error("stopped after {0:.1} s: the time limit")]
    Time(f64),
    #[error("stopped at {0} MiB: the memory limit")]
    Memory(u64),
    #[error("out of memory: the arguments need {0} MiB beside the program's own copy")]
    TooLarge(u64),
    #[error("the worker process died ({0})")]
    Died(String),
    #[error("the worker cannot be started: {0}")]
    Start(io::Error),
    #[error("the worker answered something unexpected: {0}")]
    Protocol(String),
}

/// Cancels what the worker is doing, from any thread, by killing it.
#[derive(Clone)]
pub struct Canceller(Arc<Shared>);

struct Shared {
    process: Process,
    cancelled: AtomicBool,
}

impl Canceller {
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.0.process.kill();
    }
}

/// A running worker. Dropping it kills it.
pub struct Worker {
    shared: Arc<Shared>,
    channel: Channel,
    limits: Limits,
    /// The worker has said which version it speaks.
    greeted: bool,
}

/// How often limits are looked at while the worker is busy.
const POLL: Duration = Duration::from_millis(20);

impl Worker {
    /// Starts `program worker` on a socket pair and greets it; the answer is awaited by the first
    /// request, so that the worker's start takes none of the caller's time.
    pub fn start(program: &Path, limits: Limits) -> Result<Worker, WorkerError> {
        let (ours, theirs) = UnixStream::pair().map_err(WorkerError::Start)?;
        ours.set_read_timeout(Some(POLL)).map_err(WorkerError::Start)?;
        ours.set_write_timeout(Some(POLL)).map_err(WorkerError::Start)?;
        let theirs = OwnedFd::from(theirs);
        let fd = theirs.as_raw_fd();
        let mut command = Command::new(program);
        command.arg0("weft").args(["worker", "--socket", "3"]).stdin(Stdio::null()).stdout(Stdio::null());
        // SAFETY: only async-signal-safe calls between fork and exec.
        unsafe {
            command.pre_exec(move || {
                if fd == 3 {
                    let flags = libc::fcntl(3, libc::F_GETFD);
                    libc::fcntl(3, libc::F_SETFD, flags & !libc::FD_CLOEXEC);
                } else if libc::dup2(fd, 3) < 0 {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let (process, _) = Process::start(&mut command, None).map_err(WorkerError::Start)?;
        drop(theirs);
        let shared = Arc::new(Shared { process, cancelled: AtomicBool::new(false) });
        let mut worker = Worker { shared, channel: Channel::Socket(ours), limits, greeted: false };
        worker.exchange(|worker, watch| {
            worker.channel.send(&Request::Hello { version: VERSION }, &[], watch)
        })?;
        Ok(worker)
    }

    pub fn canceller(&self) -> Canceller {
        Canceller(self.shared.clone())
    }

    pub fn process_id(&self) -> u32 {
        self.shared.process.id()
    }

    /// Largest resident size so far, in bytes.
    pub fn peak_rss(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process_id())).ok()?;
        let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    }

    /// Sends a request and waits for its reply; a `Failed` reply is an error. The limits hold from
    /// the first byte sent to the last byte received.
    pub fn request(&mut self, request: &Request, payload: &[&[u8]]) -> Result<(Reply, Payload), WorkerError> {
        let bytes: u64 = payload.iter().map(|p| p.len() as u64).sum();
        if bytes > 64 << 20 && weft_rt::available_bytes().is_some_and(|free| bytes.saturating_mul(2) > free) {
            return Err(WorkerError::TooLarge(bytes >> 20));
        }
        let (reply, payload) = self.exchange(|worker, watch| {
            if !worker.greeted {
                let (reply, _) = worker.channel.receive::<Reply>(watch)?;
                if !matches!(reply, Reply::Hello { version: VERSION }) {
                    let other = format!("it is of another version of this program: {reply:?}");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, other));
                }
                worker.greeted = true;
            }
            worker.channel.send(request, payload, watch)?;
            worker.channel.receive::<Reply>(watch)
        })?;
        match reply {
            Reply::Failed(failure) => Err(WorkerError::Failed(failure)),
            reply => Ok((reply, payload)),
        }
    }

    /// Talks to the worker; `watch` ends the talk where a limit is passed.
    fn exchange<T>(
        &mut self,
        talk: impl FnOnce(&mut Worker, &mut dyn FnMut() -> io::Result<()>) -> io::Result<T>,
    ) -> Result<T, WorkerError> {
        let (start, shared, limits) = (Instant::now(), self.shared.clone(), self.limits);
        let mut passed = None;
        let mut watch = || match limit_passed(&shared, limits, start) {
            None => Ok(()),
            Some(error) => {
                passed = Some(error);
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        };
        let result = talk(self, &mut watch);
        result.map_err(|error| match passed {
            Some(limit) => {
                self.shared.process.stop();
                limit
            }
            None => self.broken(error),
        })
    }

    /// The connection ended: was it us, or a crash?
    fn broken(&mut self, error: io::Error) -> WorkerError {
        let process = &self.shared.process;
        let ended = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        );
        if ended && !self.shared.cancelled.load(Ordering::SeqCst) {
            // A dying process closes its socket a moment before its own end is known, and killing
            // it in that moment would hide what it died of.
            process.await_end(Duration::from_millis(100));
        }
        let status = process.stop();
        if self.shared.cancelled.load(Ordering::SeqCst) {
            return WorkerError::Cancelled;
        }
        match status.filter(|_| ended) {
            None => WorkerError::Protocol(error.to_string()),
            Some(status) => WorkerError::Died(match (status.signal(), status.code()) {
                (Some(libc::SIGKILL), _) => "killed: signal 9, perhaps out of memory".to_string(),
                (Some(libc::SIGSEGV), _) => "segmentation fault: signal 11".to_string(),
                (Some(signal), _) => format!("signal {signal}"),
                (None, code) => format!("exit status {}", code.unwrap_or(-1)),
            }),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Cancellers may outlive the worker; the process must not.
        self.shared.process.stop();
    }
}

fn limit_passed(shared: &Shared, limits: Limits, start: Instant) -> Option<WorkerError> {
    if shared.cancelled.load(Ordering::SeqCst) {
        return Some(WorkerError::Cancelled);
    }
    if let Some(limit) = limits.time.filter(|&limit| start.elapsed() > limit) {
        return Some(WorkerError::Time(limit.as_secs_f64()));
    }
    (resident(shared.process.id()) > limits.memory).then_some(WorkerError::Memory(limits.memory >> 20))
}

/// Resident bytes of a process, 0 if it is gone.
fn resident(pid: u32) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm"))
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    // SAFETY: no arguments that could be wrong; an unknown name gives -1.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as u64;
    pages.unwrap_or(0) * page
}
