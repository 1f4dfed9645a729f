//! Java's `.properties` syntax (`java.util.Properties.load`): logical lines, separators, escapes.

use zeroize::Zeroizing;

use crate::model::Secret;

/// One property as it stands in a file.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: String,
    /// Its value, without the white space around it, as `ConfigDef` takes it.
    pub(super) value: Secret,
    /// The line it begins on, counted from 1.
    pub(super) line: usize,
    /// Whether a letter of the value stands there as it is that another encoding would read differently.
    pub(super) encoded: bool,
}

/// The line, counted from 1, that has a `\u` without a character behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadEscape(pub(super) usize);

/// Reads a file as Java reads it from a stream: one byte is one letter (ISO 8859-1).
pub(super) fn parse_latin1(bytes: &[u8]) -> Result<Vec<Entry>, BadEscape> {
    let text: Zeroizing<String> = Zeroizing::new(bytes.iter().map(|byte| char::from(*byte)).collect());
    parse(&text)
}

/// Reads text whose encoding is known.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, BadEscape> {
    let mut lines = natural_lines(text);
    let mut entries = Vec::new();
    while let Some((line, first)) = lines.next() {
        let first = first.trim_start_matches(BLANK);
        // A backslash alone continues nothing: the next line begins anew.
        if first.is_empty() || first == "\\" || first.starts_with(['#', '!']) {
            continue;
        }
        let logical = join(first, &mut lines);
        entries.push(entry(&logical, line).ok_or(BadEscape(line))?);
    }
    Ok(entries)
}

/// Lines as they stand in the file, with their numbers.
fn natural_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = Some(text);
    let lines = std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else { return rest.take() };
        let after = if text[end..].starts_with("\r\n") { end + 2 } else { end + 1 };
        rest = Some(&text[after..]);
        Some(&text[..end])
    });
    (1..).zip(lines)
}

/// A line with those that continue it: an odd number of backslashes at the end asks for the next.
fn join<'a>(first: &'a str, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Zeroizing<String> {
    let mut logical = Zeroizing::new(String::new());
    let mut line = first;
    loop {
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        if backslashes.is_multiple_of(2) {
            logical.push_str(line);
            return logical;
        }
        logical.push_str(&line[..line.len() - 1]);
        let Some((_, next)) = lines.next() else { return logical };
        line = next.trim_start_matches(BLANK);
    }
}

fn entry(logical: &str, line: usize) -> Option<Entry> {
    let (name, value) = split(logical);
    let encoded = !value.is_ascii();
    let value = unescape(value)?;
    Some(Entry { name: unescape(name)?.to_string(), value: Secret::new(trim(&value)), line, encoded })
}

/// As `String.trim` of Java.
fn trim(text: &str) -> &str {
    text.trim_matches(|letter| letter <= ' ')
}

/// The name ends at the first `=`, `:` or blank that has no backslash before it.
fn split(logical: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, letter) in logical.char_indices() {
        if !escaped && (SEPARATORS.contains(&letter) || BLANK.contains(&letter)) {
            let value = logical[at..].trim_start_matches(BLANK);
            let value = value.strip_prefix(SEPARATORS).unwrap_or(value);
            return (&logical[..at], value.trim_start_matches(BLANK));
        }
        escaped = letter == '\\' && !escaped;
    }
    (logical, "")
}

fn unescape(raw: &str) -> Option<Zeroizing<String>> {
    // Java's letters are UTF-16: one outside of the first plane is written as two of them.
    let mut units: Zeroizing<Vec<u16>> = Zeroizing::new(Vec::with_capacity(raw.len()));
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        let plain = match letter {
            '\\' => match letters.next() {
                Some('u') => {
                    units.push(hexadecimal(&mut letters)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => continue,
            },
            letter => letter,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).ok().map(Zeroizing::new)
}

fn hexadecimal(letters: &mut std::str::Chars<'_>) -> Option<u16> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit << 4 | letters.next()?.to_digit(16)?;
    }
    u16::try_from(unit).ok()
}

const BLANK: [char; 3] = [' ', '\t', '\u{c}'];
const SEPARATORS: [char; 2] = ['=', ':'];

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let entries = parse_latin1(text.as_bytes()).unwrap();
        entries.into_iter().map(|entry| (entry.name, entry.value.expose().to_owned())).collect()
    }

    fn one(text: &str) -> (String, String) {
        let mut found = pairs(text);
        assert_eq!(found.len(), 1, "{text:?}");
        found.remove(0)
    }

    #[test]
    fn names_and_values_are_found_with_every_separator() {
        for text in ["a.b=c d", "a.b = c d", "a.b:c d", "a.b : c d", "a.b c d", "  a.b\t\u{c}=\tc d \t", "a.b=c d\r"] {
            assert_eq!(one(text), ("a.b".to_owned(), "c d".to_owned()), "{text:?}");
        }
        assert_eq!(one("a"), ("a".to_owned(), String::new()));
        assert_eq!(one("a==b"), ("a".to_owned(), "=b".to_owned()));
        assert_eq!(one("a\\=b\\ c=d"), ("a=b c".to_owned(), "d".to_owned()));
    }

    #[test]
    fn comments_and_empty_lines_are_no_properties() {
        assert_eq!(pairs("# a=b\n\n  ! c=d\r\n   \r#\\\ne=f").len(), 1);
        assert_eq!(pairs("").len(), 0);
        assert_eq!(pairs("\\\n\na=b").len(), 1);
    }

    #[test]
    fn a_backslash_continues_a_line() {
        assert_eq!(one("a=b \\\n   c \\\r\n\td"), ("a".to_owned(), "b c d".to_owned()));
        assert_eq!(one("a=b\\\n# no comment"), ("a".to_owned(), "b# no comment".to_owned()));
        assert_eq!(pairs("a=b\\\\\nc=d").len(), 2, "an escaped backslash continues nothing");
        assert_eq!(one("a=b\\"), ("a".to_owned(), "b".to_owned()));
    }

    #[test]
    fn escapes_are_javas() {
        assert_eq!(one(r#"a=\u00fc\t\n\\\"\q\ud83d\ude00 "#).1, "ü\t\n\\\"q😀");
        for bad in [r"a=\u12", r"a=\u12g4", r"a=\ud83d", r"\u=1"] {
            assert_eq!(parse(bad).unwrap_err(), BadEscape(1), "{bad}");
        }
        assert_eq!(parse("a=1\n\nb=\\\n\\u").unwrap_err(), BadEscape(3));
    }

    #[test]
    fn letters_that_java_reads_differently_are_noticed() {
        let entries = parse_latin1("a=ü\nb=\\u00fc".as_bytes()).unwrap();
        assert_eq!((entries[0].value.expose(), entries[0].encoded), ("Ã¼", true));
        assert_eq!((entries[1].value.expose(), entries[1].encoded), ("ü", false));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_latin1(&bytes);
        }

        #[test]
        fn what_is_escaped_is_read_back(name in "[a-z.:= ]{1,12}", value in "\\PC{0,20}") {
            let escape = |text: &str| {
                text.encode_utf16().fold(String::new(), |mut text, unit| {
                    let _ = write!(text, "\\u{unit:04x}");
                    text
                })
            };
            prop_assert_eq!(one(&format!("{}={}", escape(&name), escape(&value))), (name, trim(&value).to_owned()));
        }
    }
}
