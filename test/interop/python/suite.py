"""Drives a cluster through etcd3 from PyPI. Usage: suite.py HOST:PORT [HOST:PORT ...]"""

import sys

import checks
from checks import check, connect, want
from leases import alarm_checks, lease_checks, lock_checks, member_checks
from watches import watch_checks

def key_value_checks(client, other):
    def put_and_get():
        client.put("py/a", "one")
        value, meta = other.get("py/a")
        want("value on another member", value, b"one")
        want("key", meta.key, b"py/a")
        want("version", meta.version, 1)

    def put_with_previous():
        answer = client.put("py/a", "two", prev_kv=True)
        want("previous value", answer.prev_kv.value, b"one")

    def missing():
        want("value", client.get("py/none"), (None, None))

    def prefix():
        for name in ("1", "2", "3"):
            client.put(f"py/p/{name}", name)
        want("values", [value for value, _ in client.get_prefix("py/p/")], [b"1", b"2", b"3"])

    def sorted_prefix():
        values = [value for value, _ in client.get_prefix("py/p/", sort_order="descend")]
        want("values", values, [b"3", b"2", b"1"])

    def keys_only():
        want("values", [value for value, _ in client.get_prefix("py/p/", keys_only=True)], [b""] * 3)

    def key_range():
        want("values", [value for value, _ in client.get_range("py/p/1", "py/p/3")], [b"1", b"2"])

    def serializable():
        value, _ = client.get("py/a", serializable=True)
        want("value", value, b"two")

    def everything():
        want("some pairs", len(list(client.get_all())) >= 4, True)

    def put_if_not_exists():
        want("first", client.put_if_not_exists("py/once", "1"), True)
        want("second", client.put_if_not_exists("py/once", "2"), False)

    def replace():
        want("from the right value", client.replace("py/once", "1", "2"), True)
        want("from a wrong value", client.replace("py/once", "1", "3"), False)

    def delete():
        want("there", client.delete("py/once"), True)
        want("not there", client.delete("py/once"), False)

    def delete_prefix():
        want("deleted", client.delete_prefix("py/p/").deleted, 3)

    check("put and get", put_and_get)
    check("put with the previous pair", put_with_previous)
    check("get of a key that is not there", missing)
    check("get_prefix", prefix)
    check("get_prefix, descending", sorted_prefix)
    check("get_prefix, keys only", keys_only)
    check("get_range", key_range)
    check("get, serializable", serializable)
    check("get_all", everything)
    check("put_if_not_exists", put_if_not_exists)
    check("replace", replace)
    check("delete", delete)
    check("delete_prefix", delete_prefix)


def transaction_checks(client):
    def taken():
        client.put("py/t", "1")
        succeeded, answers = client.transaction(
            compare=[client.transactions.value("py/t") == "1", client.transactions.version("py/t") > 0],
            success=[client.transactions.put("py/t", "2"), client.transactions.get("py/t")],
            failure=[client.transactions.delete("py/t")],
        )
        want("succeeded", succeeded, True)
        want("value read inside", answers[1][0][0], b"2")

    def not_taken():
        succeeded, _ = client.transaction(
            compare=[client.transactions.create("py/t") == "0"],
            success=[],
            failure=[client.transactions.delete("py/t")],
        )
        want("succeeded", succeeded, False)
        want("value", client.get("py/t"), (None, None))

    check("transaction that succeeds", taken)
    check("transaction that fails", not_taken)


def cluster_checks(client, members):
    def member_list():
        found = list(client.members)
        want("members", len(found), members)
        want("names", sorted(member.name for member in found), sorted(f"m{i + 1}" for i in range(members)))

    def status():
        answer = client.status()
        want("version", answer.version, "3.7.3")
        want("has a size", answer.db_size > 0, True)
        want("the leader is a member", answer.leader.id in [member.id for member in client.members], True)

    def hashes():
        want("is a number", isinstance(client.hash(), int), True)

    def defragment():
        client.defragment()

    def compact():
        client.put("py/c", "1")
        _, meta = client.get("py/c")
        client.compact(meta.mod_revision, physical=True)

    check("members", member_list)
    check("status", status)
    check("hash", hashes)
    check("defragment", defragment)
    check("compact", compact)


def main(addresses):
    clients = [connect(address) for address in addresses]
    key_value_checks(clients[0], clients[-1])
    transaction_checks(clients[0])
    cluster_checks(clients[0], len(addresses))
    watch_checks(clients[0])
    lease_checks(clients[0], clients[-1])
    lock_checks(clients[0], clients[-1])
    member_checks(clients[0], len(addresses))
    alarm_checks(clients[0])
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
