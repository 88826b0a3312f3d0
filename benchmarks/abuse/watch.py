"""Processes beside the server: an attacker, a neighbour who asks for a picture, a prober.

usage: watch.py attack NAME | neighbour | probes, each with ports and seconds; prints JSON
"""

import argparse
import json
import os
import threading
import time

import admin_attacks
import body_attacks
import connection_attacks
import jpeg
import picture_attacks
import wire
from attack import Attack, Target

NEIGHBOUR_SECONDS, PROBE_SECONDS = 0.1, 0.05
# Who waits longer has not been answered.
PATIENCE_SECONDS = 10
ATTACKER_NICENESS = 19


def attacks() -> list[Attack]:
    return [*picture_attacks.attacks, *body_attacks.attacks, *connection_attacks.attacks,
            *admin_attacks.attacks]


def regularly(port: int, request: bytes, pause: float, seconds: float) -> dict:
    """Asks when it is time, whatever became of those before; times count from then."""
    times, outcomes, lock = [], [], threading.Lock()

    def ask(due: float) -> None:
        outcome = wire.exchange(port, request, PATIENCE_SECONDS)
        with lock:
            outcomes.append(outcome)
            times.append(time.monotonic() - due)

    threads, due = [], time.monotonic()
    end = due + seconds
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        threads.append(threading.Thread(target=ask, args=(due,), daemon=True))
        threads[-1].start()
        due += pause
    for thread in threads:
        thread.join(PATIENCE_SECONDS + 1)
    return {"times": times, "outcomes": outcomes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("attack", "neighbour", "probes"))
    parser.add_argument("--name")
    parser.add_argument("--token", default="")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    port, seconds = arguments.port, arguments.seconds
    match arguments.role:
        case "attack":
            # It must not win by taking the processors from those whom it is measured by.
            os.nice(ATTACKER_NICENESS)
            target = Target(port, arguments.admin_port, arguments.token, seconds)
            attack = next(each for each in attacks() if each.name == arguments.name)
            if not attack.prepares:
                target.begin()
            attack.run(target)
            found = {str(status): count for status, count in target.statuses.items()}
        case "neighbour":
            request = wire.post(jpeg.photograph(), "image/jpeg")
            found = regularly(port, request, NEIGHBOUR_SECONDS, seconds)
        case "probes":
            found = regularly(port, wire.head("GET", "/livez"), PROBE_SECONDS, seconds)
    print(json.dumps(found), flush=True)
    # Threads that still wait for an answer are of no use any more.
    os._exit(0)


if __name__ == "__main__":
    main()
