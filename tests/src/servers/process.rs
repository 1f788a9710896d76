//! A server in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

/// A running server that is told on its standard input what to make, and answers on its standard
/// output. It ends when its input does: so it ends with this process, however that ends.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) port: u16,
    child: Child,
    talk: Mutex<Talk>,
}

#[derive(Debug)]
struct Talk {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
        let mut talk = Talk { input, output: BufReader::new(output) };
        let port = talk.hear("port")?.parse().context("port")?;
        Ok(Self { port, child, talk: Mutex::new(talk) })
    }

    pub(super) fn make(&self, name: &str) -> Result<()> {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(talk.input, "{name}")?;
        talk.input.flush()?;
        let made = talk.hear("made")?;
        if made != name {
            bail!("asked for {name:?}, made {made:?}");
        }
        Ok(())
    }
}

impl Talk {
    /// Waits for a line that begins with the word, and gives the rest of it.
    fn hear(&mut self, word: &str) -> Result<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                bail!("the server ended before it said {word:?}; see its messages above");
            }
            if let Some((first, rest)) = line.trim().split_once(' ')
                && first == word
            {
                return Ok(rest.to_owned());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
