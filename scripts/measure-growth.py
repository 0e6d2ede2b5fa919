#!/usr/bin/env python3
"""Creates bookings at a running server and prints what each costs: bytes per table with indexes, write-ahead log, Redis.
Called by `scripts/measure-growth.sh`, which starts the servers and sets the variables.

The client is written for counting, not for speed: it is the limit of the rate that it prints."""

import http.client
import json
import os
import subprocess
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone

HOST, PORT = "127.0.0.1", int(os.environ["PORT"])
BOOKINGS = int(os.environ["BOOKINGS"])
CLIENTS = 32
PAIRS = 500
PASSWORD = "a phrase to measure"
JSON = {"Content-Type": "application/json"}
FAMILIES = """
    select coalesce(parent.relname, c.relname), sum(pg_relation_size(c.oid)), sum(pg_total_relation_size(c.oid))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join pg_inherits i on i.inhrelid = c.oid left join pg_class parent on parent.oid = i.inhparent
    where n.nspname = 'public' and c.relkind = 'r' group by 1
"""


def sql(*statements: str) -> list[list[str]]:
    command = [os.environ["PSQL"], os.environ["MEASURE_URL"], "-XAtq", "-F", "\t"]
    for statement in statements:
        command += ["-c", statement]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def redis(*words: str) -> str:
    command = ["redis-cli", "-s", os.environ["REDIS_SOCKET"], *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def redis_memory() -> int:
    return next(
        int(line.split(":")[1]) for line in redis("info", "memory").splitlines() if line.startswith("used_memory:")
    )


def post(connection: http.client.HTTPConnection, path: str, body: object, token: str | None, key: str | None = None):
    headers = dict(JSON)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if key:
        headers["Idempotency-Key"] = key
    connection.request("POST", path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status not in (200, 201):
        raise SystemExit(f"{path}: {answer.status} {text[:300]!r}")
    return json.loads(text)


def token(path: str, email: str) -> str:
    connection = http.client.HTTPConnection(HOST, PORT)
    return post(connection, f"/api/v1/auth/{path}", {"email": email, "password": PASSWORD}, None)["access_token"]


def timetable() -> str:
    """PAIRS connections DEL-DXB-LHR, with room for everything."""
    start = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    lines = [
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes"
    ]

    def line(number: str, origin: str, destination: str, departs: datetime, hours: int) -> str:
        times = [instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in (departs, departs + timedelta(hours=hours))]
        return f"{number},{origin},{destination},{times[0]},{times[1]},,900000,9000,,60"

    for pair in range(PAIRS):
        departs = start + timedelta(minutes=pair)
        lines.append(line(f"AI{pair + 1}", "DEL", "DXB", departs, 4))
        lines.append(line(f"EK{pair + 1}", "DXB", "LHR", departs + timedelta(hours=8), 7))
    return "\n".join(lines) + "\n"


def in_parallel(items: list, work) -> float:
    """Calls work(connection, item) for all items from CLIENTS threads; returns the seconds."""
    lock, rest, failures = threading.Lock(), iter(items), []

    def run() -> None:
        connection = http.client.HTTPConnection(HOST, PORT)
        while not failures:
            with lock:
                item = next(rest, None)
            if item is None:
                return
            try:
                work(connection, item)
            except BaseException as failure:  # noqa: BLE001, of another thread
                failures.append(failure)

    begun = time.monotonic()
    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.monotonic() - begun


def sizes() -> dict[str, tuple[int, int]]:
    return {name: (int(heap), int(total)) for name, heap, total in sql(FAMILIES)}


def measure(title: str, items: list, work) -> None:
    sql("vacuum analyze", "checkpoint")
    before, memory = sizes(), redis_memory()
    log = sql("select pg_current_wal_insert_lsn()")[0][0]
    sql("select pg_stat_reset_shared('wal')")
    seconds = in_parallel(items, work)
    time.sleep(3)  # the messages are delivered
    written = int(sql(f"select pg_current_wal_insert_lsn() - '{log}'")[0][0])
    images = int(sql("select wal_fpi from pg_stat_wal")[0][0])
    grown = redis_memory() - memory
    sql("vacuum analyze")
    after, each = sizes(), len(items)
    print(
        f"\n{title}: {each} at {each / seconds:.0f}/s; log {written / each:.0f} bytes each ({images} page images), Redis {grown / each:.0f}"
    )
    total = 0.0
    for name in sorted(after):
        heap, whole = (now - then for now, then in zip(after[name], before.get(name, (0, 0))))
        if whole >= each:
            total += whole / each
            print(f"    {name:22} rows {heap / each:7.0f}   with indexes {whole / each:7.0f}")
    print(f"    {'sum':22} {'':12}   with indexes {total:7.0f}", flush=True)


def main() -> None:
    connection = http.client.HTTPConnection(HOST, PORT)
    shipper, staff = token("register", "shipper@example.com"), token("login", "staff@example.com")
    connection.request(
        "POST", "/api/v1/flights/import", timetable(), {"Content-Type": "text/csv", "Authorization": f"Bearer {staff}"}
    )
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    flights = dict(sql("select flight_number, id from flights"))
    references: list[str] = []

    def book(legs: int, keyed: bool):
        def work(connection: http.client.HTTPConnection, number: int) -> None:
            pair = number % PAIRS + 1
            body = {
                "origin": "DEL",
                "destination": "DXB" if legs == 1 else "LHR",
                "pieces": 1 + number % 20,
                "weight_kg": 5 + number % 550 / 10,
                "flight_ids": [flights[f"{line}{pair}"] for line in ("AI", "EK")[:legs]],
            }
            answer = post(connection, "/api/v1/bookings", body, shipper, str(uuid.uuid4()) if keyed else None)
            if legs == 1:
                references.append(answer["ref_id"])

        return work

    def steps(connection: http.client.HTTPConnection, reference: str) -> None:
        for step in ("depart", "arrive", "deliver"):
            post(connection, f"/api/v1/bookings/{reference}/{step}", None, staff)

    numbers = list(range(BOOKINGS))
    in_parallel(numbers[: BOOKINGS // 10], book(1, False))  # the first pages of every table
    measure("bookings on one flight", numbers, book(1, False))
    measure("bookings on one flight, with Idempotency-Key", numbers, book(1, True))
    measure("bookings on two flights", numbers, book(2, False))
    measure("bookings on two flights, with Idempotency-Key", numbers, book(2, True))
    measure("bookings departed, arrived and delivered (three steps each)", references[:BOOKINGS], steps)


main()
