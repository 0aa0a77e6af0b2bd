"""etcd3's leases, and the locks that it builds on them; members and alarms."""

import threading
import time

import etcd3
from checks import check, eventually, want, want_error


def lease_checks(client, other):
    def life():
        lease = client.lease(60)
        client.put("py/l/b", "x", lease=lease)
        client.put("py/l/a", "x", lease=lease)
        want("granted", lease.granted_ttl, 60)
        want("left", 50 < lease.remaining_ttl <= 60, True)
        want("keys", sorted(lease.keys), [b"py/l/a", b"py/l/b"])
        want("lease of the key", client.get("py/l/a")[1].lease_id, lease.id)
        lease.revoke()
        want("value", client.get("py/l/a"), (None, None))
        want("time to live", client.get_lease_info(lease.id).TTL, -1)

    def own_id():
        lease = client.lease(60, lease_id=4242)
        want("id", lease.id, 4242)
        want_error(etcd3.exceptions.PreconditionFailedError, lambda: client.lease(60, lease_id=4242))
        client.revoke_lease(4242)

    def refresh():
        lease = client.lease(3)
        for _ in range(4):
            time.sleep(1)
            want("renewed for", [answer.TTL for answer in lease.refresh()], [3])
        want("renewed by another member", [answer.TTL for answer in other.refresh_lease(lease.id)], [3])
        lease.revoke()
        want("renewed after the revocation", [answer.TTL for answer in client.refresh_lease(lease.id)], [0])

    def expiry():
        lease = client.lease(1)
        want("the shortest", lease.granted_ttl, 2)
        client.put("py/l/short", "x", lease=lease)
        want("there", client.get("py/l/short")[0], b"x")
        eventually("expired", lambda: client.get("py/l/short")[0] is None)

    def not_there():
        error = want_error(Exception, lambda: client.put("py/l/none", "x", lease=0x1234567890ABCDEF))
        want("refusal", "requested lease not found" in str(error), True)

    check("lease: granted, read and revoked", life)
    check("lease with an id of one's own", own_id)
    check("lease: refreshed longer than its time", refresh)
    check("lease: it expires, and its key with it", expiry)
    check("put with a lease that is not there", not_there)


def lock_checks(client, other):
    def held():
        first, second = client.lock("py-lock", ttl=30), other.lock("py-lock", ttl=30)
        want("first", first.acquire(timeout=5), True)
        want("second", second.acquire(timeout=1), False)
        want("is held by the first", (first.is_acquired(), second.is_acquired()), (True, False))
        want("refreshed", [answer.TTL for answer in first.refresh()], [30])
        want("released", first.release(), True)
        want("second after it", second.acquire(timeout=5), True)
        second.release()

    def expired():
        holder = client.lock("py-expires", ttl=2)
        holder.acquire()
        want("next", other.lock("py-expires", ttl=10).acquire(timeout=15), True)
        want("holder", holder.is_acquired(), False)

    def contended():
        client.put("py-counter", "0")

        def count(which):
            for _ in range(5):
                with which.lock("py-contended", ttl=30):
                    value = int(which.get("py-counter")[0])
                    which.put("py-counter", str(value + 1))

        threads = [threading.Thread(target=count, args=[which]) for which in (client, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        want("counted", client.get("py-counter")[0], b"10")

    check("lock: held and released", held)
    check("lock: one that expires goes to the next", expired)
    check("lock: two contend, and one at a time is inside", contended)


def member_checks(client, members):
    def unknown():
        error = want_error(Exception, lambda: client.remove_member(1))
        want("refusal", "member not found" in str(error), True)
        error = want_error(Exception, lambda: client.update_member(1, ["http://127.0.0.1:1"]))
        want("refusal", "member not found" in str(error), True)

    def added_and_removed():
        added = []

        def add():
            # Members must have been connected for some seconds.
            try:
                added.append(client.add_member(["http://127.0.0.1:11"]))
            except Exception as error:
                if "unhealthy cluster" not in str(error):
                    raise
            return bool(added)

        eventually("added", add)
        member = added[0]
        try:
            want("peer URLs", list(member.peer_urls), ["http://127.0.0.1:11"])
            member.update(["http://127.0.0.1:12"])
            found = [each for each in client.members if each.id == member.id]
            want("updated", [list(each.peer_urls) for each in found], [["http://127.0.0.1:12"]])
        finally:
            member.remove()
        want("members left", len(list(client.members)), members)

    check("members: one that is not there", unknown)
    check("members: one is added, updated and removed", added_and_removed)


def alarm_checks(client):
    def alarm():
        member = next(iter(client.members))
        created = client.create_alarm(member.id)
        want("created", [each.member_id for each in created], [member.id])
        error = want_error(Exception, lambda: client.put("py/alarm", "x"))
        want("refusal", "database space exceeded" in str(error), True)
        want("listed", [each.member_id for each in client.list_alarms()], [member.id])
        want("active alarms of the member", len(list(member.active_alarms)), 1)
        client.disarm_alarm(member.id)
        want("listed after it", list(client.list_alarms()), [])
        client.put("py/alarm", "x")

    check("alarm: created, listed and disarmed", alarm)
