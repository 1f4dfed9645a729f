#!/usr/bin/env python3
"""Lists a snapshot of a ktape repository (a folder) and checks its digests. Written from FORMAT.md alone.
Usage: reader.py REPOSITORY [NUMBER]. Needs the programs b3sum and zstd. Exit code 1: something is damaged."""
import json, subprocess, sys
from pathlib import Path

problems = []
skippable = bytes.fromhex("5b2a4d1820000000")


def filtered(program, data):
    return subprocess.run(program, input=data, stdout=subprocess.PIPE, check=True).stdout


def blake3(data):
    return filtered(["b3sum", "--no-names"], data).split()[0].decode()


def check(good, name, what):
    if not good:
        problems.append(f"{name}: {what}")


def document(path):
    """A plain document: a line of JSON, and a line with the digest of the first."""
    line, second, rest = path.read_bytes().split(b"\n", 2)
    digest = blake3(line)
    check(digest == json.loads(second)["digest"] and not rest, path, "its digest is another")
    return json.loads(line), digest


def part(root, digest):
    """A part: one zstd frame, and a skippable frame with the BLAKE3 of the first. Its name is that of the plain JSON."""
    path = root / "index" / f"{digest}.json.zst"
    stored = path.read_bytes()
    check(stored[-40:-32] == skippable and stored[-32:].hex() == blake3(stored[:-40]), path, "its frame is damaged")
    plain = filtered(["zstd", "-dcq"], stored)
    check(blake3(plain) == digest, path, "its digest is another")
    return json.loads(plain)


def private(root, named):
    """A part that may be an age file: then only its stored bytes can be checked here."""
    if isinstance(named, str):
        return part(root, named)
    path = root / "index" / f"{named['stored']}.json.zst.age"
    check(blake3(path.read_bytes()) == named["stored"], path, "its digest is another")


def segment(root, seal):
    """The stored bytes of one segment, whole."""
    path = root / seal["object"]
    if not path.exists():
        return check(False, path, "it is missing")
    with path.open("rb") as file:
        file.seek(seal["start"])
        stored = file.read(seal["length"])
    check(len(stored) == seal["length"], path, "it is cut")
    check(blake3(stored) == seal.get("stored_digest", seal["digest"]), path, "its digest is another")


def partition(root, topic, state):
    """Its segments, oldest first: they do not overlap, and end where it says."""
    seals = [seal for one in state["segments"]["parts"] for seal in part(root, one["digest"])] + state["segments"]["tail"]
    at = state["first"]
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
    heads = sorted(path for path in (root / "snapshots").glob("*.json"))
    path = root / "snapshots" / f"{int(number):010}.json" if number else heads[-1]
    head, id = document(path)
    check(head["repository_id"] == repository["repository_id"], path, "it belongs elsewhere")
    print(f"snapshot {head['sequence']} ({id}) of cluster {head['cluster_id']}")
    shards = [part(root, shard["digest"]) for shard in head["topics"]]
    topics = [topic for shard in shards for topic in shard["topics"]]
    held = [partition(root, topic["name"], state) for topic in topics for state in topic["partitions"]]
    sums = len(held), sum(segments for segments, _ in held), sum(size for _, size in held)
    said = tuple(head["totals"][name] for name in ("partitions", "segments", "bytes"))
    check(sums == said, path, f"it says {said}, its parts give {sums}")
    groups = private(root, head["groups"]) or part(root, head["group_names"])
    for group in groups["groups"]:
        print(f"  group {group['id']}: {len(group.get('offsets', group.get('topics')))} offsets or topics")
    others = [head.get("settings"), head.get("excluded")] + [shard.get("configs") for shard in shards]
    for named in filter(None, others):
        private(root, named)


main(Path(sys.argv[1]), *sys.argv[2:3])
print(*(f"DAMAGED {problem}" for problem in problems), "damaged" if problems else "sound", sep="\n")
sys.exit(bool(problems))
