//! The binary `xunjian-agent`. Everything it does is in the library, so that tests can do it too.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use xunjian_agent::cli::{self, Console, Lang};

fn main() -> ExitCode {
    cli::log_to_stderr();
    let (mut out, mut err) = (io::BufWriter::new(io::stdout()), io::stderr());
    let lang = Lang::of_environment(|name| std::env::var(name).ok());
    let mut console = Console { progress: err.is_terminal(), out: &mut out, err: &mut err, lang };
    let code = cli::main(std::env::args_os(), &mut console);
    // A reader that has gone away (`| head`) is no failure.
    let _ = out.flush();
    ExitCode::from(code)
}
