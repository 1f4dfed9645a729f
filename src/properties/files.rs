//! Files that hold properties and secrets: read with a limit, and looked at for who else can read them.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::PropertiesError;

/// Bytes a file of properties may have: certificates may stand in it.
pub(super) const PROPERTIES_MAX: u64 = 1 << 20;
/// Bytes a file with one secret may have.
pub(super) const SECRET_MAX: u64 = 1 << 16;

/// The whole file, which may be a pipe.
pub(super) fn read(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, PropertiesError> {
    let failed = |source| PropertiesError::Read { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path).map_err(failed)?.take(max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(PropertiesError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

/// Whether users that are neither the owner nor of the group can read or change the file, its folders included.
pub(super) fn is_exposed(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let Ok(found) = fs::metadata(&path) else { return false };
    let reachable = |folder: &Path| fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & SEARCH != 0);
    found.is_file() && found.permissions().mode() & READ_OR_WRITE != 0 && path.ancestors().skip(1).all(reachable)
}

const READ_OR_WRITE: u32 = 0o006;
const SEARCH: u32 = 0o001;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(*read(&path, 5).unwrap(), *b"12345");
        assert!(matches!(read(&path, 4), Err(PropertiesError::TooLarge { max: 4, .. })));
        assert!(matches!(read(Path::new("/dev/zero"), 4), Err(PropertiesError::TooLarge { .. })));
        assert!(matches!(read(folder.path(), 4), Err(PropertiesError::Read { .. })));
    }

    #[test]
    fn a_file_is_exposed_if_its_folders_are_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "").unwrap();
        mode(&path, 0o644);
        mode(folder.path(), 0o700);
        assert!(!is_exposed(&path), "the folder is for its owner only");
        mode(folder.path(), 0o755);
        assert!(is_exposed(&path));
        for closed in [0o640, 0o600, 0o400, 0o641] {
            mode(&path, closed);
            assert!(!is_exposed(&path), "{closed:o}");
        }
        mode(&path, 0o602);
        assert!(is_exposed(&path), "who can change it can send the password elsewhere");
        assert!(!is_exposed(&folder.path().join("b")));
    }
}
