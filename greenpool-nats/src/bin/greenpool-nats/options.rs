//! What the command line says.

use std::error::Error;

use async_nats::{ConnectOptions, ServerAddr};
use greenpool_nats::{Farm, FarmError};

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Top { once: bool },
    Workers,
    Runs,
    Dead,
    DeadShow(String),
    DeadRetry(String),
    DeadRemove(String),
    Resize(String, usize),
    Remove(String, String),
}

/// Where to do it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    server: Option<String>,
    namespace: Option<String>,
    creds: Option<String>,
    user: Option<(String, String)>,
    ca: Option<String>,
}

impl Options {
    pub(crate) fn parse(arguments: Vec<String>) -> Result<(Self, Command), String> {
        let mut options = Options::default();
        let mut words = Vec::new();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let place = match &*argument {
                "--server" => &mut options.server,
                "--namespace" => &mut options.namespace,
                "--creds" => &mut options.creds,
                "--ca" => &mut options.ca,
                "--user" => {
                    let value = rest.next().ok_or("--user needs a value")?;
                    let (name, password) = value.split_once(':').ok_or("--user takes NAME:PASSWORD")?;
                    options.user = Some((name.to_owned(), password.to_owned()));
                    continue;
                }
                _ => {
                    words.push(argument);
                    continue;
                }
            };
            *place = Some(rest.next().ok_or_else(|| format!("{argument} needs a value"))?);
        }
        Ok((options, Command::parse(&words)?))
    }

    pub(crate) async fn connect(self) -> Result<Farm, Box<dyn Error>> {
        let mut options = match (self.creds, self.user) {
            (Some(file), _) => ConnectOptions::with_credentials_file(file).await?,
            (None, Some((name, password))) => ConnectOptions::with_user_and_password(name, password),
            (None, None) => ConnectOptions::new(),
        };
        if let Some(file) = self.ca {
            options = options.add_root_certificates(file.into()).require_tls(true);
        }
        let server = self.server.or_else(|| std::env::var("NATS_URL").ok());
        let server = server.as_deref().unwrap_or("nats://127.0.0.1:4222");
        let servers = server.split(',').map(str::parse).collect::<Result<Vec<ServerAddr>, _>>();
        let servers = servers.map_err(FarmError::Address)?;
        let mut builder = Farm::builder().options(options);
        if let Some(namespace) = self.namespace {
            builder = builder.namespace(&namespace);
        }
        Ok(builder.connect(servers).await?)
    }
}

impl Command {
    fn parse(words: &[String]) -> Result<Self, String> {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        Ok(match words[..] {
            ["top"] => Command::Top { once: false },
            ["top", "--once"] => Command::Top { once: true },
            ["workers"] => Command::Workers,
            ["runs"] => Command::Runs,
            ["dead"] => Command::Dead,
            ["dead", "show", id] => Command::DeadShow(id.to_owned()),
            ["dead", "retry", id] => Command::DeadRetry(id.to_owned()),
            ["dead", "rm", id] => Command::DeadRemove(id.to_owned()),
            ["resize", name, size] => {
                let fits = |size: &usize| (1..=100_000).contains(size);
                let size = size.parse().ok().filter(fits);
                Command::Resize(name.to_owned(), size.ok_or("a size is a number from 1 to 100,000")?)
            }
            ["rm", name, signature] => Command::Remove(name.to_owned(), signature.to_owned()),
            [] => return Err("there is no command".to_owned()),
            _ => return Err(format!("`{}` is no command", words.join(" "))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Options};

    fn parse(line: &str) -> Result<(Options, Command), String> {
        Options::parse(line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    #[test]
    fn options_may_stand_anywhere() {
        let (options, command) = parse("--server nats://a dead --namespace shop retry f/r/0 --user a:b:c").unwrap();
        assert_eq!(command, Command::DeadRetry("f/r/0".to_owned()));
        assert_eq!(options.server.as_deref(), Some("nats://a"));
        assert_eq!(options.namespace.as_deref(), Some("shop"));
        assert_eq!(options.user, Some(("a".to_owned(), "b:c".to_owned())));
    }

    #[test]
    fn what_is_no_command_is_an_error() {
        for (line, error) in [
            ("", "there is no command"),
            ("tops", "`tops` is no command"),
            ("dead show", "`dead show` is no command"),
            ("resize f 0", "a size is a number from 1 to 100,000"),
            ("top --server", "--server needs a value"),
            ("top --user a", "--user takes NAME:PASSWORD"),
        ] {
            assert_eq!(parse(line).unwrap_err(), error);
        }
        assert_eq!(parse("resize f 12").unwrap().1, Command::Resize("f".to_owned(), 12));
    }
}
