"""Runs checks and says on a line each what held: "ok NAME" or "not ok NAME -- WHY"."""

import os
import time

import etcd3

failures = 0
# Checks that need the cluster for themselves, by line, when other suites run beside this one.
left_out = os.environ.get("INTEROP_LEAVE_OUT", "").split("\n")


def check(name, run):
    global failures
    if name in left_out:
        return
    try:
        run()
    except Exception as error:  # whatever goes wrong is this check's failure, and the next one still runs
        failures += 1
        print(f"not ok {name} -- {type(error).__name__}: {error}".replace("\n", " "), flush=True)
    else:
        print(f"ok {name}", flush=True)


def want(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what} is {got!r}, not {wanted!r}")


def want_error(kind, run):
    try:
        run()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def eventually(what, is_so, seconds=15):
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"never {what}")
        time.sleep(0.05)


def connect(address):
    host, port = address.rsplit(":", 1)
    return etcd3.client(host=host, port=int(port), timeout=10)
