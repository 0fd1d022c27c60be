//! `weft`: the workbench and its command line.

mod cli;
mod commands;
mod layout;
mod state;
mod theme;
mod views;
mod window;
mod work;

fn main() -> std::process::ExitCode {
    cli::main()
}
