#!/usr/bin/env python3
"""Checks the API's description, and drives the API by it, with tools that were written by others; see README.md."""

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
TOOLS = TARGET / "contract-tools"
PROGRAM = Path(os.environ.get("LOADMASTER_PROGRAM") or TARGET / "debug" / "loadmaster").absolute()

SEED = 20260721
# From the fewest rights to the most: what a caller changes cannot take rights from those after it. Those of a round call at the
# same time: the first of each can change nothing of the second's.
ROUNDS = (("anonymous", "customer"), ("guest", "operator"), ("admin",))
CALLERS = tuple(caller for callers in ROUNDS for caller in callers)
# Names of the accounts in what the server prints at its first start.
ACCOUNTS = {"customer": "Shipper", "operator": "Station agent", "admin": "Administrator"}

READY_SECONDS = 180
# Less than `./test` gives a command to stop.
STOP_SECONDS = 25
# A part that takes longer has hung.
PART_SECONDS = 900
SHOWN_LINES = 400


class Fault(Exception):
    """What a part found, or why it cannot run."""


def say(text: str) -> None:
    print(f"loadmaster: contract: {text}", file=sys.stderr, flush=True)


# ---- programs -------------------------------------------------------------------------------------------------------

# Neither the settings of the product, nor a database that its user works with; and the tools report to no one.
SETTINGS = re.compile(r"LOADMASTER_.*|DATABASE_.*|REDIS_.*|PORT|PG[A-Z]+|SCHEMATHESIS_.*")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not SETTINGS.fullmatch(name)} | {
    "NO_COLOR": "1",
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "SCARF_ANALYTICS": "false",
    "PYTHONDONTWRITEBYTECODE": "1",
}
running: set[subprocess.Popen[bytes]] = set()


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process group of a program, which may have started others."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    running.discard(process)


def run(log: Path, *command: object, cwd: Path | None = None, settings: dict[str, str] | None = None) -> None:
    """Run a program to its end; its output is added to `log`."""
    words = [str(word) for word in command]
    with log.open("ab") as output:
        output.write(f"$ {' '.join(words)}\n".encode())
        output.flush()
        process = subprocess.Popen(
            words,
            cwd=cwd or ROOT,
            env=ENVIRONMENT | (settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running.add(process)
        try:
            status = process.wait(timeout=PART_SECONDS)
        except subprocess.TimeoutExpired:
            raise Fault(f"{Path(words[0]).name} did not end within {PART_SECONDS} s") from None
        finally:
            end(process)
    if status != 0:
        raise Fault(f"{Path(words[0]).name} ended with {status}")


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
        return content


# ---- installation ---------------------------------------------------------------------------------------------------


def installed(kind: str, pins: list[Path], install: Callable[[Path, Path], None]) -> Path:
    """The directory of tools of exactly these pins, which is made if it is not there."""
    digest = hashlib.sha256(b"\0".join(pin.read_bytes() for pin in pins)).hexdigest()[:16]
    home = TOOLS / f"{kind}-{digest}"
    if (home / "complete").exists():
        return home
    say(f"installing the tools for {kind} (once)")
    for old in TOOLS.glob(f"{kind}-*"):
        shutil.rmtree(old)
    home.mkdir(parents=True)
    started = time.monotonic()
    log = TOOLS / f"install-{kind}.log"
    log.unlink(missing_ok=True)
    try:
        install(home, log)
    except Fault as fault:
        sys.stderr.write(log.read_text(errors="replace"))
        raise Fault(f"the tools for {kind} were not installed: {fault}") from None
    (home / "complete").touch()
    say(f"installed the tools for {kind} in {time.monotonic() - started:.0f} s")
    return home


def python() -> Path:
    """The directory of the Python programs."""
    pins = HERE / "requirements.txt"

    def install(home: Path, log: Path) -> None:
        run(log, sys.executable, "-m", "venv", home)
        run(log, home / "bin/pip", "--disable-pip-version-check", "install", "--no-deps", "-r", pins)
        run(log, home / "bin/pip", "--disable-pip-version-check", "check")

    return installed("python", [pins], install) / "bin"


def node() -> Path:
    """The directory `node_modules`."""
    pins = [HERE / "package.json", HERE / "package-lock.json"]

    def install(home: Path, log: Path) -> None:
        for pin in pins:
            shutil.copy(pin, home)
        run(log, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=home)

    return installed("node", pins, install) / "node_modules"


# ---- the server -----------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A server with demo data on a database of its own."""

    url: str
    # E-mail and password by the account's name.
    accounts: dict[str, tuple[str, str]]

    def account(self, caller: str) -> tuple[str, str]:
        return self.accounts[ACCOUNTS[caller]]

    def post(self, path: str, body: object | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def session(self, caller: str) -> Any:
        email, password = self.account(caller)
        return self.post("/api/v1/auth/login", {"email": email, "password": password})

    def settings(self) -> dict[str, str]:
        """What the journeys need to know."""
        email, password = self.account("operator")
        return {"CONTRACT_URL": self.url, "CONTRACT_OPERATOR": email, "CONTRACT_OPERATOR_PASSWORD": password}


@contextmanager
def served(log: Path) -> Iterator[Server]:
    """Start a server, and end it and its database afterwards."""
    if not PROGRAM.exists():
        raise Fault(f"{PROGRAM} is missing: run `cargo build`, or name a program in LOADMASTER_PROGRAM")
    with tempfile.TemporaryDirectory(prefix="loadmaster-contract-") as directory, log.open("wb") as output:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--demo"],
            cwd=directory,
            env=ENVIRONMENT
            | {
                "LOADMASTER_SERVER__PORT": "0",
                # Generated requests are many.
                "LOADMASTER_RATE_LIMIT__ENABLED": "false",
                # The description says what any installation may take.
                "LOADMASTER_CAPACITY__MAX_OVERBOOKING_PERCENT": "100",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield ready(process, log)
            if process.poll() is not None:
                raise Fault(f"the server ended by itself with {process.returncode}: see {log}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            finally:
                process.kill()
                process.wait()
                end_database(Path(directory))


def ready(process: subprocess.Popen[bytes], log: Path) -> Server:
    """Wait until the server says where it is and who can sign in."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        if "Stop with Ctrl-C" in text:
            url = re.search(r"ready at (http://\S+)", text)
            signs = re.findall(r"^ +(\S.*?) {2,}(\S+@\S+)\n +Password +(\S+)$", text, re.MULTILINE)
            accounts = {name: (email, password) for name, email, password in signs}
            if url is None or not accounts.keys() >= set(ACCOUNTS.values()):
                raise Fault(f"the server did not say where it is and who can sign in: see {log}")
            return Server(url[1], accounts)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise Fault(f"the server did not start: see {log}")


def end_database(directory: Path) -> None:
    """End a database that has survived its server."""
    for pid_file in directory.glob(".loadmaster/pg/*/postmaster.pid"):
        say("the private database has survived its server: ending it")
        with suppress(ProcessLookupError, ValueError, IndexError):
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)


# ---- the parts ------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """What a part works with."""

    description: Path
    server: Server
    work: Path
    log: Path
    callers: tuple[str, ...]


def spectral(this: Run) -> None:
    program = node() / ".bin/spectral"
    run(this.log, program, "lint", "--ruleset", HERE / "spectral.yaml", "--fail-severity", "warn", this.description)


def redocly(this: Run) -> None:
    program = node() / ".bin/redocly"
    # What it ignores stands in a file beside the description.
    shutil.copytree(HERE / "redocly", this.work, dirs_exist_ok=True)
    shutil.copy(this.description, this.work / "openapi.json")
    options = ("--config", "redocly.yaml", "--format", "stylish", "--max-problems", "1000")
    run(this.log, program, "lint", *options, "openapi.json", cwd=this.work)


def schemathesis(this: Run) -> None:
    """As each kind of caller. It comes last: what it leaves of the data is of no use to others."""
    failed = []
    for callers in ROUNDS:
        asked = [caller for caller in callers if caller in this.callers]
        with ThreadPoolExecutor(max_workers=2) as pool:
            passed = pool.map(lambda caller: schemathesis_as(caller, this), asked)
            failed += [caller for caller, good in zip(asked, passed) if not good]
    for caller in failed:
        with this.log.open("ab") as output:
            output.write(log_of(caller, this).read_bytes())
    if failed:
        raise Fault(f"schemathesis failed as {', '.join(failed)}")


def log_of(caller: str, this: Run) -> Path:
    return this.log.with_name(f"schemathesis-{caller}.log")


def schemathesis_as(caller: str, this: Run) -> bool:
    settings = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE / "schemathesis")}
    options: list[object] = ["--url", this.server.url, "--seed", SEED, "--checks", "all"]
    if caller == "guest":
        token = this.server.post("/api/v1/auth/guest")["access_token"]
        options += ["--header", f"Authorization: Bearer {token}"]
    elif caller != "anonymous":
        session = this.server.session(caller)
        if caller == "admin":
            settings["CONTRACT_CALLER_ID"] = session["user"]["id"]
        options += ["--header", f"Authorization: Bearer {session['access_token']}"]
    log = log_of(caller, this)
    program = python() / "schemathesis"
    config = HERE / "schemathesis/schemathesis.toml"
    started = time.monotonic()
    fault = None
    try:
        run(log, program, "--config-file", config, "run", this.description, *options, cwd=this.work, settings=settings)
    except Fault as found:
        fault = found
    outcome = "passed in" if fault is None else "FAILED after"
    cases = re.search(r"^ *(\d+) generated", log.read_text(errors="replace"), re.MULTILINE)
    count = f", {cases[1]} requests" if cases else ""
    say(f"schemathesis as {caller} {outcome} {time.monotonic() - started:.0f} s{count}")
    return fault is None


def typescript(this: Run) -> None:
    modules = node()
    for source in (HERE / "typescript").iterdir():
        shutil.copy(source, this.work)
    (this.work / "package.json").write_text('{ "type": "module" }\n')
    (this.work / "node_modules").symlink_to(modules)
    run(this.log, modules / ".bin/openapi-typescript", this.description, "--output", this.work / "schema.d.ts")
    run(this.log, modules / ".bin/tsc", "--project", this.work)
    run(this.log, "node", this.work / "built/journey.js", cwd=this.work, settings=this.server.settings())


def graphql(this: Run) -> None:
    modules = node()
    schema = this.work / "schema.graphql"
    schema.write_bytes(read(f"{this.server.url}/graphql/schema"))
    if schema.read_bytes() != (ROOT / "schema.graphql").read_bytes():
        raise Fault("the GraphQL schema that the server publishes is not the committed schema.graphql")
    for source in (HERE / "graphql").iterdir():
        shutil.copy(source, this.work)
    (this.work / "package.json").write_text('{ "type": "module" }\n')
    (this.work / "node_modules").symlink_to(modules)
    settings = this.server.settings()
    run(this.log, modules / ".bin/gql.tada", "generate-output", cwd=this.work)
    run(this.log, modules / ".bin/gql.tada", "check", "--fail-on-warn", cwd=this.work)
    run(this.log, modules / ".bin/tsc", "--project", this.work)
    for program in ("schema", "journey"):
        run(this.log, "node", this.work / f"built/{program}.js", cwd=this.work, settings=settings)


def python_client(this: Run) -> None:
    programs = python()
    package = this.work / "loadmaster_client"
    config = HERE / "python/config.yaml"
    generate = ("generate", "--path", this.description, "--meta", "none", "--output-path", package)
    run(this.log, programs / "openapi-python-client", *generate, "--config", config, "--fail-on-warning")
    import_unset(package)
    shutil.copy(HERE / "python/journey.py", this.work)
    run(this.log, programs / "mypy", "--strict", package, this.work / "journey.py", cwd=this.work)
    run(this.log, programs / "python", this.work / "journey.py", cwd=this.work, settings=this.server.settings())


def import_unset(package: Path) -> None:
    """Repair a fault of openapi-python-client 0.29: operations that take several types of content, and nothing else that may
    be left out, use a name that they do not import."""
    for source in package.glob("api/*/*.py"):
        text = source.read_text()
        if re.search(r"\bUnset\b", text) and not re.search(r"^from .*types import .*\bUnset\b", text, re.MULTILINE):
            imports = "from ...types import Response, UNSET"
            source.write_text(text.replace(imports, f"{imports}, Unset"))


def rust(this: Run) -> None:
    programs = python()
    if not shutil.which("java"):
        raise Fault("java is missing: install a Java runtime, such as Debian's default-jre-headless")
    # In a directory that stays, so that what the client needs is compiled once.
    work = TOOLS / "rust"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(HERE / "rust", work, ignore=shutil.ignore_patterns("target"))
    properties = "--additional-properties=packageName=loadmaster-client,packageVersion=0.0.0"
    generate = ("generate", "-g", "rust", "-i", this.description, "-o", work / "client", properties)
    run(this.log, programs / "openapi-generator-cli", *generate, settings={"PATH": f"{programs}:{ENVIRONMENT['PATH']}"})
    collisions = re.findall(r"Duplicate file path detected.*path=(\S+)", this.log.read_text(errors="replace"))
    if collisions:
        raise Fault(f"the generator has overwritten its own files: {', '.join(collisions)}")
    locked = (work / "Cargo.lock").exists()
    cargo = ("cargo", "build", "--manifest-path", work / "Cargo.toml")
    target = TOOLS / "rust-target"
    run(this.log, *cargo, *(["--locked"] if locked else []), settings={"CARGO_TARGET_DIR": str(target)})
    run(this.log, target / "debug/loadmaster-contract", settings=this.server.settings())
    if not locked:
        shutil.copy(work / "Cargo.lock", HERE / "rust")
        raise Fault("all is well, but the versions were not pinned: commit tests/contract/rust/Cargo.lock")


def authlib(this: Run) -> None:
    settings = this.server.settings() | {"AUTHLIB_INSECURE_TRANSPORT": "1"}
    run(this.log, python() / "python", HERE / "oauth.py", settings=settings)


PARTS: dict[str, Callable[[Run], None]] = {
    "spectral": spectral,
    "redocly": redocly,
    "typescript": typescript,
    "graphql": graphql,
    "python": python_client,
    "rust": rust,
    "authlib": authlib,
    "schemathesis": schemathesis,
}
# The parts that need none of the Python programs.
OF_NODE = {"spectral", "redocly", "typescript", "graphql"}


# ---- the run --------------------------------------------------------------------------------------------------------


def describe(server: Server, given: Path | None, kept: Path) -> Path:
    """Store the description that the server publishes, which must be the committed one; or take another that is to be tried."""
    if given is not None:
        say(f"NOT what the server publishes is checked, but {given}")
        return given.absolute()
    published = read(f"{server.url}/openapi.json")
    kept.write_bytes(published)
    if json.loads(published) != json.loads((ROOT / "openapi.json").read_bytes()):
        raise Fault("the description that the server publishes is not the committed openapi.json: run `just openapi`")
    return kept


def run_part(name: str, this: Run) -> bool:
    started = time.monotonic()
    try:
        PARTS[name](this)
    except Fault as fault:
        if this.log.exists():
            lines = this.log.read_text(errors="replace").splitlines()
            if len(lines) > SHOWN_LINES:
                lines = [f"… {len(lines) - SHOWN_LINES} lines more in {this.log}", *lines[-SHOWN_LINES:]]
            print("\n".join(lines), file=sys.stderr)
        say(f"{name} FAILED after {time.monotonic() - started:.0f} s: {fault}")
        return False
    say(f"{name} passed in {time.monotonic() - started:.0f} s")
    return True


def run_parts(names: list[str], callers: tuple[str, ...], given: Path | None) -> bool:
    logs = TOOLS / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    failed = []
    with served(logs / "server.log") as server:
        description = describe(server, given, TOOLS / "openapi.json")
        for name in names:
            with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=TOOLS) as work:
                this = Run(description, server, Path(work), logs / f"{name}.log", callers)
                if not run_part(name, this):
                    failed.append(name)
    errors = [
        line for line in (logs / "server.log").read_text(errors="replace").splitlines() if '"level":"ERROR"' in line
    ]
    if errors:
        failed.append("server")
        print("\n".join(errors[:20]), file=sys.stderr)
        say(f"the server logged {len(errors)} errors, above are the first")
    if failed:
        say(f"FAILED: {', '.join(failed)}; what the tools said is in {logs}")
    return not failed


def interrupted(number: int, _frame: object) -> NoReturn:
    # Threads wait for the programs that they run.
    for process in list(running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./test --contract", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"all, unless named: {', '.join(PARTS)}")
    parser.add_argument("--as", dest="callers", action="append", choices=CALLERS, help="the caller of schemathesis")
    parser.add_argument("--description", type=Path, help="try this file in place of what the server publishes")
    asked = parser.parse_args()
    unknown = [part for part in asked.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; the parts are {', '.join(PARTS)}")

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    started = time.monotonic()
    names = [name for name in PARTS if not asked.parts or name in asked.parts]
    callers = tuple(caller for caller in CALLERS if not asked.callers or caller in asked.callers)
    try:
        # Installed first, so that the time of a part is that of its checks.
        if set(names) & OF_NODE:
            node()
        if set(names) - OF_NODE:
            python()
        passed = run_parts(names, callers, asked.description)
    except Fault as fault:
        say(f"FAILED: {fault}")
        passed = False
    say(f"{'passed' if passed else 'FAILED'} after {time.monotonic() - started:.0f} s")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
