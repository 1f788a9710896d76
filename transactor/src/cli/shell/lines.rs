//! Where statements come from: a person at a terminal, or a pipe.

use std::io::BufRead;
use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};

use super::brackets::is_open;
use super::words::Words;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::cli::text::Text;

/// Statements that the history keeps.
const HISTORY_MAX: usize = 10_000;

pub(super) enum Lines {
    Terminal {
        editor: Box<Editor<Words, DefaultHistory>>,
        history: Option<PathBuf>,
    },
    /// With the number of the last line that was read.
    Pipe {
        line: usize,
    },
}

impl Lines {
    /// Reads from a terminal, with editing, completion, and a history unless it is not wanted.
    pub(super) fn terminal(words: Words, no_history: bool) -> Result<Self, Failure> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .history_ignore_space(true)
            .max_history_size(HISTORY_MAX)
            .map_err(failed)?
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(words));
        let history = if no_history { None } else { history_file() };
        if let Some(path) = &history {
            // There is none the first time.
            let _ = editor.load_history(path);
        }
        output::line("duramen shell: :help shows what can be entered, Ctrl-D ends it")?;
        Ok(Self::Terminal { editor: Box::new(editor), history })
    }

    pub(super) const fn pipe() -> Self {
        Self::Pipe { line: 0 }
    }

    /// The next statement; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Text>, Failure> {
        match self {
            Self::Terminal { editor, history } => loop {
                match editor.readline("duramen> ") {
                    Ok(text) => {
                        keep(editor, history);
                        return Ok(Some(Text::new("statement", text)));
                    }
                    // What was typed so far is dropped.
                    Err(ReadlineError::Interrupted) => {}
                    Err(ReadlineError::Eof) => return Ok(None),
                    Err(error) => return Err(failed(error)),
                }
            },
            Self::Pipe { line } => read_whole(&mut std::io::stdin().lock(), line),
        }
    }
}

/// Keeps what was entered for the next time: at once, as a terminal may be closed at any time. It
/// is given up, and said, where that fails.
fn keep(editor: &mut Editor<Words, DefaultHistory>, history: &mut Option<PathBuf>) {
    let Some(path) = history else { return };
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let kept = folder.map_err(ReadlineError::from).and_then(|()| editor.append_history(path));
    if let Err(error) = kept {
        output::note(format_args!("the history is not kept: {error}"));
        *history = None;
    }
}

/// Lines until what they open is closed.
fn read_whole(input: &mut impl BufRead, line: &mut usize) -> Result<Option<Text>, Failure> {
    let (mut text, first) = (String::new(), *line + 1);
    while text.is_empty() || is_open(&text) {
        if input.read_line(&mut text)? == 0 {
            break;
        }
        *line += 1;
    }
    let name = format!("statement from line {first}");
    Ok((!text.is_empty()).then(|| Text::new(&name, text)))
}

/// In the folder for what programs keep of a user, by the XDG rules.
fn history_file() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("duramen").join("history"))
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: ReadlineError) -> Failure {
    Failure::new(Exit::Unavailable, format!("the terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_together_until_brackets_close() {
        let mut input = "[:find ?e\n :where [?e]]\n\n:help\n[1".as_bytes();
        let mut line = 0;
        let mut next = || read_whole(&mut input, &mut line).unwrap().map(|text| text.content);
        assert_eq!(next().as_deref(), Some("[:find ?e\n :where [?e]]\n"));
        assert_eq!(next().as_deref(), Some("\n"));
        assert_eq!(next().as_deref(), Some(":help\n"));
        assert_eq!(next().as_deref(), Some("[1"));
        assert_eq!(next(), None);
        assert_eq!(line, 5);
    }
}
