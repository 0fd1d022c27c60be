//! Child processes that are the leaders of process groups of their own: killed, reaped, and known
//! to [`kill_all`].

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The groups that live, each with a folder that is of no use without it.
static LIVE: Mutex<BTreeMap<i32, Option<PathBuf>>> = Mutex::new(BTreeMap::new());

/// Kills every group that was started and removes what it would leave behind; for a program that
/// is about to end.
pub fn kill_all() {
    let Ok(live) = LIVE.lock() else { return };
    for (&pid, folder) in live.iter() {
        kill_group(pid);
        if let Some(folder) = folder {
            // What is left in a temporary folder does no harm.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn kill_group(pid: i32) {
    // SAFETY: a signal to a group whose leader is not reaped yet, so the number is not used again.
    unsafe {
        libc::kill(-pid, libc::SIGKILL);
    }
}

/// A child and its group. Killing and reaping happen under one lock, so that no signal can reach
/// a later process of the same number. Dropping it kills the group.
pub(crate) struct Process {
    pid: i32,
    state: Mutex<State>,
}

enum State {
    Running(Child),
    Reaped(Option<ExitStatus>),
}

impl Process {
    /// Starts a command in a group of its own. `folder` goes with the process if the program ends.
    pub fn start(command: &mut Command, folder: Option<PathBuf>) -> io::Result<(Process, Pipes)> {
        command.process_group(0);
        // Held while the child starts: `kill_all` sees it or it does not start.
        let mut live = LIVE.lock().map_err(|_| io::Error::other("an earlier start failed"))?;
        let mut child = command.spawn()?;
        let pid = child.id() as i32;
        live.insert(pid, folder);
        let pipes = Pipes { stdin: child.stdin.take(), stdout: child.stdout.take() };
        Ok((Process { pid, state: Mutex::new(State::Running(child)) }, pipes))
    }

    pub fn id(&self) -> u32 {
        self.pid as u32
    }

    /// Sends the signal that cannot be caught; does not wait.
    pub fn kill(&self) {
        let state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        if matches!(*state, State::Running(_)) {
            kill_group(self.pid);
        }
    }

    /// Stops all threads of the group where they are, until [`Process::resume`]. Should this program
    /// die, the system wakes and hangs up a stopped group that is left alone.
    pub fn pause(&self) {
        self.signal(libc::SIGSTOP);
    }

    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: i32) {
        let state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        if matches!(*state, State::Running(_)) {
            // SAFETY: a signal to a group whose leader is not reaped yet.
            unsafe {
                libc::kill(-self.pid, signal);
            }
        }
    }

    /// Waits for an end that has begun, at most that long, and leaves the process to be reaped.
    pub fn await_end(&self, time: Duration) {
        let deadline = Instant::now() + time;
        loop {
            {
                let state = self.state.lock().unwrap_or_else(|e| e.into_inner());
                if matches!(*state, State::Reaped(_)) || ended(self.pid) {
                    return;
                }
            }
            if Instant::now() >= deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills the group and reaps its leader; how it ended, if that could be found out.
    pub fn stop(&self) -> Option<ExitStatus> {
        self.kill();
        // A killed process may need a while to give large memory back; others may look meanwhile.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            {
                let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
                let status = match &mut *state {
                    State::Reaped(status) => return *status,
                    State::Running(child) => child.try_wait(),
                };
                let over = !matches!(status, Ok(None)) || Instant::now() > deadline;
                if over {
                    *state = State::Reaped(status.ok().flatten());
                    if let Ok(mut live) = LIVE.lock() {
                        live.remove(&self.pid);
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The pipes of a child.
pub(crate) struct Pipes {
    pub stdin: Option<std::process::ChildStdin>,
    pub stdout: Option<std::process::ChildStdout>,
}

/// Has the child ended, without reaping it?
fn ended(pid: i32) -> bool {
    // SAFETY: all-zero is a valid siginfo_t, and the call writes only to it.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_PID, pid as u32, &mut info, flags) != 0 || info.si_pid() != 0
    }
}
