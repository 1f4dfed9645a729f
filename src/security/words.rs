//! A command line without a shell.

/// Its words: blanks part them, quotes of either kind keep them together, a backslash keeps the next letter outside of
/// single quotes. None if there is no word, or a quote does not end.
pub fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    let whole = quote.is_none() && words.first().is_some_and(|program| !program.is_empty());
    whole.then_some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_parted_as_people_expect() {
        for (line, words) in [
            ("get-token", &["get-token"][..]),
            (" /bin/get  token\t--scope kafka ", &["/bin/get", "token", "--scope", "kafka"]),
            (r#"get "a b" 'c "d' e\ f ''"#, &["get", "a b", "c \"d", "e f", ""]),
            (r#"get x"y z"w "\"" '\'"#, &["get", "xy zw", "\"", "\\"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for bad in ["", "  ", "\"a", "'a", "a\\", "''"] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }
}
