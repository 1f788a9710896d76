"""Compares Duramen with other databases on one workload; see README.md. `run` prepares and calls it."""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import packages
import workload
from process import Lost, Process, System
from table import MEANING, PACKAGES, Cell, Cells, table, verdict, wrongs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Before the rounds after the first, to have the caches of the processor back from the other systems.
AGAIN_MS = 50
NODE_FLAGS = ("--expose-gc", "--max-old-space-size=6000")
# What takes so long is not measured in further rounds.
LONG_MS = 3_000


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run", description="Duramen and its peers on one workload.")
    parser.add_argument("--n", type=int, default=20_000, help="people (20000)")
    parser.add_argument("--seed", type=int, default=1, help="of the data (1)")
    parser.add_argument("--packages", action="store_true", help="ask about the package index instead")
    parser.add_argument("--ops", help="operations, separated by commas; all when nothing is said")
    parser.add_argument("--peers", default="all", help="peers, separated by commas; or none")
    parser.add_argument("--rounds", type=int, default=5, help="of every operation (5)")
    parser.add_argument("--warm", type=int, default=2_000, help="ms before the first round (2000)")
    parser.add_argument("--budget", type=int, default=300, help="ms of a round, at least (300)")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one run (60)")
    parser.add_argument("--binary", type=Path, help="peer-bench; otherwise cargo builds it")
    parser.add_argument("--out", type=Path, help="writes the table into a file, too")
    return parser.parse_args()


def main() -> int:
    args = options()
    known = PACKAGES if args.packages else MEANING
    ops = args.ops.split(",") if args.ops else list(known)
    if unknown := [op for op in ops if op not in known]:
        sys.exit(f"no operation {', '.join(unknown)}; there are {', '.join(known)}")
    binary = (args.binary or build()).absolute()
    systems, absent = chosen(args, str(binary))
    data, expected, what = prepared(args, binary)
    work = data.with_name(data.name.replace("data", "work"))
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)

    processes = [Process(system, data, work, args.limit) for system in systems]
    try:
        started = start(processes, absent)
        cells = rounds(ops, started, args)
    finally:
        for process in processes:
            process.stop()
    (work / "rounds.json").write_text(json.dumps(
        [{"op": op, "system": name, **vars(cell)} for (op, name), cell in cells.items()], indent=1))
    text = report(ops, started, cells, expected, absent, f"{what}, medians of {args.rounds} rounds")
    print(text)
    if args.out:
        args.out.write_text(text + "\n")
    return 1 if wrongs(cells, expected) else 0


def prepared(args: argparse.Namespace, binary: Path) -> tuple[Path, dict, str]:
    """Lays the data out; the folder, what each operation has to find, and what the data are."""
    if args.packages:
        data = HERE / "target" / "data-packages"
        index = packages.prepare(binary, data)
        what = f"{len(index.one('version')):,} packages, {len(index.facts):,} facts"
        return data, packages.answers(index), what
    data = HERE / "target" / f"data-{args.n}-{args.seed}"
    people = workload.make(args.n, args.seed)
    workload.write(people, data)
    return data, workload.answers(people), f"{args.n:,} people"


def start(processes: list[Process], absent: list[str]) -> list[Process]:
    started = []
    for process in processes:
        say(f"{process.system.title}: loading")
        try:
            process.start()
            started.append(process)
        except (Lost, OSError) as error:
            absent.append(f"{process.system.title} did not start: {error}")
    return started


def rounds(ops: list[str], processes: list[Process], args: argparse.Namespace) -> Cells:
    cells = {(op, process.system.name): Cell() for op in ops for process in processes}
    for op in ops:
        for number in range(args.rounds):
            say(f"{op}: round {number + 1}")
            # Another one begins each time.
            turn = number % len(processes)
            for process in processes[turn:] + processes[:turn]:
                cell = cells[op, process.system.name]
                if number == 0 or not (cell.note or cell.rounds[0] > LONG_MS):
                    one_round(cell, process, op, args.warm if number == 0 else AGAIN_MS, args.budget)
    return cells


def one_round(cell: Cell, process: Process, op: str, warm: int, budget: int) -> None:
    try:
        answer = process.time(op, warm, budget)
    except Lost as lost:
        cell.note = str(lost)
        return
    if "ms" not in answer:
        cell.note = "–" if answer.get("absent") else "error"
        say(f"{process.system.title}, {op}: {answer}")
        return
    cell.rounds.append(answer["ms"])
    if cell.count is None or cell.count == answer["count"]:
        cell.count = answer["count"]
    else:
        cell.count = f"{cell.count}, then {answer['count']}"


def report(ops, processes, cells, expected, absent, what) -> str:
    systems = [process.system for process in processes]
    versions = ", ".join(process.version for process in processes if not process.system.ours)
    says = [
        f"{what}, in milliseconds; "
        f"{os.cpu_count()} processors, {os.getloadavg()[2]:.1f} processes at work in the last quarter "
        f"of an hour. The fastest peer is set in bold. {versions}.",
        "",
        table(ops, systems, cells, expected),
        "",
        *(line + "  " for line in verdict(ops, systems, cells, expected) + absent),
    ]
    return "\n".join(says).rstrip()


def chosen(args: argparse.Namespace, program: str) -> tuple[list[System], list[str]]:
    """The systems that take part, and why others do not."""
    peers, absent = available(args.packages)
    if args.peers == "none":
        peers = []
    elif args.peers != "all":
        wanted = args.peers.split(",")
        known = {peer.name for peer in peers} | {line.split()[0].lower() for line in absent}
        if unknown := [name for name in wanted if name not in known]:
            sys.exit(f"no peer {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        peers = [peer for peer in peers if peer.name in wanted]
        absent = [line for line in absent if line.split()[0].lower() in wanted]
    ours = [
        System("duramen", "Duramen, folder", (program, "serve"), ours=True),
        System("duramen-rows", "Duramen, rows", (program, "rows", "serve"), ours=True),
        System("duramen-memory", "Duramen, memory", (program, "mem", "serve"), ours=True),
    ]
    return ours[: 2 if args.packages else 3] + peers, absent


def available(on_packages: bool) -> tuple[list[System], list[str]]:
    within = "packages." if on_packages else ""
    python = (sys.executable, "-m", "systems")
    peers, absent = [
        System("sqlite", "SQLite", (*python, f"{within}sqlite")),
        System("duckdb", "DuckDB", (*python, f"{within}duckdb")),
        System("oxigraph", "Oxigraph", (*python, f"{within}oxigraph")),
    ], []
    if not on_packages:
        peers.insert(2, System("cozo", "Cozo", (*python, "cozo")))
        if node := shutil.which("node"):
            script = str(HERE / "systems" / "datascript.js")
            peers.append(System("datascript", "DataScript", (node, *NODE_FLAGS, script)))
        else:
            absent.append("DataScript was not run: it needs node and npm.")
    if java := java_21():
        script = HERE / "systems" / within.removesuffix(".") / "datalevin.clj"
        peers.append(System("datalevin", "Datalevin", datalevin(java, str(script))))
    else:
        absent.append("Datalevin was not run: it needs Java 21 or newer.")
    return peers, absent


def java_21() -> str | None:
    """The Java of JAVA_HOME, of the path, or of where systems keep them."""
    homes = [Path(home) for home in [os.environ.get("JAVA_HOME")] if home]
    places = [home / "bin" / "java" for home in homes + sorted(Path("/usr/lib/jvm").glob("*"))]
    for java in [places[0] if homes else "java", "java", *places]:
        try:
            said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
        except OSError:
            continue
        if (found := re.search(r'version "(\d+)', said)) and int(found[1]) >= 21:
            return str(java)
    return None


def datalevin(java: str, script: str) -> tuple[str, ...]:
    package = Path(importlib.util.find_spec("datalevin").origin).parent
    jar = next((package / "jars").glob("datalevin-runtime-*.jar"))
    opened = ["java.nio", "sun.nio.ch", "java.lang", "java.util"]
    flags = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in opened]
    version = importlib.metadata.version("datalevin")
    return (java, "-Xmx4g", "--enable-native-access=ALL-UNNAMED", *flags, "-cp", str(jar),
            "clojure.main", script, version)


def build() -> Path:
    """Duramen's part, as cargo builds it."""
    say("building peer-bench")
    command = ["cargo", "build", "--release", "-p", "duramen-tests", "--bin", "peer-bench"]
    command += ["--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(Path(message["executable"]) for message in messages if message.get("executable"))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
