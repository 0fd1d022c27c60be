//! `--watch`: the same job again after every save.

use std::path::PathBuf;
use std::time::Instant;

use super::say;
use crate::work::{Fault, Inputs, Target, Watched};

/// Does the job now and after each change of a file that it reads. Problems are printed and do not
/// end it; an interrupt does.
pub fn again(
    target: &Target,
    inputs: &Inputs,
    more: &[PathBuf],
    mut start: Instant,
    job: &mut dyn FnMut(Instant) -> Result<(), Fault>,
) -> Result<(), Fault> {
    loop {
        // What is saved while the job runs counts as a change after it.
        let watched = Watched::of(target, inputs, more);
        if let Err(fault) = job(start) {
            say(&fault);
        }
        eprintln!("watching {}: save to run again, Ctrl-C to end", target.file.display());
        let Some(changed) = watched.wait(&|| false) else { return Ok(()) };
        start = Instant::now();
        eprintln!("\n{} was saved", changed.display());
    }
}
