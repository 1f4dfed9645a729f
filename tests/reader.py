"""Lists a snapshot of a ktape repository (a folder) and checks its digests. Written from FORMAT.md alone.
Usage: reader.py REPOSITORY [NUMBER]. Needs the programs b3sum, zstd and xxhsum. Exit code 1: something is damaged."""
import functools, json, subprocess, sys
from pathlib import Path

problems = []


def filtered(program, data):
    return subprocess.run(program, input=data, stdout=subprocess.PIPE, check=True).stdout


def check(good, name, what):
    if not good:
        problems.append(f"{name}: {what}")


def checked(data, digest, name):
    program = ["b3sum", "--no-names"] if len(digest) == 64 else ["xxhsum", "-H2", "-q"]
    check(filtered(program, data).split()[0].decode() == digest, name, "its digest is another")
    return data


def document(path):
    """A plain document: a line of JSON, and a line with the digest of the first."""
    line, second, rest = path.read_bytes().split(b"\n", 2)
    digest = json.loads(second)["digest"]
    check(not rest, path, "there is more behind it")
    return json.loads(checked(line, digest, path)), digest


def part(root, named):
    """A part: one zstd frame, and a skippable frame with the BLAKE3 of the first. Its name is that of the plain JSON.
    Of one that is an age file only the stored bytes can be checked here."""
    plain = isinstance(named, str)
    path = root / "index" / (f"{named}.json.zst" if plain else f"{named['stored']}.json.zst.age")
    stored = path.read_bytes()
    if not plain:
        return checked(stored, named["stored"], path) and None
    check(stored[-40:-32] == bytes.fromhex("5b2a4d1820000000"), path, "its second frame is damaged")
    checked(stored[:-40], stored[-32:].hex(), path)
    return json.loads(checked(filtered(["zstd", "-dcq"], stored), named, path))


@functools.cache
def merged(root, folder):
    """Where the segments of a folder lie that were merged: of several documents the newest counts."""
    documents = sorted(folder.glob("*.pieces.json"), key=lambda path: path.stat().st_mtime_ns)
    pieces = [(root / said["object"], piece) for said, _ in map(document, documents) for piece in said["pieces"]]
    return {piece["object"]: (path, piece["start"]) for path, piece in pieces if path.exists()}


def segment(root, seal):
    """The stored bytes of one segment, under its own name or in a merged object."""
    path, start = root / seal["object"], seal.get("start", 0)
    path, start = (path, start) if path.exists() else merged(root, path.parent).get(seal["object"], (path, start))
    if not path.exists():
        return check(False, path, "it is missing")
    with path.open("rb") as file:
        file.seek(start)
        checked(file.read(seal["length"]), seal.get("stored_digest", seal["digest"]), path)


def partition(root, topic, state):
    """Its segments, oldest first: they do not overlap, and end where it says."""
    parts, tail = (state["segments"].get(name, []) for name in ("parts", "tail"))
    seals, at = [seal for one in parts for seal in part(root, one["digest"])] + tail, state["first"]
    for seal in seals:
        check(at <= seal["base"] < seal["next"] <= state["next"], seal["object"], "it is out of place")
        at = seal["next"]
        segment(root, seal)
    records, size = sum(seal["records"] for seal in seals), sum(seal["size"] for seal in seals)
    print(f"  {topic}-{state['partition']}: [{state['first']}, {state['next']}), {records} records, {size} bytes")
    return len(seals), size


def main(root, number=None):
    repository, _ = document(root / "repository.json")
    check(repository["format"]["major"] <= 2, "repository.json", "it is newer than this reader")
    path = root / "snapshots" / f"{int(number):010}.json" if number else max((root / "snapshots").glob("*.json"))
    head, id = document(path)
    check(head["repository_id"] == repository["repository_id"], path, "it belongs elsewhere")
    print(f"snapshot {head['sequence']} ({id}) of cluster {head['cluster_id']}")
    shards = [part(root, shard["digest"]) for shard in head["topics"]]
    topics = [topic for shard in shards for topic in shard["topics"]]
    held = [partition(root, topic["name"], state) for topic in topics for state in topic["partitions"]]
    sums = len(held), sum(segments for segments, _ in held), sum(size for _, size in held)
    said = tuple(head["totals"][name] for name in ("partitions", "segments", "bytes"))
    check(sums == said, path, f"it says {said}, its parts give {sums}")
    groups = part(root, head["groups"]) or part(root, head["group_names"])
    for group in groups.get("groups", []):
        print(f"  group {group['id']}: {len(group.get('offsets', group.get('topics', [])))} offsets or topics")
    others = [head.get("settings"), head.get("excluded")] + [shard.get("configs") for shard in shards]
    [part(root, named) for named in others if named]


main(Path(sys.argv[1]), *sys.argv[2:3])
print(*(f"DAMAGED {problem}" for problem in problems), "damaged" if problems else "sound", sep="\n")
sys.exit(bool(problems))
