//! The names on the server: subjects, streams, the tokens of runs.

use std::fmt::Write;

/// How many results of a submitter are removed at once.
pub(crate) const BLOCK: u64 = 1024;

/// The names of one namespace.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) namespace: String,
}

/// Which job: of which function, in which run, and its number there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct JobKey {
    pub(crate) function: String,
    /// The run as a token of a subject.
    pub(crate) run: String,
    pub(crate) n: u64,
}

impl JobKey {
    /// The job within its function.
    pub(crate) fn id(&self) -> String {
        format!("{}.{}", self.run, self.n)
    }
}

impl Names {
    pub(crate) fn jobs_stream(&self, function: &str, signature: &str) -> String {
        format!("gp_{}_{function}_{signature}", self.namespace)
    }

    pub(crate) fn jobs(&self, function: &str, signature: &str) -> String {
        format!("gp.{}.job.{function}.{signature}.>", self.namespace)
    }

    pub(crate) fn jobs_of_run(&self, function: &str, signature: &str, run: &str) -> String {
        format!("gp.{}.job.{function}.{signature}.{run}.>", self.namespace)
    }

    pub(crate) fn job(&self, signature: &str, key: &JobKey) -> String {
        format!("gp.{}.job.{}.{signature}.{}.{}", self.namespace, key.function, key.run, key.n)
    }

    pub(crate) fn results_stream(&self) -> String {
        format!("gp_{}_results", self.namespace)
    }

    pub(crate) fn results(&self) -> String {
        format!("gp.{}.res.>", self.namespace)
    }

    pub(crate) fn results_of_run(&self, function: &str, run: &str) -> String {
        format!("gp.{}.res.{function}.{run}.>", self.namespace)
    }

    pub(crate) fn block(&self, function: &str, run: &str, block: u64) -> String {
        format!("gp.{}.res.{function}.{run}.{block}.*", self.namespace)
    }

    pub(crate) fn result(&self, key: &JobKey) -> String {
        format!("gp.{}.res.{}.{}.{}.{}", self.namespace, key.function, key.run, key.n / BLOCK, key.n)
    }

    pub(crate) fn dead_stream(&self) -> String {
        format!("gp_{}_dead", self.namespace)
    }

    pub(crate) fn all_dead(&self) -> [String; 2] {
        ["dead", "mark"].map(|kind| format!("gp.{}.{kind}.>", self.namespace))
    }

    pub(crate) fn dead_of(&self, function: &str) -> String {
        format!("gp.{}.dead.{function}.>", self.namespace)
    }

    pub(crate) fn dead(&self, key: &JobKey) -> String {
        format!("gp.{}.dead.{}.{}.{}", self.namespace, key.function, key.run, key.n)
    }

    pub(crate) fn mark(&self, key: &JobKey) -> String {
        format!("gp.{}.mark.{}.{}.{}", self.namespace, key.function, key.run, key.n)
    }

    pub(crate) fn blobs_stream(&self) -> String {
        format!("gp_{}_blobs", self.namespace)
    }

    pub(crate) fn blobs(&self) -> String {
        format!("gp.{}.blob.>", self.namespace)
    }

    /// Where the arguments of a job lie, if they are a blob.
    pub(crate) fn arguments_place(&self, key: &JobKey) -> String {
        format!("gp.{}.blob.job.{}.{}.{}", self.namespace, key.function, key.run, key.n)
    }

    /// Where the result of a job lies, if it is a blob.
    pub(crate) fn result_place(&self, key: &JobKey) -> String {
        format!("gp.{}.blob.res.{}.{}.{}.{}", self.namespace, key.function, key.run, key.n / BLOCK, key.n)
    }

    pub(crate) fn blobs_of_block(&self, function: &str, run: &str, block: u64) -> String {
        format!("gp.{}.blob.res.{function}.{run}.{block}.>", self.namespace)
    }

    /// The blobs of a run: all of them, or those of the results.
    pub(crate) fn blobs_of_run(&self, kind: &str, function: &str, run: &str) -> String {
        format!("gp.{}.blob.{kind}.{function}.{run}.>", self.namespace)
    }

    pub(crate) fn cancel(&self, function: &str) -> String {
        format!("gp.{}.cancel.{function}", self.namespace)
    }

    pub(crate) fn who(&self) -> String {
        format!("gp.{}.who", self.namespace)
    }

    /// Reads the subjects of a stream of jobs: `gp.<namespace>.job.<function>.<signature>.>`.
    pub(crate) fn function_of_jobs<'a>(&self, subject: &'a str) -> Option<(&'a str, &'a str)> {
        let tokens: Vec<_> = subject.split('.').collect();
        match tokens[..] {
            ["gp", namespace, "job", function, signature, ">"] if namespace == self.namespace => {
                Some((function, signature))
            }
            _ => None,
        }
    }

    /// Reads the subject of a result: `gp.<namespace>.res.<function>.<run>.<block>.<n>`.
    pub(crate) fn key_of_result(subject: &str) -> Option<JobKey> {
        let mut tokens = subject.split('.').skip(3);
        let (function, run, _block) = (tokens.next()?, tokens.next()?, tokens.next()?);
        Self::key(function, run, tokens.next()?)
    }

    /// Reads the subject of a job: `gp.<namespace>.job.<function>.<signature>.<run>.<n>`.
    pub(crate) fn key_of_job(subject: &str) -> Option<JobKey> {
        let mut tokens = subject.split('.').skip(3);
        let (function, _signature, run) = (tokens.next()?, tokens.next()?, tokens.next()?);
        Self::key(function, run, tokens.next()?)
    }

    /// Reads the subject of a dead job: `gp.<namespace>.dead.<function>.<run>.<n>`.
    pub(crate) fn key_of_dead(subject: &str) -> Option<JobKey> {
        let mut tokens = subject.split('.').skip(3);
        let (function, run, n) = (tokens.next()?, tokens.next()?, tokens.next()?);
        // What follows is a chunk of its body.
        if tokens.next().is_some() { None } else { Self::key(function, run, n) }
    }

    fn key(function: &str, run: &str, n: &str) -> Option<JobKey> {
        Some(JobKey { function: function.to_owned(), run: run.to_owned(), n: n.parse().ok()? })
    }
}

/// A name as a token of a subject: all but letters, digits, `_` and `-` is written as `=XX`.
pub(crate) fn token(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut token, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            token.push(char::from(byte));
        } else {
            let _ = write!(token, "={byte:02X}");
        }
        token
    })
}

/// The name that a token stands for.
pub(crate) fn name_of_token(token: &str) -> String {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'=' && after.len() >= 2)
            .then(|| std::str::from_utf8(&after[..2]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .flatten();
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a name can be a namespace.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && token(name) == name
}

#[cfg(test)]
mod tests {
    use super::{JobKey, Names, is_name, name_of_token, token};

    #[test]
    fn a_subject_is_read_as_it_was_written() {
        let names = Names { namespace: "shop".to_owned() };
        let key = JobKey { function: "fetch".to_owned(), run: token("a.b c*>"), n: 5000 };
        assert_eq!(names.result(&key), "gp.shop.res.fetch.a=2Eb=20c=2A=3E.4.5000");
        assert_eq!(Names::key_of_result(&names.result(&key)).as_ref(), Some(&key));
        assert_eq!(Names::key_of_job(&names.job("27d38225d2ce1def", &key)).as_ref(), Some(&key));
        assert_eq!(Names::key_of_dead(&names.dead(&key)).as_ref(), Some(&key));
        let jobs = names.jobs("fetch", "27d38225d2ce1def");
        assert_eq!(names.function_of_jobs(&jobs), Some(("fetch", "27d38225d2ce1def")));
        assert_eq!(Names { namespace: "shop_2".to_owned() }.function_of_jobs(&jobs), None);
        assert_eq!(names.function_of_jobs(&names.results()), None);
        assert_eq!(Names::key_of_job("gp.shop.job.fetch"), None);
        assert_eq!(Names::key_of_result("gp.shop.res.fetch.run.0.many"), None);
    }

    #[test]
    fn a_token_stands_for_one_name() {
        for name in ["nightly-2026-11-29", "ä=2E", "a.b", "=", "==", "=4", "%", "\u{0}"] {
            assert_eq!(name_of_token(&token(name)), name);
        }
        assert!(is_name("default") && is_name("a-b_2"));
        assert!(!is_name("") && !is_name("a.b") && !is_name(&"x".repeat(65)));
    }
}
