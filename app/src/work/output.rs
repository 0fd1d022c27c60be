//! `weft export`: the graph and what is generated from it, as files.

use weft_ir::sdfg::Verified;
use weft_measure::{Emit, Reply, Request};

use super::input::Problem;
use super::measure::{Fault, Job, start_worker};

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Format {
    /// DaCe's file.
    Sdfg,
    /// The text form.
    Text,
    /// The loop tree, readable.
    Looptree,
    /// LLVM IR.
    Ll,
    /// Assembly for this machine.
    Asm,
    /// Graphviz.
    Dot,
    Svg,
}

/// The graph in that format.
pub fn export(graph: &Verified, format: Format) -> Result<String, Fault> {
    let what = match format {
        Format::Sdfg => {
            if let Some((label, operation)) = weft_ir::json::unknown_to_dace(graph) {
                let message =
                    format!("'{label}' is a call of {operation}, for which DaCe has no library node");
                return Err(Problem::usage(message).into());
            }
            return Ok(weft_ir::json::write(graph));
        }
        Format::Text => return Ok(weft_ir::text::print(graph)),
        Format::Dot => return Ok(super::picture::dot(graph)),
        Format::Svg => return Ok(super::picture::svg(graph)),
        Format::Looptree => Emit::Looptree,
        Format::Ll => Emit::Ll,
        Format::Asm => Emit::Asm,
    };
    // LLVM never runs in this process.
    let mut worker = start_worker(&Job { threads: 1, time_limit: None, cache: None })?;
    let request = Request::Emit { sdfg: weft_ir::text::print_with_spans(graph), what };
    match worker.request(&request, &[]) {
        Ok((Reply::Emitted { text }, _)) => Ok(text),
        Ok((other, _)) => Err(Fault::Kernel(format!("unexpected reply: {other:?}"))),
        Err(error) => Err(Problem::usage(error).into()),
    }
}
