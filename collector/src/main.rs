//! `xunjian-collector`: see `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    xunjian_collector::cli::run()
}
