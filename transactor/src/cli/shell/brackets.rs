//! Whether what was typed is a whole statement: all brackets and strings that it opens are closed.

/// Whether another line is needed.
pub(super) fn is_open(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            // One too many is for the reader to complain about.
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '\\' => drop(chars.next()),
            ';' => drop(chars.by_ref().find(|c| *c == '\n')),
            '"' if !string_ends(&mut chars) => return true,
            _ => {}
        }
    }
    depth > 0
}

fn string_ends(chars: &mut std::str::Chars<'_>) -> bool {
    while let Some(c) = chars.next() {
        match c {
            '"' => return true,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn input_goes_on_while_something_is_open() {
        for open in
            ["[", "[:find ?e\n :where [?e]", "[\"]", "(pull [*] ; ]\n", "[\\]", "[ \"a\\\"]"]
        {
            assert!(is_open(open), "{open}");
        }
        for whole in ["", ":help", "[]", "[\"[\"]", "[\\[]", "; [", "]", "[[] {}]\n5", "[\"\\\"\"]"]
        {
            assert!(!is_open(whole), "{whole}");
        }
    }
}
