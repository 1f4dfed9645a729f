//! The repositories of the corpus: all objects of one in one file, each behind the length of its name (two bytes), its
//! name and its length (four bytes).

/// How a repository stores what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// zstd frames.
    Compressed,
    /// zstd frames in age.
    Encrypted,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Compressed, Self::Encrypted];
}

/// Names and bytes of a repository with two snapshots, two restores, merged segments and nearly every kind of object.
pub fn objects(form: Form) -> Vec<(String, Vec<u8>)> {
    unpack(match form {
        Form::Plain => include_bytes!("../../../protocol-tests/corpus/repositories/plain.objects"),
        Form::Compressed => include_bytes!("../../../protocol-tests/corpus/repositories/compressed.objects"),
        Form::Encrypted => include_bytes!("../../../protocol-tests/corpus/repositories/encrypted.objects"),
    })
}

fn unpack(mut packed: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut objects = Vec::new();
    while !packed.is_empty() {
        let length = u16::from_be_bytes(*packed.split_off(..2).unwrap().first_chunk().unwrap());
        let name = packed.split_off(..usize::from(length)).unwrap();
        let length = u32::from_be_bytes(*packed.split_off(..4).unwrap().first_chunk().unwrap());
        let bytes = packed.split_off(..length as usize).unwrap();
        objects.push((String::from_utf8(name.to_vec()).unwrap(), bytes.to_vec()));
    }
    objects
}
