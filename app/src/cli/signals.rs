//! What ends the program from outside or by our own fault: interrupts, closed pipes, panics.

use std::io::Write;
use std::sync::atomic::{AtomicI32, Ordering};

/// The write end of the pipe that a signal is announced on.
static ANNOUNCE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn announce(signal: libc::c_int) {
    let byte = signal as u8;
    // SAFETY: `write` may be called from a signal handler; one byte of our own.
    unsafe {
        libc::write(ANNOUNCE.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
    }
}

/// On an interrupt, kills what was started and ends with status 130; turns a panic into a message.
pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.payload_as_str().unwrap_or("unknown");
        if text.starts_with("failed printing to") {
            // The reader of our output has enough; nothing is wrong.
            weft_measure::kill_all();
            std::process::exit(0);
        }
        let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "internal error: {text}{place}; please report this");
    }));
    let mut ends = [0; 2];
    // SAFETY: valid arguments; the handler does what is allowed there.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return;
        }
        ANNOUNCE.store(ends[1], Ordering::Relaxed);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = announce as extern "C" fn(libc::c_int) as usize;
        // A second signal ends the program at once, should the first not do it.
        action.sa_flags = libc::SA_RESTART | libc::SA_RESETHAND;
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
    let end = move || {
        let mut byte = 0u8;
        // SAFETY: one byte to write to; no destructor may run while other threads are busy.
        unsafe {
            while libc::read(ends[0], (&raw mut byte).cast(), 1) != 1 {}
            weft_measure::kill_all();
            libc::_exit(128 + i32::from(byte));
        }
    };
    // Without the thread a signal would be swallowed; the default ends us, and workers follow.
    if std::thread::Builder::new().name("weft-signals".into()).spawn(end).is_err() {
        // SAFETY: valid arguments.
        unsafe {
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}
