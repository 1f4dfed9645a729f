//! The login module of `sasl.jaas.config` (Kafka class `JaasConfig`): `class flag name=value ... ;`.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use super::PropertiesError;
use crate::model::Secret;

/// A login module and its options.
#[derive(Debug)]
pub(super) struct LoginModule {
    /// Its class.
    pub(super) class: String,
    /// Its options.
    pub(super) options: BTreeMap<String, Secret>,
}

impl LoginModule {
    /// Reads exactly one, as Kafka's `JaasContext` asks for.
    pub(super) fn parse(text: &str) -> Result<Self, PropertiesError> {
        let mut tokens = Tokens(text.chars().peekable());
        let class = match tokens.next()? {
            Some(Token::Text(class)) => class.expose().to_owned(),
            Some(Token::Mark(_)) => {
                return Err(PropertiesError::jaas("it must begin with the class of a login module"));
            }
            None => return Err(PropertiesError::jaas("it is empty")),
        };
        tokens.flag()?;
        let options = tokens.options()?;
        if tokens.next()?.is_some() {
            return Err(PropertiesError::jaas("it must name one login module, and something follows its semicolon"));
        }
        Ok(Self { class, options })
    }

    /// The class without its package: shaded copies of Kafka's client have other packages.
    pub(super) fn name(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or_default()
    }
}

#[derive(Debug)]
enum Token {
    Text(Secret),
    Mark(char),
}

/// The rules of `java.io.StreamTokenizer` as Kafka sets it up.
struct Tokens<'a>(Peekable<Chars<'a>>);

impl Tokens<'_> {
    fn flag(&mut self) -> Result<(), PropertiesError> {
        const FLAGS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];
        match self.next()? {
            Some(Token::Text(flag)) if FLAGS.iter().any(|known| known.eq_ignore_ascii_case(flag.expose())) => Ok(()),
            Some(Token::Text(brace)) if brace.expose().starts_with('{') => Err(PropertiesError::jaas(
                "leave out the name and the braces, only what stands between them belongs here",
            )),
            _ => Err(PropertiesError::jaas("`required` must follow the class of the login module")),
        }
    }

    fn options(&mut self) -> Result<BTreeMap<String, Secret>, PropertiesError> {
        let mut options = BTreeMap::new();
        loop {
            let name = match self.next()? {
                Some(Token::Mark(';')) => return Ok(options),
                Some(Token::Text(name)) => name,
                Some(Token::Mark(_)) => return Err(PropertiesError::jaas("an option begins with `=`")),
                None => return Err(PropertiesError::jaas(UNENDED)),
            };
            // Where an option is not closed, a secret may stand in a name's place: only known ones are shown.
            let shown = if KNOWN.contains(&name.expose()) { name.expose() } else { "an option" };
            let (Some(Token::Mark('=')), Some(Token::Text(value))) = (self.next()?, self.next()?) else {
                return Err(PropertiesError::jaas(format!("{shown} has no value; {QUOTES}")));
            };
            options.insert(name.expose().to_owned(), value);
        }
    }

    fn next(&mut self) -> Result<Option<Token>, PropertiesError> {
        while let Some(letter) = self.0.next() {
            match letter {
                '\0'..=' ' => {}
                '/' => self.comment(),
                '"' | '\'' => return self.quoted(letter).map(Some),
                ';' | '=' => return Ok(Some(Token::Mark(letter))),
                letter => return Ok(Some(self.word(letter))),
            }
        }
        Ok(None)
    }

    fn word(&mut self, first: char) -> Token {
        let mut word = String::from(first);
        while let Some(letter) =
            self.0.next_if(|letter| *letter > ' ' && !matches!(letter, ';' | '=' | '/' | '"' | '\''))
        {
            word.push(letter);
        }
        Token::Text(Secret::new(word))
    }

    fn quoted(&mut self, quote: char) -> Result<Token, PropertiesError> {
        let mut text = String::new();
        loop {
            match self.0.next() {
                Some(letter) if letter == quote => return Ok(Token::Text(Secret::new(text))),
                Some('\\') => text.extend(self.escaped()),
                Some('\n' | '\r') | None => return Err(PropertiesError::jaas("a quoted value does not end")),
                Some(letter) => text.push(letter),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let letter = self.0.next()?;
        Some(match letter {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0'..='7' => self.octal(letter),
            other => other,
        })
    }

    /// Up to three digits, the third only behind a first that leaves it room in a byte.
    fn octal(&mut self, first: char) -> char {
        let mut number = first.to_digit(8).unwrap_or_default() as u8;
        let more = if first <= '3' { 2 } else { 1 };
        for _ in 0..more {
            let Some(digit) = self.0.next_if(|letter| letter.is_digit(8)).and_then(|letter| letter.to_digit(8)) else {
                break;
            };
            number = number << 3 | digit as u8;
        }
        char::from(number)
    }

    /// `/` begins a comment to the end of the line, `/*` one to `*/`.
    fn comment(&mut self) {
        if self.0.next_if_eq(&'*').is_none() {
            while self.0.next_if(|letter| !matches!(letter, '\n' | '\r')).is_some() {}
            return;
        }
        let mut before = ' ';
        for letter in self.0.by_ref() {
            if (before, letter) == ('*', '/') {
                return;
            }
            before = letter;
        }
    }
}

const QUOTES: &str =
    "values with blanks, quotes, = ; or / stand in \"quotes\", where \\\" is a quote and \\\\ a backslash";
const UNENDED: &str = "it does not end with a semicolon; a value with / must stand in \"quotes\", and in a file of \
                       properties every line but the last ends with a backslash";
const KNOWN: [&str; 8] =
    ["username", "password", "tokenauth", "clientId", "clientSecret", "scope", "useKeyTab", "serviceName"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> LoginModule {
        LoginModule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn option<'a>(module: &'a LoginModule, name: &str) -> &'a str {
        module.options[name].expose()
    }

    #[test]
    fn kafkas_own_examples_are_read() {
        let plain = parsed(
            "org.apache.kafka.common.security.plain.PlainLoginModule required \
             username=\"alice\" password=\"alice-secret\";",
        );
        assert_eq!(plain.name(), "PlainLoginModule");
        assert_eq!((option(&plain, "username"), option(&plain, "password")), ("alice", "alice-secret"));

        let token = parsed(
            "org.apache.kafka.common.security.scram.ScramLoginModule REQUIRED username='tokenID123'\n \
             password='lAYYSFmLs4bTjf+lTZ1LCHR/ZZFNA==' tokenauth=true;",
        );
        assert_eq!(option(&token, "password"), "lAYYSFmLs4bTjf+lTZ1LCHR/ZZFNA==");
        assert_eq!(option(&token, "tokenauth"), "true");

        assert!(parsed("a.B optional;").options.is_empty());
    }

    #[test]
    fn quotes_escapes_and_comments_are_javas() {
        let module = parsed("M required /* c=d */ a=\"x\\\"y\\\\z\\tq\\101\\7\" // e=f\n b='\"; =/' c=d-e.f#g ;");
        assert_eq!(option(&module, "a"), "x\"y\\z\tqA\u{7}");
        assert_eq!(option(&module, "b"), "\"; =/");
        assert_eq!(option(&module, "c"), "d-e.f#g");
        assert_eq!(module.options.len(), 3);
    }

    #[test]
    fn what_is_wrong_is_said_without_what_was_written() {
        for (text, problem) in [
            ("", "it is empty"),
            ("; required", "must begin with the class"),
            ("M", "`required` must follow"),
            ("M hunter2;", "`required` must follow"),
            ("KafkaClient { M required hunter2=x; };", "braces"),
            ("M required password=\"hunter2\"", "semicolon"),
            ("M required password=hunter2/hunter2;", "semicolon"),
            ("M required password=\"hunter2;", "does not end"),
            ("M required password hunter2;", "password has no value"),
            ("M required password=hunter2\"hunter2\";", "an option has no value"),
            ("M required password=;", "password has no value"),
            ("M required =hunter2;", "begins with `=`"),
            ("M required a=b; N required hunter2=d;", "one login module"),
        ] {
            let error = LoginModule::parse(text).unwrap_err();
            let (shown, debug) = (error.to_string(), format!("{error:?}"));
            assert!(shown.contains(problem), "{text}: {shown}");
            assert!(!shown.contains("hunter2") && !debug.contains("hunter2"), "{text}: {shown}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[a-c =;/*\"'\\\\\n{}]{0,60}") {
            let _ = LoginModule::parse(&text);
        }

        #[test]
        fn any_password_can_be_written(password in "\\PC{0,20}") {
            let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
            let module = parsed(&format!("M required password=\"{quoted}\";"));
            prop_assert_eq!(option(&module, "password"), password);
        }
    }
}
