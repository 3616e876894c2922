//! Looks at a farm, and sets what can be set there.

mod commands;
mod options;
mod table;

use std::process::ExitCode;

use self::options::Options;

const USAGE: &str = "\
Usage: greenpool-nats [OPTIONS] COMMAND

Commands:
  top [--once]         functions and workers, again each second; --once: one time
  workers              the workers, and the jobs that they run
  runs                 the runs that have stored results
  dead                 the dead list
  dead show ID         a job of the dead list, with its arguments as JSON
  dead retry ID        stores it again, as a job without a caller
  dead rm ID           removes it
  resize NAME N        sets how many jobs of a function run at once, over all workers
  rm NAME SIGNATURE    removes a version of a function, with its queued jobs

Options:
  --server URL         the server, or several with commas between them [NATS_URL, or nats://127.0.0.1:4222]
  --namespace NAME     the namespace [default]
  --creds FILE         a file with credentials
  --user NAME:PASSWORD a user and the password
  --ca FILE            a certificate to trust; asks for TLS
  --help, --version";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().find_map(|argument| match &**argument {
        "--help" | "-h" => Some(USAGE.to_owned()),
        "--version" => Some(format!("greenpool-nats {}", env!("CARGO_PKG_VERSION"))),
        _ => None,
    }) {
        Some(text) => println!("{text}"),
        None => return run(arguments),
    }
    ExitCode::SUCCESS
}

fn run(arguments: Vec<String>) -> ExitCode {
    let (options, command) = match Options::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system has one");
    let done = runtime.block_on(async {
        let farm = options.connect().await?;
        commands::run(&farm, command).await
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
