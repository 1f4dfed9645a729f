//! A repository in which one object says something else, and all that name it by its digest name the new one: else
//! nothing behind the digests would ever be reached.

use ktape::store::{Key, MemoryStore, Store};

use super::objects::{Form, objects};

/// What of an object is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// Its bytes as they are stored.
    Stored,
    /// The JSON of a document or a part; of a segment in plain form, the log with a seal that fits.
    Plain,
}

/// How an object is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Part,
    Document,
    Segment,
    Other,
}

struct Object {
    name: String,
    kind: Kind,
    stored: Vec<u8>,
    /// JSON of parts and documents.
    plain: String,
}

/// One repository of the corpus, in the order in which objects name each other.
pub(super) struct Original {
    objects: Vec<Object>,
}

/// Text that stands for something, and what stands for it now.
type Rename = (String, String);

impl Original {
    pub(super) fn of(form: Form) -> Self {
        let all = objects(form).into_iter().map(|(name, stored)| Object::new(name, stored, form));
        let (mut waiting, mut ordered): (Vec<Object>, Vec<Object>) = (all.collect(), Vec::new());
        waiting.sort_by_key(|object| (rank(object), object.name.clone()));
        // A part comes after all parts that it names.
        while !waiting.is_empty() {
            let names = |object: &Object, other: &Object| {
                other.kind == Kind::Part && other.name != object.name && object.plain.contains(digest_of(&other.name))
            };
            let free = waiting.iter().position(|one| !waiting.iter().any(|other| names(one, other)));
            ordered.push(waiting.remove(free.unwrap_or(0)));
        }
        Self { objects: ordered }
    }

    /// A store of all objects with one replaced.
    pub(super) fn with(&self, number: usize, layer: Layer, bytes: &[u8]) -> MemoryStore {
        let store = MemoryStore::new();
        let number = number % self.objects.len();
        let mut renames: Vec<Rename> = Vec::new();
        if layer == Layer::Plain && self.objects[number].kind == Kind::Segment {
            renames = self.objects[number].sealed_anew(bytes);
        }
        for (at, object) in self.objects.iter().enumerate() {
            let replaced = (at == number).then_some(bytes);
            let (name, stored) = match replaced {
                Some(bytes) if layer == Layer::Stored || matches!(object.kind, Kind::Segment | Kind::Other) => {
                    (object.name.clone(), bytes.to_vec())
                }
                Some(bytes) => object.stored(bytes, &mut renames),
                None => match renamed(&object.plain, &renames) {
                    Some(plain) => object.stored(plain.as_bytes(), &mut renames),
                    None => (object.name.clone(), object.stored.clone()),
                },
            };
            store.put(&Key::new(name).unwrap(), &stored).unwrap();
        }
        store
    }

    /// What [`Original::with`] replaces, for seeds: name, and plain content if it has one.
    pub(super) fn contents(&self) -> impl Iterator<Item = (&str, &[u8], &[u8])> {
        self.objects.iter().map(|one| (one.name.as_str(), one.stored.as_slice(), one.plain.as_bytes()))
    }
}

impl Object {
    fn new(name: String, stored: Vec<u8>, form: Form) -> Self {
        let ending = name.rsplit('.').next().unwrap();
        let kind = match (name.split('/').next().unwrap(), ending) {
            ("index", "age") => Kind::Other,
            ("index", _) => Kind::Part,
            ("topics", "log") if form == Form::Plain => Kind::Segment,
            (_, "json") => Kind::Document,
            _ => Kind::Other,
        };
        let plain = match kind {
            Kind::Part => zstd::stream::decode_all(&stored[..stored.len() - 40]).unwrap(),
            Kind::Document => stored.split(|byte| *byte == b'\n').next().unwrap().to_vec(),
            Kind::Segment | Kind::Other => Vec::new(),
        };
        let plain = String::from_utf8(plain).unwrap();
        Self { name, kind, stored, plain }
    }

    /// Name and bytes with another plain content; what names this one by its digest has to be changed as well.
    fn stored(&self, plain: &[u8], renames: &mut Vec<Rename>) -> (String, Vec<u8>) {
        let (old, new) = (blake3::hash(self.plain.as_bytes()).to_hex(), blake3::hash(plain).to_hex());
        renames.push((old.to_string(), new.to_string()));
        if self.kind == Kind::Document {
            let stored = [plain, &b"\n{\"digest\":\""[..], new.as_bytes(), b"\"}\n"].concat();
            return (self.name.clone(), stored);
        }
        let mut stored = zstd::bulk::compress(plain, 1).unwrap();
        let digest = blake3::hash(&stored);
        stored.extend([0x5b, 0x2a, 0x4d, 0x18, 32, 0, 0, 0]);
        stored.extend(digest.as_bytes());
        (format!("index/{new}.json.zst"), stored)
    }

    /// What a seal says of this segment, and what of these bytes.
    fn sealed_anew(&self, log: &[u8]) -> Vec<Rename> {
        let seal = |log: &[u8]| {
            let length = format!("\"object\":\"{}\",\"start\":0,\"length\":{}", self.name, log.len());
            let size = format!("\"size\":{},\"digest\":\"{}\"", log.len(), blake3::hash(log).to_hex());
            [length, size]
        };
        seal(&self.stored).into_iter().zip(seal(log)).collect()
    }
}

/// Parts first, then what names them; heads before what names heads.
fn rank(object: &Object) -> u8 {
    match object.name.split('/').next().unwrap() {
        "topics" => 0,
        "index" => 1,
        "keys" | "repository.json" => 2,
        "snapshots" => 3,
        _ => 4,
    }
}

fn digest_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap().split('.').next().unwrap()
}

/// The text with everything renamed; `None` if nothing is in it.
fn renamed(text: &str, renames: &[Rename]) -> Option<String> {
    let mut changed: Option<String> = None;
    for (old, new) in renames {
        let now = changed.as_deref().unwrap_or(text);
        if now.contains(old) {
            changed = Some(now.replace(old, new));
        }
    }
    changed
}
