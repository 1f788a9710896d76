//! Forms on several lines, for people to read.

use std::fmt::{self, Display, Formatter, Write};

use super::{Edn, Form};

/// Nesting beyond this stays on one line, so that no stack and no margin runs out.
const DEPTH_MAX: usize = 60;

impl Edn {
    /// Displays the form on lines of about `width_chars`. What fits on a line stays on it; scalars
    /// are never broken.
    ///
    /// ```
    /// # use duramen_model::edn::read;
    /// let form = read("{:name \"Ann\" :friends [{:name \"Bob\"} {:name \"Carol\"}]}")?;
    /// let pretty = "\
    /// {:name \"Ann\"
    ///  :friends [{:name \"Bob\"}
    ///            {:name \"Carol\"}]}";
    /// assert_eq!(form.edn.pretty(40).to_string(), pretty);
    /// # Ok::<(), duramen_model::edn::EdnError>(())
    /// ```
    #[must_use]
    pub fn pretty(&self, width_chars: usize) -> Pretty<'_> {
        Pretty { edn: self, width_chars }
    }
}

/// Displays a form on several lines. See [`Edn::pretty`].
#[derive(Debug, Clone, Copy)]
pub struct Pretty<'a> {
    edn: &'a Edn,
    width_chars: usize,
}

impl Display for Pretty<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut page = Page { out: f, width: self.width_chars, column: 0, depth: 0 };
        page.form(self.edn, 0)
    }
}

struct Page<'a, 'b> {
    out: &'a mut Formatter<'b>,
    width: usize,
    /// Characters on the line so far.
    column: usize,
    depth: usize,
}

impl Page<'_, '_> {
    /// Lays out a form from the current column on; `after` characters of closing brackets follow.
    fn form(&mut self, edn: &Edn, after: usize) -> fmt::Result {
        let room = self.width.saturating_sub(self.column + after);
        if self.depth >= DEPTH_MAX || flat_width(edn, room).is_some() {
            return write!(self, "{edn}");
        }
        self.depth += 1;
        match edn {
            Edn::List(forms) => self.members("(", forms, ")", after)?,
            Edn::Vector(forms) => self.members("[", forms, "]", after)?,
            Edn::Set(forms) => self.members("#{", forms, "}", after)?,
            Edn::Map(entries) => self.entries(entries, after)?,
            Edn::Tagged(tag, form) => {
                write!(self, "#{tag} ")?;
                self.form(&form.edn, after)?;
            }
            Edn::Nil | Edn::Value(_) | Edn::Character(_) => write!(self, "{edn}")?,
        }
        self.depth -= 1;
        Ok(())
    }

    /// Members one below the other, or as many on a line as fit if all are scalars.
    fn members(&mut self, open: &str, forms: &[Form], close: &str, after: usize) -> fmt::Result {
        self.write_str(open)?;
        let margin = self.column;
        let fill = forms.iter().all(|form| is_scalar(&form.edn));
        for (place, form) in forms.iter().enumerate() {
            let after = if place + 1 == forms.len() { after + 1 } else { 0 };
            if place > 0 {
                let room = self.width.saturating_sub(self.column + 1 + after);
                if fill && flat_width(&form.edn, room).is_some() {
                    self.write_char(' ')?;
                } else {
                    self.line(margin)?;
                }
            }
            self.form(&form.edn, after)?;
        }
        self.write_str(close)
    }

    fn entries(&mut self, entries: &[(Form, Form)], after: usize) -> fmt::Result {
        self.write_str("{")?;
        let margin = self.column;
        for (place, (key, value)) in entries.iter().enumerate() {
            if place > 0 {
                self.line(margin)?;
            }
            self.form(&key.edn, 0)?;
            let after = if place + 1 == entries.len() { after + 1 } else { 0 };
            if is_scalar(&key.edn) {
                self.write_char(' ')?;
            } else {
                self.line(margin)?;
            }
            self.form(&value.edn, after)?;
        }
        self.write_str("}")
    }

    fn line(&mut self, margin: usize) -> fmt::Result {
        self.write_char('\n')?;
        write!(self, "{:margin$}", "")
    }
}

impl Write for Page<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.column = match text.rsplit_once('\n') {
            Some((_, line)) => line.chars().count(),
            None => self.column + text.chars().count(),
        };
        self.out.write_str(text)
    }
}

fn is_scalar(edn: &Edn) -> bool {
    matches!(edn, Edn::Nil | Edn::Value(_) | Edn::Character(_))
}

/// The characters of a form on one line, if there is room for them. Stops where room ends.
fn flat_width(edn: &Edn, room: usize) -> Option<usize> {
    struct Counter {
        left: usize,
    }
    impl Write for Counter {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.left = self.left.checked_sub(text.chars().count()).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut counter = Counter { left: room };
    write!(counter, "{edn}").ok().map(|()| room - counter.left)
}

#[cfg(test)]
mod tests {
    use crate::edn::read;

    /// Width, form, and the lines that it becomes.
    const PRETTY: &[(usize, &str, &[&str])] = &[
        (20, "[1 2 3]", &["[1 2 3]"]),
        (7, "[1 2 3]", &["[1 2 3]"]),
        (6, "[1 2 3]", &["[1 2", " 3]"]),
        (12, "[1 2 [3 4] #{5}]", &["[1", " 2", " [3 4]", " #{5}]"]),
        (12, "#{:aaaa :bbbb :cccc}", &["#{:aaaa", "  :bbbb", "  :cccc}"]),
        (12, "{:a [1 2] :b nil}", &["{:a [1 2]", " :b nil}"]),
        (12, "{[1 2 3] {:long-key 1}}", &["{[1 2 3]", " {:long-key 1}}"]),
        (10, "#tag [:long :names]", &["#tag [:long", "      :names]"]),
        (3, "\"a long string\"", &["\"a long string\""]),
        (9, "[[[1 2]]]", &["[[[1 2]]]"]),
        (8, "[[[1 2]]]", &["[[[1", "   2]]]"]),
        (0, "{}", &["{}"]),
    ];

    #[test]
    fn breaks_lines_where_they_would_get_long() {
        for (width, text, lines) in PRETTY {
            let form = read(text).expect(text);
            let pretty = form.edn.pretty(*width).to_string();
            assert_eq!(pretty.lines().collect::<Vec<_>>(), *lines, "of {text}");
            assert_eq!(read(&pretty).as_ref(), Ok(&form));
        }
    }
}
