//! What must be installed: a JDK of at least 17, Maven, and for building ktape itself a C compiler.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::HarnessError;

const OLDEST_JAVA: u32 = 17;

/// The `java` to run: of `JAVA_HOME` if that is set, else of the search path.
pub fn java() -> PathBuf {
    java_home_tool("java")
}

/// The `javac` beside [`java`].
pub fn javac() -> PathBuf {
    java_home_tool("javac")
}

fn java_home_tool(name: &str) -> PathBuf {
    match std::env::var_os("JAVA_HOME") {
        Some(home) if !home.is_empty() => PathBuf::from(home).join("bin").join(name),
        _ => PathBuf::from(name),
    }
}

/// Checks for a JDK and Maven.
///
/// # Errors
/// Lists everything that is missing at once, with what to install.
pub fn check() -> Result<(), HarnessError> {
    report([missing_jdk(), missing_maven()])
}

/// Checks for a JDK, Maven and a C compiler.
///
/// # Errors
/// Lists everything that is missing at once, with what to install.
pub fn check_with_compiler() -> Result<(), HarnessError> {
    report([missing_jdk(), missing_maven(), missing_c_compiler()])
}

fn report<const N: usize>(missing: [Option<String>; N]) -> Result<(), HarnessError> {
    let missing: Vec<String> = missing.into_iter().flatten().collect();
    if missing.is_empty() { Ok(()) } else { Err(HarnessError::Prerequisites(missing)) }
}

fn missing_jdk() -> Option<String> {
    let install = "install a JDK of version 17 or newer (Debian: openjdk-17-jdk-headless), or set JAVA_HOME";
    let Some(text) = output_of(Command::new(javac()).arg("-version")) else {
        return Some(format!("- javac does not run: {install}"));
    };
    match major_version(&text) {
        Some(version) if version >= OLDEST_JAVA => None,
        Some(version) => Some(format!("- javac is version {version}: {install}")),
        None => Some(format!("- javac printed no version ({}): {install}", text.trim())),
    }
}

fn missing_maven() -> Option<String> {
    (!on_path("mvn"))
        .then(|| "- mvn (Apache Maven) is not on the PATH: install it (Debian: maven); it fetches Kafka's jars".into())
}

fn missing_c_compiler() -> Option<String> {
    let named = std::env::var("CC").ok().filter(|name| !name.is_empty());
    let found = named.is_some() || ["cc", "gcc", "clang"].iter().any(|name| on_path(name));
    (!found).then(|| "- no C compiler (cc) on the PATH: install one (Debian: gcc libc6-dev); zstd is C".into())
}

fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| {
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        text
    })
}

/// `javac 17.0.15` is 17, `javac 1.8.0_402` is 8.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn versions_old_and_new_are_read() {
        assert_eq!(major_version("javac 17.0.15\n"), Some(17));
        assert_eq!(major_version("javac 1.8.0_402"), Some(8));
        assert_eq!(major_version("Picked up JAVA_TOOL_OPTIONS: -Xmx1g\njavac 21"), Some(21));
        assert_eq!(major_version("nothing"), None);
    }
}
