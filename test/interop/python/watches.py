"""etcd3's watches: iterators, callbacks, and the ones that wait for one event."""

import queue
import threading

import etcd3
from checks import check, want, want_error

TIMEOUT_SECONDS = 10


def change(event):
    if isinstance(event, etcd3.events.PutEvent):
        return f"PUT {event.key.decode()}={event.value.decode()}"
    return f"DELETE {event.key.decode()}"


class Told:
    """What a callback was given, in its order: texts of events, or the error that ended the watch."""

    def __init__(self):
        self.queue = queue.Queue()

    def __call__(self, response):
        if isinstance(response, Exception):
            self.queue.put(response)
            return
        for event in response.events:
            self.queue.put(change(event))
        if not response.events:
            self.queue.put(f"progress {response.header.revision}")

    def next(self):
        return self.queue.get(timeout=TIMEOUT_SECONDS)

    def want(self, *changes):
        want("events", [self.next() for _ in changes], list(changes))


def revision_of(client, key):
    return client.get(key)[1].mod_revision


def watch_checks(client):
    def iterator():
        events, cancel = client.watch("py/w/i")
        client.put("py/w/i", "1")
        client.delete("py/w/i")
        want("events", [change(next(events)) for _ in range(2)], ["PUT py/w/i=1", "DELETE py/w/i"])
        cancel()
        want("events after the cancellation", list(events), [])

    def prefix():
        events, cancel = client.watch_prefix("py/w/p/")
        for name in ("b", "a"):
            client.put(f"py/w/p/{name}", name)
        client.delete_prefix("py/w/p/")
        wanted = ["PUT py/w/p/b=b", "PUT py/w/p/a=a", "DELETE py/w/p/a", "DELETE py/w/p/b"]
        want("events", [change(next(events)) for _ in wanted], wanted)
        cancel()

    def callback():
        told = Told()
        watch = client.add_watch_callback("py/w/c", told)
        client.put("py/w/c", "1")
        client.put("py/w/other", "x")
        client.put("py/w/c", "2")
        told.want("PUT py/w/c=1", "PUT py/w/c=2")
        client.cancel_watch(watch)

    def prefix_callback():
        told = Told()
        watch = client.add_watch_prefix_callback("py/w/pc/", told)
        client.put("py/w/pc/a", "1")
        told.want("PUT py/w/pc/a=1")
        client.cancel_watch(watch)

    def several():
        told = [Told() for _ in range(20)]
        watches = [client.add_watch_callback(f"py/w/m/{i}", each) for i, each in enumerate(told)]
        for i in range(20):
            client.put(f"py/w/m/{i}", "x")
        for i, each in enumerate(told):
            each.want(f"PUT py/w/m/{i}=x")
        want("different ids", len(set(watches)), 20)
        for watch in watches:
            client.cancel_watch(watch)

    def past():
        client.put("py/w/past", "1")
        start = revision_of(client, "py/w/past")
        client.put("py/w/past", "2")
        told = Told()
        watch = client.add_watch_callback("py/w/past", told, start_revision=start)
        client.put("py/w/past", "3")
        told.want("PUT py/w/past=1", "PUT py/w/past=2", "PUT py/w/past=3")
        client.cancel_watch(watch)

    def previous():
        client.put("py/w/prev", "before")
        responses = queue.Queue()
        watch = client.add_watch_callback("py/w/prev", responses.put, prev_kv=True)
        client.put("py/w/prev", "after")
        event = responses.get(timeout=TIMEOUT_SECONDS).events[0]
        want("previous value", event.prev_value, b"before")
        client.cancel_watch(watch)

    def progress():
        told = Told()
        watch = client.add_watch_callback("py/w/quiet", told, progress_notify=True)
        client.put("py/w/loud", "1")
        revision = revision_of(client, "py/w/loud")
        while int(told.next().removeprefix("progress ")) < revision:
            continue
        client.cancel_watch(watch)

    def once():
        timer = threading.Timer(0.3, client.put, ["py/w/once", "now"])
        timer.start()
        want("event", change(client.watch_once("py/w/once", timeout=TIMEOUT_SECONDS)), "PUT py/w/once=now")
        timer.join()
        want_error(etcd3.exceptions.WatchTimedOut, lambda: client.watch_once("py/w/once", timeout=0.3))

    def compacted():
        client.put("py/w/old", "1")
        start = revision_of(client, "py/w/old")
        client.put("py/w/old", "2")
        newest = revision_of(client, "py/w/old")
        client.compact(newest)
        told = Told()
        client.add_watch_callback("py/w/old", told, start_revision=start)
        error = told.next()
        want("kind", type(error), etcd3.exceptions.RevisionCompactedError)
        want("compacted revision", error.compacted_revision, newest)

    check("watch", iterator)
    check("watch_prefix", prefix)
    check("add_watch_callback", callback)
    check("add_watch_prefix_callback", prefix_callback)
    check("twenty callbacks on one stream", several)
    check("watch from a revision of the past", past)
    check("watch with the previous pair", previous)
    check("watch with progress notifications", progress)
    check("watch_once", once)
    check("watch of a compacted revision", compacted)
