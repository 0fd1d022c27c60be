//! `weft`: the workbench and its command line.

mod cli;
mod work;

fn main() -> std::process::ExitCode {
    cli::main()
}
