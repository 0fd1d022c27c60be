//! The window's and the command line's side of a worker process.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::channel::Channel;
use crate::protocol::{Failure, Reply, Request, VERSION};

/// What one request may use before the worker is killed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub time: Option<Duration>,
    /// Resident bytes of the worker.
    pub memory: u64,
}

impl Limits {
    /// No time limit, and nine tenths of the memory that is free now.
    pub fn of_this_machine() -> Limits {
        let free = std::fs::read_to_string("/proc/meminfo")
            .ok()
            .and_then(|text| {
                let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?.to_string();
                line.split_whitespace().nth(1)?.parse::<u64>().ok()
            })
            .unwrap_or(4 << 20);
        Limits { time: None, memory: free * 1024 / 10 * 9 }
    }
}

/// Why a request has no reply. After all but `Failed` the worker is gone and a new one is needed.
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
    #[error("the worker process died ({0})")]
    Died(String),
    #[error("the worker cannot be started: {0}")]
    Start(io::Error),
    #[error("the worker answered something unexpected: {0}")]
    Protocol(String),
}

/// Cancels what the worker is doing, from any thread, by killing it.
#[derive(Clone)]
pub struct Canceller {
    pid: i32,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cancelled: AtomicBool,
    reaped: AtomicBool,
}

impl Canceller {
    pub fn cancel(&self) {
        self.state.cancelled.store(true, Ordering::SeqCst);
        if !self.state.reaped.load(Ordering::SeqCst) {
            kill_group(self.pid);
        }
    }
}

fn kill_group(pid: i32) {
    // SAFETY: a signal to the process group that the worker was made the leader of.
    unsafe {
        libc::kill(-pid, libc::SIGKILL);
    }
}

/// A running worker. Dropping it kills it.
pub struct Worker {
    child: Child,
    channel: Channel,
    limits: Limits,
    state: Arc<State>,
}

const POLL: Duration = Duration::from_millis(20);

impl Worker {
    /// Starts `program worker` on a socket pair and greets it.
    pub fn start(program: &Path, limits: Limits) -> Result<Worker, WorkerError> {
        let (ours, theirs) = UnixStream::pair().map_err(WorkerError::Start)?;
        let theirs = OwnedFd::from(theirs);
        let fd = theirs.as_raw_fd();
        let mut command = Command::new(program);
        command.args(["worker", "--socket", "3"]).stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
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
        let child = command.spawn().map_err(WorkerError::Start)?;
        drop(theirs);
        Ok(Worker { child, channel: Channel::Socket(ours), limits, state: Arc::default() })
    }

    /// Versions have to agree; the reply names processor and BLAS.
    pub fn hello(&mut self) -> Result<Reply, WorkerError> {
        let reply = self.request(&Request::Hello { version: VERSION }, &[])?.0;
        match reply {
            Reply::Hello { version: VERSION, .. } => Ok(reply),
            other => Err(WorkerError::Protocol(format!("{other:?}"))),
        }
    }

    pub fn canceller(&self) -> Canceller {
        Canceller { pid: self.child.id() as i32, state: self.state.clone() }
    }

    pub fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.limits.time = limit;
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Largest resident size so far, in bytes.
    pub fn peak_rss(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    }

    /// Sends a request and waits for its reply; a `Failed` reply is an error.
    pub fn request(&mut self, request: &Request, payload: &[&[u8]]) -> Result<(Reply, Vec<u8>), WorkerError> {
        let start = Instant::now();
        if let Err(error) = self.channel.send(request, payload) {
            return Err(self.broken(error));
        }
        loop {
            match poll(self.channel.read_fd(), POLL) {
                Ok(true) => break,
                Ok(false) => self.watch(start)?,
                Err(error) => return Err(self.broken(error)),
            }
        }
        match self.channel.receive::<Reply>() {
            Ok((Reply::Failed(failure), _)) => Err(WorkerError::Failed(failure)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.broken(error)),
        }
    }

    fn watch(&mut self, start: Instant) -> Result<(), WorkerError> {
        if self.state.cancelled.load(Ordering::SeqCst) {
            self.stop();
            return Err(WorkerError::Cancelled);
        }
        if let Some(limit) = self.limits.time.filter(|&limit| start.elapsed() > limit) {
            self.stop();
            return Err(WorkerError::Time(limit.as_secs_f64()));
        }
        let resident = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id()))
            .ok()
            .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok())
            .unwrap_or(0)
            * 4096;
        if resident > self.limits.memory {
            self.stop();
            return Err(WorkerError::Memory(self.limits.memory >> 20));
        }
        Ok(())
    }

    /// The connection ended: was it us, or a crash?
    fn broken(&mut self, error: io::Error) -> WorkerError {
        if self.state.cancelled.load(Ordering::SeqCst) {
            self.stop();
            return WorkerError::Cancelled;
        }
        // A dying process closes its socket a moment before it can be waited for.
        let deadline = Instant::now() + Duration::from_millis(500);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.state.reaped.store(true, Ordering::SeqCst);
                let how = match status.signal() {
                    Some(libc::SIGKILL) => "killed: signal 9, perhaps out of memory".to_string(),
                    Some(libc::SIGSEGV) => "segmentation fault: signal 11".to_string(),
                    Some(signal) => format!("signal {signal}"),
                    None => format!("exit status {}", status.code().unwrap_or(-1)),
                };
                return WorkerError::Died(how);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.stop();
        WorkerError::Protocol(error.to_string())
    }

    fn stop(&mut self) {
        if !self.state.reaped.load(Ordering::SeqCst) {
            kill_group(self.child.id() as i32);
            // Waiting cannot block long: the signal cannot be caught.
            let _ = self.child.wait();
            self.state.reaped.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits for input or the other side's end.
pub(crate) fn poll(fd: i32, timeout: Duration) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid entry.
    let ready = unsafe { libc::poll(&mut entry, 1, timeout.as_millis() as i32) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
    }
    Ok(ready > 0)
}

/// The socket that a worker was started on.
///
/// # Safety
/// `fd` must be an open socket that nothing else in this process owns.
pub(crate) unsafe fn socket_from_fd(fd: i32) -> UnixStream {
    // SAFETY: the caller's promise.
    unsafe { UnixStream::from_raw_fd(fd) }
}
